"""Finds the end of a zip file and reads its central directory, as records.

Source: PKWARE APPNOTE 6.3.9, sections 4.3.12 to 4.3.16.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from kover.archive import zip_records as zr
from kover.archive.limits import MIB, Limits, raise_it, size_text
from kover.archive.lookalikes import not_an_archive
from kover.archive.refusal import refused
from kover.errors import InputError

_TAIL = zr.END.size + zr.MAX16
_DIRECTORY_CAP = 64 * MIB


@dataclass(frozen=True, slots=True)
class DirectoryEnd:
    """What the end of a zip file says: members, and size and place of their directory."""

    count: int
    size: int
    offset: int
    comment: bytes


def read_directory(
    fd: int, file_size: int, path: str, limits: Limits
) -> tuple[DirectoryEnd, list[zr.Record]]:
    """The end of the zip file behind `fd`, and the records of its members as listed.

    Raises:
        InputError: `not-an-archive`, `truncated-archive`, `damaged-archive`,
            `unsupported-archive`, `archive-bomb`.
    """
    end = _read_end(fd, file_size, path)
    if end.count > limits.members:
        raise refused(
            "archive-bomb",
            f"the archive has {end.count} members, more than the limit of {limits.members}",
            path,
            None,
            raise_it("members", end.count),
        )
    try:
        return end, _read_records(fd, end)
    except (ValueError, struct.error) as exc:
        raise damaged(f"its directory is broken: {exc}", path) from exc


def damaged(message: str, path: str, inside: str | None = None) -> InputError:
    """The error for a zip file that contradicts itself."""
    return refused(
        "damaged-archive",
        f"the archive is damaged: {message}",
        path,
        inside,
        "take the file from where it came from again, or save the model again",
    )


def unsupported(message: str, path: str, inside: str | None = None) -> InputError:
    """The error for a zip file of a kind that is not read."""
    return refused(
        "unsupported-archive",
        f"the archive cannot be read: {message}",
        path,
        inside,
        "save the model again with Keras, or zip it without encryption",
    )


def _truncated(path: str) -> InputError:
    return refused(
        "truncated-archive",
        "the file is a truncated or incomplete save: it does not end as an archive",
        path,
        None,
        "copy or download the file again, or save the model again",
    )


def _read_end(fd: int, file_size: int, path: str) -> DirectoryEnd:
    start = max(0, file_size - _TAIL)
    tail = os.pread(fd, _TAIL, start)
    at = tail.rfind(zr.END_SIGNATURE)
    head = os.pread(fd, 4096, 0)
    if at < 0 or at + zr.END.size > len(tail):
        raise _truncated(path) if head[:3] == b"PK\x03" else not_an_archive(head, path)
    fields = zr.END.unpack_from(tail, at)
    comment = tail[at + zr.END.size :]
    if len(comment) < fields[7]:
        raise _truncated(path)
    if len(comment) > fields[7]:
        extra = len(comment) - fields[7]
        raise damaged(f"{extra} bytes follow its end", path)
    end, position = DirectoryEnd(fields[4], fields[5], fields[6], comment), start + at
    if fields[1] or fields[2] or fields[3] != fields[4]:
        raise unsupported("it is one part of several", path)
    end, position = _widened_end(fd, end, position, path)
    if end.offset + end.size != position:
        if end.offset + end.size < position:
            raise damaged("bytes that belong to no member stand before its directory", path)
        raise _truncated(path)
    return end


def _widened_end(fd: int, end: DirectoryEnd, position: int, path: str) -> tuple[DirectoryEnd, int]:
    """The zip64 form of `end`, if there is one, and where it begins."""
    before = position - zr.LOCATOR64.size
    locator = os.pread(fd, zr.LOCATOR64.size, before) if before >= zr.END64.size else b""
    if locator[:4] != zr.LOCATOR64_SIGNATURE:
        return end, position
    _, disk, offset, disks = zr.LOCATOR64.unpack(locator)
    wide = os.pread(fd, zr.END64.size, before - zr.END64.size)
    fields = zr.END64.unpack(wide) if len(wide) == zr.END64.size else (b"",) * 10
    if disk or disks != 1 or fields[4] or fields[5] or fields[6] != fields[7]:
        raise unsupported("it is one part of several", path)
    agrees = (
        fields[0] == zr.END64_SIGNATURE
        and offset == before - zr.END64.size
        and fields[1] == zr.END64.size - 12
        and end.count in (fields[7], zr.MAX16)
        and end.size in (fields[8], zr.MAX32)
        and end.offset in (fields[9], zr.MAX32)
    )
    if not agrees:
        raise damaged("its two ends contradict each other", path)
    return DirectoryEnd(fields[7], fields[8], fields[9], end.comment), offset


def _read_records(fd: int, end: DirectoryEnd) -> list[zr.Record]:
    if end.size > _DIRECTORY_CAP:
        raise ValueError(f"it is larger than {size_text(_DIRECTORY_CAP)}")
    data = os.pread(fd, end.size, end.offset)
    if len(data) != end.size:
        raise ValueError("it is cut off")
    records = []
    position = 0
    for _ in range(end.count):
        record, position = _read_record(data, position)
        records.append(record)
    if position != len(data):
        raise ValueError("it holds more than its members")
    return records


def _read_record(data: bytes, at: int) -> tuple[zr.Record, int]:
    (signature, made_by, needed, flags, method, time, date, crc, stored_size, size) = (
        zr.CENTRAL.unpack_from(data, at)[:10]
    )
    lengths = zr.CENTRAL.unpack_from(data, at)[10:13]
    disk, internal, external, offset = zr.CENTRAL.unpack_from(data, at)[13:]
    if signature != zr.CENTRAL_SIGNATURE:
        raise ValueError("an entry has the wrong signature")
    parts = []
    at += zr.CENTRAL.size
    for length in lengths:
        parts.append(data[at : at + length])
        at += length
    if at > len(data):
        raise ValueError("an entry is cut off")
    name, extra, comment = parts
    size, stored_size, offset = zr.widened(extra, size, stored_size, offset)
    fields = dict(zr.extra_fields(extra))
    if fields.get(zr.UNICODE_PATH_EXTRA, b"\0" * 5 + name)[5:] != name:
        raise ValueError("a member has two different names")
    if zr.AES_EXTRA in fields:
        flags |= zr.ENCRYPTED
    record = zr.Record(
        name, made_by, needed, flags, method, time, date, crc, stored_size, size,
        zr.without_zip64(extra), comment, disk, internal, external, offset,
    )  # fmt: skip
    return record, at
