"""Text that a reader of YAML may have meant as something else: `no`, `None`, `0,5`, `"1e-4"`.

Where a class of Keras says what it takes, such text is refused anyway; this is for parameters and
for custom layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kover.linting.wording import warning
from kover.problems import Problem
from kover.spec.document import Override, Selector, Spec, Value, Where
from kover.values import JSON

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_WORDS = {
    **dict.fromkeys(("yes", "on"), "write true to mean a truth value: YAML 1.2 has no other"),
    **dict.fromkeys(("no", "off"), "write false to mean a truth value: YAML 1.2 has no other"),
    **dict.fromkeys(("none", "nil", "undefined"), "write null to mean none"),
}
_SPELLINGS = (
    (re.compile(r"[-+]?\d+,\d+"), "write a point, not a comma, to mean a number"),
    (re.compile(r"[-+]?\d{1,3}(_\d{3})+"), "leave the underscores out to mean a number"),
    (re.compile(r"\d+(\.\d+)?\s?%"), "write a fraction, such as 0.1, to mean a number"),
)
_QUOTED = "remove the quotes to mean a value and not a text"


def check(spec: Spec) -> Iterator[Problem]:
    """Find such text among the parameters and the values of a spec."""
    for name, value in spec.declared.items():
        yield from _faults(value, f"the parameter '{name}'", quoted_matters=False)
    for override in spec.overrides:
        for name, value in _values(override):
            yield from _faults(value, f"'{name}'", quoted_matters=True)


def _values(override: Override) -> Iterator[tuple[str, Value]]:
    for setting in (*override.set, *override.was):
        if setting.value is not None and setting.attribute != "name":
            yield setting.attribute, setting.value
    yield from _conditions(override.layers)


def _conditions(selector: Selector | None) -> Iterator[tuple[str, Value]]:
    if isinstance(selector, Where):
        yield from selector.where.items()
        yield from _conditions(selector.not_)
        for member in selector.any or ():
            yield from _conditions(member)


def _faults(value: Value, where: str, quoted_matters: bool) -> Iterator[Problem]:
    for path in value.sources:
        data: JSON = value.part(*path).data if path else value.data
        if isinstance(data, str) and (hint := _meant(data, quoted_matters)):
            yield warning(
                "looks-like-another-type",
                f"{where} is the text '{data}'",
                value.source(*path),
                hint,
            )


def _meant(text: str, quoted_matters: bool) -> str | None:
    lowered = text.lower()
    if lowered in _WORDS:
        return _WORDS[lowered]
    for spelling, hint in _SPELLINGS:
        if spelling.fullmatch(text):
            return hint
    is_value = _NUMBER.fullmatch(text) or lowered in ("true", "false")
    return _QUOTED if quoted_matters and is_value else None
