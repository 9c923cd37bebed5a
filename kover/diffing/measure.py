"""How far two stored arrays are apart, in constant memory.

Bytes are compared first. numpy is imported for the first array that differs, never before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from kover.archive.weights import BFLOAT16, StoredArray, WeightsFile
from kover.diffing.model_diff import NonFinite

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

_CHUNK = 1 << 17  # larger ones go back to the system after each use, which takes twice the time
_SINGLE = "<f4"
# Of single precision: exponents are stored from 0 on, and frexp's is greater by one.
_FRACTION_BITS, _EXPONENTS, _BIAS, _LEAST_NORMAL = 23, 256, 126, 2.0**-126
_LEAST, _MOST = 1e-20, 1e30  # sums of squares that single precision holds well
_NAMES = {"f": "float", "i": "int", "u": "uint", "c": "complex"}


@dataclass(frozen=True)
class Stored:
    """An array and the file it is in."""

    file: WeightsFile
    array: StoredArray

    def chunks(self) -> Iterator[bytes]:
        """Its bytes in pieces of `_CHUNK`, the last one shorter."""
        rest = b""
        for piece in self.file.chunks(self.array, _CHUNK):
            if not rest and len(piece) == _CHUNK:
                yield piece
                continue
            rest += piece
            while len(rest) >= _CHUNK:
                yield rest[:_CHUNK]
                rest = rest[_CHUNK:]
        if rest:
            yield rest


@dataclass(frozen=True)
class Distance:
    """How far an array is from another; see `ArrayChange` for the measures."""

    max_abs: float
    rel_l2: float | None
    share: float
    before: NonFinite
    after: NonFinite
    histogram: tuple[tuple[int, int], ...] = ()


def dtype_name(dtype: str) -> str:
    """`<f4` -> `float32`: as Keras calls it."""
    if dtype == BFLOAT16:
        return dtype
    kind, size = dtype[1:2], dtype[2:]
    if kind == "b":
        return "bool"
    if kind in _NAMES and size.isdecimal():
        return f"{_NAMES[kind]}{int(size) * 8}"
    return dtype


def same_bytes(one: Stored, other: Stored) -> bool:
    """Whether two arrays of one shape and dtype are bit-equal."""
    return all(a == b for a, b in zip_longest(one.chunks(), other.chunks()))


def is_zero(stored: Stored) -> bool:
    """Whether every byte is zero."""
    return not any(piece.strip(b"\0") for piece in stored.chunks())


def distance(one: Stored, other: Stored, *, histogram: bool = False) -> Distance:
    """Measure two arrays of the same shape and dtype (byte order aside)."""
    total = _Total(histogram)
    pairs = zip(one.chunks(), other.chunks(), strict=True)
    for a, b in pairs:
        if not total.add_floats(a, b, one.array.dtype, other.array.dtype):
            total.add(_numbers(a, one.array.dtype), _numbers(b, other.array.dtype))
    return total.result()


def _numbers(piece: bytes, dtype: str) -> Numbers:
    """Raw bytes as numbers of double precision."""
    import numpy as np

    if dtype == BFLOAT16:
        halves = np.frombuffer(piece, "<u2").astype("<u4") << 16
        return halves.view("<f4").astype(np.float64)
    numbers = np.frombuffer(piece, dtype)
    return numbers if numbers.dtype.kind == "c" else numbers.astype(np.float64)


class _Total:
    """Sums over the pieces of a pair of arrays."""

    def __init__(self, histogram: bool = False) -> None:
        self._room: Numbers | None = None
        self._shifted: Numbers | None = None
        self._histogram: dict[int, int] | None = {} if histogram else None
        self._count = 0
        self._different = 0
        self._largest = 0.0
        self._squares = 0.0
        self._difference_squares = 0.0
        self._nonfinite = [[0, 0], [0, 0]]

    def add_floats(self, a: bytes, b: bytes, dtype: str, other_dtype: str) -> bool:
        """Take a piece of ordinary numbers into account, in single precision: ten times as fast.

        Returns:
            False where that would not do: other dtypes, NaN, infinities, squares out of range.
        """
        import numpy as np

        if dtype != _SINGLE or other_dtype != _SINGLE:
            return False
        one, other = np.frombuffer(a, dtype), np.frombuffer(b, dtype)
        apart = self._buffer(one.size)
        with np.errstate(all="ignore"):
            np.subtract(other, one, out=apart)
            old, moved = float(np.dot(one, one)), float(np.dot(apart, apart))
        different = int(np.count_nonzero(apart != 0))
        if not all(_LEAST < total < _MOST or total == 0 for total in (old, moved)):
            return False
        if (moved == 0 and different) or (old == 0 and one.any()):
            return False
        self._count += one.size
        self._different += different
        self._squares += old
        self._difference_squares += moved
        if different:
            self._largest = max(self._largest, float(apart.max()), -float(apart.min()))
            if self._histogram is not None:
                self._sort_floats(apart, different)
        return True

    def _buffer(self, size: int) -> Numbers:
        """Room for the differences of a piece, used again for the next one."""
        import numpy as np

        if self._room is None or self._room.size < size:
            self._room = np.empty(size, _SINGLE)
        return self._room[:size]

    def add(self, one: Numbers, other: Numbers) -> None:
        """Take another piece of both into account."""
        import numpy as np

        nan_one, nan_other = np.isnan(one), np.isnan(other)
        for counts, numbers, nan in zip(
            self._nonfinite, (one, other), (nan_one, nan_other), strict=True
        ):
            counts[0] += int(nan.sum())
            counts[1] += int(np.isinf(numbers).sum())
        finite = np.isfinite(one) & np.isfinite(other)
        old = one[finite]
        apart = np.abs(other[finite] - old)
        self._count += one.size
        self._different += int(((one != other) & ~(nan_one & nan_other)).sum())
        if apart.size:
            self._largest = max(self._largest, float(apart.max()))
            self._difference_squares += float(np.dot(apart, apart))
            self._squares += float(np.vdot(old, old).real)
            if self._histogram is not None:
                self._sort(apart[apart > 0])

    def _sort_floats(self, apart: Numbers, different: int) -> None:
        """`_sort` by the bits of single precision: ten times as fast."""
        import numpy as np

        if self._shifted is None or self._shifted.size < apart.size:
            self._shifted = np.empty(apart.size, np.intp)
        shifted = self._shifted[: apart.size]
        np.right_shift(apart.view("<u4"), _FRACTION_BITS, out=shifted)
        signed = np.bincount(shifted, minlength=2 * _EXPONENTS)
        counts = (signed[:_EXPONENTS] + signed[_EXPONENTS:]).tolist()
        for biased, count in enumerate(counts[1:], 1):
            self._add(biased - _BIAS, count)
        if sum(counts[1:]) < different:  # the rest is too small to have an exponent of its own
            self._sort(np.abs(apart[(apart != 0) & (np.abs(apart) < _LEAST_NORMAL)]))

    def _sort(self, apart: Numbers) -> None:
        """Count by binary exponent: exact, and cheap whatever the range."""
        import numpy as np

        exponents, counts = np.unique(np.frexp(apart)[1], return_counts=True)
        for exponent, count in zip(exponents.tolist(), counts.tolist(), strict=True):
            self._add(exponent, count)

    def _add(self, exponent: int, count: int) -> None:
        assert self._histogram is not None
        if count:
            self._histogram[exponent] = self._histogram.get(exponent, 0) + count

    def result(self) -> Distance:
        """The measures."""
        relative = None
        if self._squares > 0:
            relative = math.sqrt(self._difference_squares / self._squares)
        return Distance(
            max_abs=self._largest,
            rel_l2=relative,
            share=self._different / self._count if self._count else 0.0,
            before=NonFinite(*self._nonfinite[0]),
            after=NonFinite(*self._nonfinite[1]),
            histogram=tuple(sorted((self._histogram or {}).items())),
        )
