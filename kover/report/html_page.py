"""HTML pages from templates: one file that loads nothing, whatever the names in it.

Every value is escaped by the template engine; the policy in the page's head lets only its own
style and script run. Needs the extra `kover[html]`.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from kover import __version__
from kover.errors import UsageError
from kover.problems import Problem
from kover.report.clean import clean

_TEMPLATES = Path(__file__).with_name("templates")


def render_page(template: str, context: dict[str, Any]) -> str:
    """The page.

    Args:
        template: `diff.html` or `show.html`.
        context: what it shows. Strings from outside are cleaned here, in one place.

    Raises:
        UsageError: `missing-extra` where the packages are not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ModuleNotFoundError as error:
        raise missing_extra() from error
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: clean(value, 2000) if type(value) is str else value,
        trim_blocks=True,
    )
    own = {
        name: (_TEMPLATES / f"page.{name}").read_text(encoding="utf-8") for name in ("css", "js")
    }
    page: str = environment.get_template(template).render(
        **context,
        version=__version__,
        css=Markup(own["css"]),
        js=Markup(own["js"]),
        hashes={name: _digest(text) for name, text in own.items()},
    )
    return page + "\n"


def missing_extra() -> UsageError:
    """The error for HTML without the packages that make it."""
    return UsageError(
        Problem(
            "missing-extra",
            "HTML needs packages that are not installed",
            help="install them: pip install 'kover[html]'",
        )
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
