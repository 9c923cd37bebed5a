"""The CRC of changed bytes, computed from the old CRC and the change alone."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.archive.crc_change import changed_crc, joined_crc


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=50), st.binary(max_size=300))
def test_it_is_the_crc_of_the_changed_bytes(before: bytes, new: bytes, after: bytes) -> None:
    old = bytes(len(new))
    crc = zlib.crc32(before + old + after)
    size = len(before + new + after)
    assert changed_crc(crc, size, len(before), old, new) == zlib.crc32(before + new + after)


@given(st.lists(st.tuples(st.integers(0, 90), st.binary(min_size=1, max_size=9)), max_size=5))
def test_changes_one_after_the_other_add_up(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(range(100))
    crc = zlib.crc32(data)
    for offset, new in changes:
        old = bytes(data[offset : offset + len(new)])
        crc = changed_crc(crc, len(data), offset, old, new[: len(old)])
        data[offset : offset + len(old)] = new[: len(old)]
    assert crc == zlib.crc32(data)


def test_changes_longer_than_a_piece_and_far_from_the_end_work() -> None:
    size = 5_000_000
    new = b"\x5a" * 2_500_000
    data = b"\0" * 1000 + new + bytes(size - 1000 - len(new))
    assert changed_crc(zlib.crc32(bytes(size)), size, 1000, bytes(len(new)), new) == zlib.crc32(
        data
    )


def test_a_change_of_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        changed_crc(0, 10, 0, b"a", b"ab")


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_the_crc_of_two_pieces_is_that_of_both_together(one: bytes, other: bytes) -> None:
    assert joined_crc(zlib.crc32(one), zlib.crc32(other), len(other)) == zlib.crc32(one + other)
