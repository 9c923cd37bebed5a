"""JSON values as kover compares and shows them.

Absent is not null: `MISSING` stands for an attribute that does not exist.
"""

from __future__ import annotations

import enum
import math
import struct
from collections.abc import Mapping
from typing import Final, Union

JSON = Union[None, bool, int, float, str, list["JSON"], dict[str, "JSON"]]  # noqa: UP007 (recursive)


class Missing(enum.Enum):
    """The type of `MISSING`."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING
"""The attribute does not exist there. Not the same as null."""

_FLOAT32_DIGITS = 9


def short_float(number: float) -> float:
    """The shorter decimal whose float32 image `number` is, or `number` itself.

    `0.0010000000474974513`, which is what float32 makes of `0.001`, becomes `0.001`.
    """
    if not math.isfinite(number) or number == 0.0:
        return number
    if _float32(number) != number:
        return number
    for digits in range(1, _FLOAT32_DIGITS):
        candidate = float(f"{number:.{digits}g}")
        if _float32(candidate) == number:
            return candidate if len(repr(candidate)) < len(repr(number)) else number
    return number


def _float32(number: float) -> float | None:
    """The float32 image of `number`, None beyond the range (rounding up may lead there)."""
    try:
        image: float = struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        return None
    return image


def normal(value: JSON) -> JSON:
    """`value` with every float in its shortest form."""
    if isinstance(value, float):
        return short_float(value)
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items()}
    return value


def same(one: JSON | Missing, other: JSON | Missing) -> bool:
    """Whether two values mean the same.

    Numbers compare by value after float32 shortening, NaN equals NaN, booleans are not
    numbers, and absent is not null.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return _same_number(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def _same_number(one: float, other: float) -> bool:
    if one == other:
        return True
    if isinstance(one, int) or isinstance(other, int):
        return False
    return (math.isnan(one) and math.isnan(other)) or short_float(one) == short_float(other)


def as_mapping(value: object) -> Mapping[str, JSON]:
    """`value` if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}
