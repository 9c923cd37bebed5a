"""The CRC-32 of a member after some of its bytes change, or of pieces that are put together.

A CRC is linear: that of `old xor change` is that of `old`, xor what the change alone gives, and
the zero bytes after the change are a multiplication in the field the CRC is computed in.
Source: Mark Adler's crc32_combine in zlib 1.3, crc32.c.
"""

from __future__ import annotations

import zlib

_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31  # x^0; the bits of a CRC-32 are in reflected order
_PIECE = 1 << 20


def changed_crc(crc: int, size: int, offset: int, old: bytes, new: bytes) -> int:
    """The CRC of `size` bytes with CRC `crc`, once `old` at `offset` has become `new`.

    Example:
        >>> import zlib
        >>> changed_crc(zlib.crc32(b"one two"), 7, 4, b"two", b"TWO") == zlib.crc32(b"one TWO")
        True
    """
    if len(old) != len(new):
        raise ValueError("a change keeps the length")
    for start in range(0, len(new), _PIECE):
        before, after = old[start : start + _PIECE], new[start : start + _PIECE]
        change = int.from_bytes(before, "big") ^ int.from_bytes(after, "big")
        if change:
            # From an all-ones state zlib works as if from an empty register.
            register = zlib.crc32(change.to_bytes(len(after), "big"), 0xFFFFFFFF) ^ 0xFFFFFFFF
            crc ^= _multiplied(_zero_bytes(size - offset - start - len(after)), register)
    return crc


def joined_crc(one: int, other: int, size: int) -> int:
    """The CRC of two pieces one after the other; the second has `size` bytes.

    Example:
        >>> import zlib
        >>> joined_crc(zlib.crc32(b"one "), zlib.crc32(b"two"), 3) == zlib.crc32(b"one two")
        True
    """
    return _multiplied(_zero_bytes(size), one) ^ other


def _multiplied(one: int, other: int) -> int:
    product = 0
    bit = _ONE
    while bit:
        if one & bit:
            product ^= other
        bit >>= 1
        other = (other >> 1) ^ (_POLYNOMIAL if other & 1 else 0)
    return product


def _zero_bytes(count: int) -> int:
    """The factor by which `count` zero bytes change a CRC register: x^(8 * count)."""
    factor = _ONE
    power = 1 << 23  # x^8
    while count:
        if count & 1:
            factor = _multiplied(factor, power)
        power = _multiplied(power, power)
        count >>= 1
    return factor
