"""The pages that tell what a problem's code means: one Markdown file a code, in `pages`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).with_name("pages")


def codes() -> tuple[str, ...]:
    """Every code that has a page, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.md")))


def page(code: str) -> str | None:
    """The page of a code, or None."""
    return (_FOLDER / f"{code}.md").read_text(encoding="utf-8") if code in codes() else None


def summary(code: str) -> str:
    """The page's first sentence."""
    rows = (page(code) or "").splitlines()[1:]
    return next((row for row in rows if row.strip()), "")
