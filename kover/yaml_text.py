"""JSON values as YAML that a spec reads back as the same values.

Flow style on one line. Strings are plain where YAML 1.1 and 1.2 both take them for strings, and
quoted otherwise; what no terminal should see is escaped.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final

from kover.values import JSON, normal

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./>-]*")
_TAKEN: Final = frozenset(
    {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"}
)  # in any case: other readers take some of them for booleans


def flow(value: JSON, *, literal: bool = False) -> str:
    """The value on one line.

    Args:
        value: to write. Floats get their shortest form.
        literal: `${` stands for itself, so it is escaped; keys never need that.

    Raises:
        ValueError: there is no YAML for it: a number that is not finite, half a surrogate pair.
    """
    value = normal(value)
    if isinstance(value, dict):
        items = (f"{flow(key)}: {flow(item, literal=literal)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list):
        return f"[{', '.join(flow(item, literal=literal) for item in value)}]"
    if isinstance(value, str):
        return _text(value.replace("${", "$${") if literal else value)
    if isinstance(value, float):
        return _float(value)
    return json.dumps(value)


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("a spec holds finite numbers only")
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if exponent and "." not in mantissa:
        return f"{mantissa}.0e{int(power):+d}"  # a number for readers of YAML 1.1 as well
    return text


def _text(value: str) -> str:
    value.encode("utf-8")  # halves of surrogate pairs have no YAML
    if _PLAIN.fullmatch(value) and value.lower() not in _TAKEN:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    if quoted.isprintable():
        return quoted
    return "".join(char if char.isprintable() else _escape(char) for char in quoted)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
