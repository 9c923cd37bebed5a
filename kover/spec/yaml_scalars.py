"""The scalars of the YAML 1.2 core schema, as JSON values.

PyYAML's own rules are those of YAML 1.1, where `1e-4` is a string, `010` is eight, `no` is
false and `12:30` is 750; none of them is used.
"""

from __future__ import annotations

import math
import re
from typing import Final

from kover.values import JSON

MOST_DIGITS: Final = 100
"""A number written longer than this is refused."""

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class ScalarError(ValueError):
    """A scalar that is no JSON value. `args` holds a message and a help line."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message, help)
        self.message = message
        self.help = help


def resolve_plain(text: str) -> JSON:
    """The value of an unquoted scalar.

    Raises:
        ScalarError: it is a number without a JSON value: infinite, not a number, too long.
    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"'{text}' is not a finite number", "give a finite number")
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _float(text)
    return text


def resolve_tagged(tag: str, text: str, plain: bool) -> JSON:
    """The value of a scalar with the core tag `tag` (`str`, `int`, `float`, `bool`, `null`).

    Raises:
        ScalarError: the text does not spell a value of that type.
    """
    if tag == "str":
        return text
    value = resolve_plain(text) if text or plain else text
    if tag == "float" and type(value) is int:
        return float(value)
    if _TYPES[tag] is not type(value):
        raise ScalarError(f"'{text}' is no !!{tag}", "remove the tag, or correct the value")
    return value


_TYPES: Final[dict[str, type]] = {"int": int, "float": float, "bool": bool, "null": type(None)}


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ScalarError(
            f"a number of {len(text)} digits is too long",
            f"numbers have at most {MOST_DIGITS} digits; quote it if it is text",
        )
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:], base) if base != 10 else int(text)


def _float(text: str) -> float:
    if len(text) > MOST_DIGITS:
        raise ScalarError(
            f"a number of {len(text)} characters is too long",
            f"numbers have at most {MOST_DIGITS} digits; quote it if it is text",
        )
    number = float(text)
    if math.isinf(number):
        raise ScalarError(f"'{text}' is too large for a number", "give a finite number")
    return number
