"""Writes the bytes of an archive that differs from another one in some members.

What is not replaced is copied as stored, byte for byte and, where the system can, without
passing through this process. The same input gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kover.archive import zip_records as zr
from kover.archive.content import content_chunks
from kover.archive.copying import copy_range
from kover.archive.crc_change import changed_crc
from kover.archive.new_file import NewFile
from kover.archive.reader import Archive
from kover.archive.source_file import SourceFile
from kover.archive.zip_structure import Member


@dataclass(frozen=True, slots=True)
class Patched:
    """A member's own bytes with some ranges replaced.

    Attributes:
        patches: (offset within the member's content, new bytes), in any order, apart.
    """

    patches: Sequence[tuple[int, bytes]]


Replacement = bytes | Path | Patched


def new_size(content: Replacement) -> int:
    """How much room `content` takes beyond what the source takes already."""
    if isinstance(content, bytes):
        return len(content)
    return content.stat().st_size if isinstance(content, Path) else 0


def write_zip(source: Archive, new: NewFile, replace: Mapping[str, Replacement]) -> None:
    """Write `source` with the members in `replace` replaced, or added at the end.

    Raises:
        InputError: `input-changed`, `damaged-member`.
        OSError: if it cannot be written.
    """
    position = 0
    records = []
    for member in source.members:
        content = replace.get(member.name)
        if content is None:
            record, position = _copy_member(source, member, new, position)
        else:
            record, position = _write_member(source, member.record, content, new, position)
        records.append(record)
    for name, content in replace.items():
        if name not in source:
            flags = 0 if name.isascii() else zr.UTF8_NAME
            empty = zr.new_record(name.encode(), flags, 0, 0, 0)
            record, position = _write_member(source, empty, content, new, position)
            records.append(record)
    directory = b"".join(map(zr.pack_central, records))
    end = zr.pack_end(len(records), len(directory), position, source.comment)
    new.write(directory + end, position)


def _copy_member(
    source: Archive, member: Member, new: NewFile, position: int
) -> tuple[zr.Record, int]:
    """Copy header, content and descriptor as they are."""
    length = member.end_offset - member.header_offset
    copy_range(source.file, new, member.header_offset, length, position)
    return dataclasses.replace(member.record, header_offset=position), position + length


def _write_member(
    source: Archive, old: zr.Record, content: Replacement, new: NewFile, position: int
) -> tuple[zr.Record, int]:
    """Write a stored member; its header goes last, when its CRC is known."""
    size = old.size if isinstance(content, Patched) else new_size(content)
    record = zr.new_record(old.name_bytes, old.flags, size, 0, position)
    start = position + len(zr.pack_local(record))
    if isinstance(content, Patched):
        crc = _write_patched(source, source.member_of(old), content, new, start)
    else:
        crc = _write_content(content, size, new, start)
    record = dataclasses.replace(record, crc=crc)
    new.write(zr.pack_local(record), position)
    return record, start + size


def _write_content(content: bytes | Path, size: int, new: NewFile, start: int) -> int:
    """Write new content; returns its CRC."""
    crc = 0
    for piece in _pieces(content, size):
        new.write(piece, start)
        crc = zlib.crc32(piece, crc)
        start += len(piece)
    return crc


def _pieces(content: bytes | Path, size: int) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with SourceFile.open(content) as file:
        if file.size != size:
            raise file.changed()
        yield from file.chunks(0, size)
        file.check_unchanged()


def _write_patched(
    source: Archive, member: Member, content: Patched, new: NewFile, start: int
) -> int:
    """Write a member's bytes with its patches; returns the CRC.

    Only the patched ranges pass through this process, so a number changed in a file of
    gigabytes costs no more than copying it.
    """
    patches = sorted(content.patches)
    _check_patches(patches, member.size)
    if member.is_stored:
        copy_range(source.file, new, member.data_offset, member.size, start)
    else:
        at = start
        for piece in content_chunks(source.file, member):
            new.write(piece, at)
            at += len(piece)
    crc = member.crc
    for offset, data in patches:
        old = b"".join(_read_back(new, start + offset, len(data)))
        crc = changed_crc(crc, member.size, offset, old, data)
        new.write(data, start + offset)
    return crc


def _check_patches(patches: list[tuple[int, bytes]], size: int) -> None:
    end = 0
    for offset, data in patches:
        if offset < end or offset + len(data) > size:
            raise ValueError("patches must be apart from each other and within the member")
        end = offset + len(data)


def _read_back(new: NewFile, offset: int, length: int) -> Iterator[bytes]:
    while length:
        piece = os.pread(new.fd, length, offset)
        if not piece:
            raise OSError("the output ends too early")
        offset, length = offset + len(piece), length - len(piece)
        yield piece
