"""The records of a zip file as values, unpacked from bytes and packed into them.

Nothing here reads a file or judges what it sees; `zip_structure` does.
Source: PKWARE APPNOTE 6.3.9, sections 4.3 to 4.5.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

LOCAL = struct.Struct("<4sHHHHHIIIHH")
CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
END = struct.Struct("<4sHHHHIIH")
END64 = struct.Struct("<4sQHHIIQQQQ")
LOCATOR64 = struct.Struct("<4sIQI")

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
END_SIGNATURE = b"PK\x05\x06"
END64_SIGNATURE = b"PK\x06\x06"
LOCATOR64_SIGNATURE = b"PK\x06\x07"
DESCRIPTOR_SIGNATURE = b"PK\x07\x08"

MAX16 = 0xFFFF
MAX32 = 0xFFFFFFFF

STORED = 0
DEFLATED = 8

ENCRYPTED = 0x1
HAS_DESCRIPTOR = 0x8
UTF8_NAME = 0x800

ZIP64_EXTRA = 0x0001
UNICODE_PATH_EXTRA = 0x7075
AES_EXTRA = 0x9901

_VERSION_ZIP64 = 45
_UNIX_VERSION_20 = (3 << 8) | 20
_DATE_1980_01_01 = 0x21
_PRIVATE_FILE = 0o600 << 16


@dataclass(frozen=True, slots=True)
class Record:
    """One member as the central directory describes it, zip64 values already put in place.

    `extra` leaves out the zip64 field, which packing makes anew.
    """

    name_bytes: bytes
    made_by: int
    needed: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    stored_size: int
    size: int
    extra: bytes
    comment: bytes
    disk: int
    internal: int
    external: int
    header_offset: int


def extra_fields(extra: bytes) -> list[tuple[int, bytes]]:
    """The (id, payload) pairs of an extra field.

    Raises:
        ValueError: if a payload reaches beyond the end.
    """
    fields = []
    position = 0
    while position + 4 <= len(extra):  # up to three bytes of alignment padding are usual
        kind, length = struct.unpack_from("<HH", extra, position)
        position += 4
        if position + length > len(extra):
            raise ValueError("an extra field is cut off")
        fields.append((kind, extra[position : position + length]))
        position += length
    return fields


def naming_fault(extra: bytes, name: bytes) -> str | None:
    """What an extra field says against a member's name, or that it is encrypted."""
    fields = dict(extra_fields(extra))
    if fields.get(UNICODE_PATH_EXTRA, b"\0" * 5 + name)[5:] != name:
        return "it has two different names"
    return "its header says that it is encrypted" if AES_EXTRA in fields else None


def without_zip64(extra: bytes) -> bytes:
    """`extra` without its zip64 field."""
    kept = [(kind, data) for kind, data in extra_fields(extra) if kind != ZIP64_EXTRA]
    return b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in kept)


def widened(extra: bytes, *values: int) -> tuple[int, ...]:
    """`values` with each 0xFFFFFFFF replaced by the next number of the zip64 extra field.

    Raises:
        ValueError: if the field is missing, doubled, too short, or contradicts the values.
    """
    payloads = [data for kind, data in extra_fields(extra) if kind == ZIP64_EXTRA]
    if len(payloads) > 1:
        raise ValueError("there are two zip64 fields")
    if MAX32 not in values:
        for payload in payloads:  # not needed, but some reader may go by it
            told = [number for (number,) in struct.iter_unpack("<Q", payload[: len(payload) & -8])]
            if any(one not in (0, other) for one, other in zip(told, values, strict=False)):
                raise ValueError("the zip64 field gives other sizes than the header")
        return values
    if not payloads:
        raise ValueError("the zip64 field is missing")
    wide = payloads[0]
    if len(wide) < 8 * values.count(MAX32):
        raise ValueError("the zip64 field is too short")
    numbers = iter(struct.unpack_from(f"<{values.count(MAX32)}Q", wide))
    return tuple(next(numbers) if value == MAX32 else value for value in values)


def new_record(name_bytes: bytes, flags: int, size: int, crc: int, offset: int) -> Record:
    """The record of a stored member that is written anew: the same for the same content."""
    return Record(
        name_bytes,
        made_by=_UNIX_VERSION_20,
        needed=20,
        flags=flags & UTF8_NAME,
        method=STORED,
        time=0,
        date=_DATE_1980_01_01,
        crc=crc,
        stored_size=size,
        size=size,
        extra=b"",
        comment=b"",
        disk=0,
        internal=0,
        external=_PRIVATE_FILE,
        header_offset=offset,
    )


def _narrow(value: int) -> int:
    return min(value, MAX32)


def pack_local(record: Record) -> bytes:
    """The local header and name of a stored member."""
    wide = b""
    needed = record.needed
    size = stored_size = MAX32
    if max(record.size, record.stored_size) >= MAX32:
        wide = struct.pack("<HHQQ", ZIP64_EXTRA, 16, record.size, record.stored_size)
        needed = max(needed, _VERSION_ZIP64)
    else:
        size, stored_size = record.size, record.stored_size
    head = LOCAL.pack(
        LOCAL_SIGNATURE,
        needed,
        record.flags,
        record.method,
        record.time,
        record.date,
        record.crc,
        stored_size,
        size,
        len(record.name_bytes),
        len(wide),
    )
    return head + record.name_bytes + wide


def pack_central(record: Record) -> bytes:
    """The central directory's entry."""
    numbers = [
        value for value in (record.size, record.stored_size, record.header_offset) if value >= MAX32
    ]
    wide = struct.pack("<HH", ZIP64_EXTRA, 8 * len(numbers)) if numbers else b""
    extra = wide + struct.pack(f"<{len(numbers)}Q", *numbers) + record.extra
    head = CENTRAL.pack(
        CENTRAL_SIGNATURE,
        record.made_by,
        max(record.needed, _VERSION_ZIP64) if numbers else record.needed,
        record.flags,
        record.method,
        record.time,
        record.date,
        record.crc,
        _narrow(record.stored_size),
        _narrow(record.size),
        len(record.name_bytes),
        len(extra),
        len(record.comment),
        0,
        record.internal,
        record.external,
        _narrow(record.header_offset),
    )
    return head + record.name_bytes + extra + record.comment


def pack_end(count: int, size: int, offset: int, comment: bytes) -> bytes:
    """The end of the central directory, with the zip64 form before it where it is needed."""
    wide = b""
    if count >= MAX16 or size >= MAX32 or offset >= MAX32:
        wide = END64.pack(
            END64_SIGNATURE, 44, _VERSION_ZIP64, _VERSION_ZIP64, 0, 0, count, count, size, offset
        ) + LOCATOR64.pack(LOCATOR64_SIGNATURE, 0, offset + size, 1)
    short = min(count, MAX16)
    return (
        wide
        + END.pack(END_SIGNATURE, 0, 0, short, short, _narrow(size), _narrow(offset), len(comment))
        + comment
    )
