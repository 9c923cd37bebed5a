"""A strict reading of a zip file: the members, and that nothing else is there.

The central directory is believed only where every local header agrees with it, the members
follow each other without a gap or an overlap from the first byte to the directory, and the
directory ends where the file ends. Nothing is decompressed here.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass

from kover.archive import zip_records as zr
from kover.archive.limits import Limits, raise_it, size_text
from kover.archive.member_names import check_name, check_unambiguous
from kover.archive.refusal import quoted, refused
from kover.archive.zip_directory import damaged, read_directory, unsupported
from kover.errors import InputError

_NEWEST_VERSION = 63  # of the format; the byte above it names a system
_UNREADABLE_FLAGS = 0x1 | 0x20 | 0x40 | 0x2000  # encrypted, patch data, strong, masked headers
_SAME_FLAGS = _UNREADABLE_FLAGS | zr.HAS_DESCRIPTOR | zr.UTF8_NAME


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive.

    Attributes:
        name: its name, with `/` between the parts; a folder ends with one.
        method: 0 stored, 8 deflated.
        crc: CRC-32 of the content.
        size: of the content, in bytes.
        stored_size: in the archive, in bytes.
        header_offset: where its local header begins.
        data_offset: where its stored bytes begin.
        end_offset: where the next member, or the directory, begins.
        record: the entry of the central directory.
    """

    name: str
    method: int
    crc: int
    size: int
    stored_size: int
    header_offset: int
    data_offset: int
    end_offset: int
    record: zr.Record

    @property
    def is_stored(self) -> bool:
        """Whether the content stands in the archive as it is."""
        return self.method == zr.STORED


@dataclass(frozen=True, slots=True)
class Structure:
    """The members in file order, the archive's comment, and where the directory begins."""

    members: tuple[Member, ...]
    comment: bytes
    directory_offset: int


def read_structure(fd: int, file_size: int, path: str, limits: Limits) -> Structure:
    """The structure of the zip file behind `fd`.

    Raises:
        InputError: `not-an-archive`, `truncated-archive`, `damaged-archive`,
            `unsafe-member`, `ambiguous-member`, `unsupported-archive`, `archive-bomb`.
    """
    end, records = read_directory(fd, file_size, path, limits)
    named = [(_checked_name(record, path, limits), record) for record in records]
    check_unambiguous((name for name, _ in named), path)
    named.sort(key=lambda pair: pair[1].header_offset)
    members = _placed(fd, named, end.offset, path)
    _check_inflation(members, file_size, path, limits)
    return Structure(members, end.comment, end.offset)


