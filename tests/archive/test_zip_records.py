"""The records of a zip file, packed so that zipfile and kover read them alike."""

from __future__ import annotations

import dataclasses
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.archive import zip_records as zr
from kover.archive.reader import open_archive

HUGE = 5 << 30


def write_records(path: Path, members: list[tuple[str, int, bytes]], comment: bytes = b"") -> None:
    """Write stored members; a size beyond the content becomes a hole in the file."""
    with path.open("wb") as file:
        records = []
        for name, size, data in members:
            record = zr.new_record(name.encode(), zr.UTF8_NAME, size, zlib.crc32(data), file.tell())
            file.write(zr.pack_local(record))
            start = file.tell()
            file.write(data)
            file.seek(start + size)
            records.append(record)
        offset = file.tell()
        directory = b"".join(map(zr.pack_central, records))
        file.write(directory + zr.pack_end(len(records), len(directory), offset, comment))


@given(
    st.lists(
        st.tuples(st.text("abcé", min_size=1, max_size=5), st.binary(max_size=30)),
        unique_by=lambda pair: pair[0],
        max_size=5,
    ),
    st.binary(max_size=20).filter(lambda comment: b"PK" not in comment),
)
def test_what_is_packed_is_what_zipfile_and_kover_read(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, bytes]], comment: bytes
) -> None:
    path = tmp_path_factory.mktemp("zip") / "m.keras"
    members = [*members, ("config.json", b"{}")]
    write_records(path, [(name, len(data), data) for name, data in members], comment)
    with zipfile.ZipFile(path) as archive:
        assert [(info.filename, archive.read(info)) for info in archive.infolist()] == members
        assert archive.comment == comment
    with open_archive(path) as opened:
        opened.check()
        assert [(member.name, opened.read(member.name)) for member in opened.members] == members
        assert opened.comment == comment


def test_members_and_offsets_beyond_four_gigabytes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.keras"
    write_records(
        path,
        [("metadata.json", 2, b"{}"), ("model.weights.h5", HUGE, b""), ("config.json", 2, b"{}")],
    )
    with zipfile.ZipFile(path) as archive, open_archive(path) as opened:
        expected = [(info.file_size, info.header_offset) for info in archive.infolist()]
        assert [(m.size, m.header_offset) for m in opened.members] == expected
        assert opened.member("config.json").data_offset > HUGE
        assert opened.read("config.json") == b"{}"


def test_packing_again_keeps_the_entry_and_its_extra_field(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    info = zipfile.ZipInfo("config.json", (2020, 2, 2, 2, 2, 2))
    info.extra = struct.pack("<HH4s", 0x5455, 4, b"time")
    info.comment = b"about"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, b"{}")
    with open_archive(path) as opened:
        record = opened.member("config.json").record
        data = path.read_bytes()
        assert zr.pack_central(record) in data
        moved = zr.pack_central(dataclasses.replace(record, header_offset=HUGE))
        extra = moved[46 + len("config.json") :]
        assert extra == struct.pack("<HHQ", 1, 8, HUGE) + info.extra + b"about"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (b"", "missing"),
        (struct.pack("<HHI", 1, 4, 7), "too short"),
        (struct.pack("<HHQ", 1, 8, 7) * 2, "two"),
        (struct.pack("<HHI", 1, 99, 7), "cut off"),
    ],
)
def test_broken_zip64_fields_are_refused(extra: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zr.widened(extra, zr.MAX32, 3)


def test_padding_after_the_fields_is_fine() -> None:
    assert zr.extra_fields(struct.pack("<HHI", 9, 4, 7) + b"\0\0\0") == [(9, b"\x07\0\0\0")]
