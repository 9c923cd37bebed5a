"""Whether two files hold the same bytes: compared and summed up in one pass.

Equal bytes have one CRC, so the one of the first file stands for both.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

from kover.archive.crc_change import joined_crc
from kover.archive.source_file import SourceFile
from kover.archive.zip_structure import Member

_PIECE = 1 << 17  # both buffers stay in the processor's cache
_WORTH_A_THREAD = 32 << 20  # bytes


class Place(NamedTuple):
    """Where a range of bytes begins."""

    file: SourceFile
    offset: int

    def further(self, count: int) -> Place:
        """The place so many bytes on."""
        return Place(self.file, self.offset + count)


def same_range(one: Place, other: Place, length: int, threads: int = 1) -> int | None:
    """The CRC of the range that begins at `one`, if the one at `other` is equal; else None.

    Args:
        one: where the one begins.
        other: where the other begins.
        length: of both.
        threads: how many may share a long range.

    Raises:
        InputError: `input-changed` if a file ends before the range does, `unreadable`.
    """
    parts = min(threads, 1 + length // _WORTH_A_THREAD)
    bounds = [length * part // parts for part in range(parts + 1)]
    apart = Event()

    def crc_of(part: int) -> int | None:
        begin, end = bounds[part], bounds[part + 1]
        return _same_part(one.further(begin), other.further(begin), end - begin, apart)

    if parts == 1:
        return crc_of(0)
    with ThreadPoolExecutor(parts) as pool:
        found = list(pool.map(crc_of, range(parts)))
    whole = 0
    for part, crc in enumerate(found):
        if crc is None:
            return None
        whole = joined_crc(whole, crc, bounds[part + 1] - bounds[part])
    return whole


def _same_part(one: Place, other: Place, length: int, apart: Event) -> int | None:
    """`same_range` in one thread, until another one has found a difference."""
    rooms = bytearray(_PIECE), bytearray(_PIECE)
    crc = 0
    done = 0
    while done < length and not apart.is_set():
        count = min(_PIECE, length - done)
        if count < _PIECE:
            rooms = bytearray(count), bytearray(count)
        for place, room in zip((one, other), rooms, strict=True):
            place.file.fill(memoryview(room), place.offset + done)
        if rooms[0] != rooms[1]:
            apart.set()
            return None
        crc = zlib.crc32(rooms[0], crc)
        done += count
    return None if apart.is_set() else crc


def same_file(
    one: SourceFile, members: Sequence[Member], other: SourceFile
) -> Mapping[str, int] | None:
    """The CRC of each stored member, by name, if both files are equal byte for byte, else None.

    Where they differ, the rest is not read.

    Args:
        one: an archive.
        members: of it.
        other: another file.

    Raises:
        InputError: `input-changed`, `unreadable`.
    """
    if one.size != other.size:
        return None

    def same(start: int, end: int) -> int | None:
        return same_range(Place(one, start), Place(other, start), end - start)

    crcs: dict[str, int] = {}
    position = 0
    stored = (member for member in members if member.is_stored)
    for member in sorted(stored, key=lambda each: each.data_offset):
        start, end = member.data_offset, member.data_offset + member.stored_size
        crc = None if same(position, start) is None else same(start, end)
        if crc is None:
            return None
        crcs[member.name] = crc
        position = end
    return None if same(position, one.size) is None else crcs