def _checked_name(record: zr.Record, path: str, limits: Limits) -> str:
    """The name of a member that kover can and may read."""
    try:
        name = record.name_bytes.decode("utf-8" if record.flags & zr.UTF8_NAME else "cp437")
    except UnicodeDecodeError as exc:
        raise refused(
            "unsafe-member", "the archive has a member whose name is not UTF-8", path
        ) from exc
    check_name(name, record.name_bytes, path, limits)
    fault = _unsupported_fault(record)
    if fault:
        raise unsupported(f"{quoted(name)} {fault}", path, name)
    kind = stat.S_IFMT(record.external >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (
        kind == stat.S_IFDIR and not name.endswith("/")
    ):
        raise refused(
            "unsafe-member",
            f"the archive's member {quoted(name)} is no regular file",
            path,
            name,
            "links and devices have no place in a model; take it from a source you trust",
        )
    if name.endswith("/") and record.size:
        raise damaged(f"the folder {quoted(name)} has content", path, name)
    return name


def _unsupported_fault(record: zr.Record) -> str | None:
    if record.flags & (_UNREADABLE_FLAGS - 0x20):
        return "is encrypted"
    if record.flags & 0x20:
        return "is a patch for another archive"
    if record.method not in (zr.STORED, zr.DEFLATED):
        return f"is compressed by method {record.method}; only 0 and 8 are read"
    if record.needed & 0xFF > _NEWEST_VERSION:
        return f"needs version {(record.needed & 0xFF) / 10} of the zip format"
    return "is in another part of the archive" if record.disk else None


def _placed(
    fd: int, named: list[tuple[str, zr.Record]], directory_offset: int, path: str
) -> tuple[Member, ...]:
    """The members, each local header compared with its entry, and no byte between them."""
    members = []
    position = 0
    for name, record in named:
        if record.header_offset < position:
            raise damaged(f"{quoted(name)} overlaps another member", path, name)
        if record.header_offset > position:
            raise damaged(f"bytes that belong to no member stand before {quoted(name)}", path)
        try:
            data_offset = _compared_header(fd, record)
            position = data_offset + record.stored_size
            if record.flags & zr.HAS_DESCRIPTOR:
                position += _descriptor_size(fd, record, position)
        except (ValueError, struct.error) as exc:
            raise damaged(f"{quoted(name)}: {exc}", path, name) from exc
        members.append(
            Member(
                name,
                record.method,
                record.crc,
                record.size,
                record.stored_size,
                record.header_offset,
                data_offset,
                position,
                record,
            )
        )
    if position != directory_offset:
        last = members[-1].name if members else None
        raise damaged("its members do not end where its directory begins", path, last)
    return tuple(members)


def _compared_header(fd: int, record: zr.Record) -> int:
    """Where the stored bytes begin, once the local header agrees with the entry."""
    fields = zr.LOCAL.unpack(os.pread(fd, zr.LOCAL.size, record.header_offset))
    signature, _, flags, method, _, _, crc, stored_size, size = fields[:9]
    name_length, extra_length = map(int, fields[9:])
    if signature != zr.LOCAL_SIGNATURE:
        raise ValueError("no member begins where the directory says")
    start = record.header_offset + zr.LOCAL.size
    rest = os.pread(fd, name_length + extra_length, start)
    if len(rest) != name_length + extra_length:
        raise ValueError("its header is cut off")
    fault = zr.naming_fault(rest[name_length:], record.name_bytes)
    if fault:
        raise ValueError(fault)
    size, stored_size = zr.widened(rest[name_length:], size, stored_size)
    seen = (rest[:name_length], flags & _SAME_FLAGS, method)
    if seen != (record.name_bytes, record.flags & _SAME_FLAGS, record.method):
        raise ValueError("its header and the directory contradict each other")
    later = flags & zr.HAS_DESCRIPTOR  # the three numbers may follow the content instead
    told = ((crc, record.crc), (stored_size, record.stored_size), (size, record.size))
    if any(one != other and not (later and one == 0) for one, other in told):
        raise ValueError("its header and the directory give different sizes")
    if record.method == zr.STORED and record.size != record.stored_size:
        raise ValueError("it is stored, but its two sizes differ")
    return start + name_length + extra_length


def _descriptor_size(fd: int, record: zr.Record, at: int) -> int:
    """The length of the data descriptor at `at`, which must repeat the entry's numbers."""
    data = os.pread(fd, 24, at)
    for layout in ("<4sIII", "<4sIQQ", "<III", "<IQQ"):
        length = struct.calcsize(layout)
        if len(data) < length:
            continue
        fields = struct.unpack_from(layout, data)
        if fields[-3:] != (record.crc, record.stored_size, record.size):
            continue
        if len(fields) == 3 or fields[0] == zr.DESCRIPTOR_SIGNATURE:
            return length
    raise ValueError("its sizes, written after it, contradict the directory")


def _check_inflation(
    members: tuple[Member, ...], file_size: int, path: str, limits: Limits
) -> None:
    floor = limits.inflation_floor_bytes
    for member in members:
        cap = max(floor, limits.inflation_ratio * member.stored_size)
        if member.size > cap:
            raise _bomb(
                f"{quoted(member.name)} inflates to {size_text(member.size)}, more than "
                f"{limits.inflation_ratio} times what is stored",
                member.size,
                path,
                member.name,
            )
    total = sum(member.size for member in members)
    cap = floor + limits.inflation_times_file * file_size
    if total > cap:
        raise _bomb(
            f"its members inflate to {size_text(total)}, more than the limit of {size_text(cap)}",
            total,
            path,
        )


def _bomb(message: str, size: int, path: str, inside: str | None = None) -> InputError:
    return refused(
        "archive-bomb",
        f"the archive asks for too much: {message}",
        path,
        inside,
        raise_it("inflated-size", size),
    )
