"""Zip files that two readers could understand differently are refused."""

from __future__ import annotations

import stat
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from kover.archive.limits import Limits
from kover.archive.reader import open_archive
from kover.errors import InputError

USUAL = [("config.json", b'{"a": 1}'), ("model.weights.h5", b"weights")]


def code_of(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(InputError) as caught, open_archive(path, limits) as archive:
        archive.check()
    return caught.value.problems[0].code


def edited(path: Path, old: bytes, new: bytes, which: int = 0) -> Path:
    """Replace the occurrence number `which` of `old`; -1 is the last."""
    parts = path.read_bytes().split(old)
    assert len(parts) > 1
    at = which % (len(parts) - 1) + 1
    path.write_bytes(old.join(parts[:at]) + new + old.join(parts[at:]))
    return path


def entry(path: Path, number: int = 0) -> int:
    """Where entry `number` of the central directory begins."""
    data = path.read_bytes()
    at = -1
    for _ in range(number + 1):
        at = data.index(b"PK\x01\x02", at + 1)
    return at


def put(path: Path, offset: int, form: str, value: int) -> Path:
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, offset, value)
    path.write_bytes(data)
    return path


def end(path: Path) -> int:
    return path.read_bytes().rindex(b"PK\x05\x06")


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "a/../../b",
        "/etc/passwd",
        "C:/windows",
        "c:evil",
        "a\\b",
        "\\\\server\\share",
        "./config.json",
        "a//b",
        "bell\x07",
        "tab\tname",
        "csi\x9b",
        "n" * 256,
        "é" * 200,
    ],
)
def test_unsafe_names_are_refused(make_archive: Any, name: str) -> None:
    assert code_of(make_archive([*USUAL, (name, b"x")])) == "unsafe-member"


def test_names_with_nul_and_empty_names_are_refused(make_archive: Any) -> None:
    path = make_archive([*USUAL, ("config.json_.bak", b"{}")])
    data = path.read_bytes().replace(b"config.json_.bak", b"config.json\0.bak")
    path.write_bytes(data)
    assert code_of(path) == "unsafe-member"
    assert code_of(make_archive([*USUAL, ("", b"x")])) == "unsafe-member"


def test_names_that_are_no_utf8_are_refused(make_archive: Any) -> None:
    path = make_archive([*USUAL, ("é", b"x")])
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    assert code_of(path) == "unsafe-member"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "a"),
        ("Config.JSON", "config.JSON"),
        ("stra\N{LATIN SMALL LETTER SHARP S}e", "strasse"),
        ("\N{LATIN SMALL LETTER E WITH ACUTE}", "e\N{COMBINING ACUTE ACCENT}"),
        ("assets", "assets/a"),
        ("assets", "assets/"),
    ],
)
def test_names_that_may_be_the_same_are_refused(make_archive: Any, one: str, other: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's own, about the double name
        path = make_archive([*USUAL, (one, b"1"), (other, b"" if other[-1] == "/" else b"2")])
    assert code_of(path) == "ambiguous-member"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR])
def test_members_that_are_no_files_are_refused(make_archive: Any, kind: int) -> None:
    info = zipfile.ZipInfo("assets/link")
    info.external_attr = (kind | 0o777) << 16
    assert code_of(make_archive([*USUAL, (info, b"/etc/passwd")])) == "unsafe-member"


def test_mode_bits_of_regular_members_do_not_matter(make_archive: Any) -> None:
    info = zipfile.ZipInfo("assets/tool")
    info.external_attr = (stat.S_IFREG | 0o6777) << 16
    with open_archive(make_archive([*USUAL, (info, b"x")])) as archive:
        archive.check()


@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [(8, "<H", 1), (8, "<H", 0x40), (10, "<H", 12), (10, "<H", 99), (6, "<H", 99), (34, "<H", 1)],
    ids=["encrypted", "strong", "bzip2", "unknown method", "version 9.9", "other disk"],
)
def test_what_cannot_be_read_is_unsupported(
    make_archive: Any, offset: int, form: str, value: int
) -> None:
    path = make_archive(USUAL)
    assert code_of(put(path, entry(path, 1) + offset, form, value)) == "unsupported-archive"


@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [
        (16, "<I", 1),
        (20, "<I", 3),
        (24, "<I", 3),
        (20, "<I", 0xFFFFFFFF),
        (28, "<H", 5),
        (30, "<H", 9),
        (32, "<H", 60000),
        (42, "<I", 1),
        (42, "<I", 0),
        (42, "<I", 0x7FFFFFFF),
    ],
)
def test_entries_that_lie_are_damage(make_archive: Any, offset: int, form: str, value: int) -> None:
    path = make_archive(USUAL)
    assert code_of(put(path, entry(path, 1) + offset, form, value)).startswith("damaged")


@pytest.mark.parametrize("offset", [0, 6, 8, 14, 18, 22, 26, 28])
def test_local_headers_that_contradict_the_directory_are_damage(
    make_archive: Any, offset: int
) -> None:
    path = make_archive(USUAL)
    at = path.read_bytes().rindex(b"PK\x03\x04")
    old = struct.unpack_from("<H", path.read_bytes(), at + offset)[0]
    assert code_of(put(path, at + offset, "<H", old ^ 1)) == "damaged-archive"


def test_a_local_header_with_another_name_is_damage(make_archive: Any) -> None:
    path = make_archive([("config.json", b"{}"), ("other", b"x")])
    assert code_of(edited(path, b"other", b"owner")) == "damaged-archive"


def test_bytes_before_after_and_between_are_damage(make_archive: Any) -> None:
    path = make_archive(USUAL)
    whole = path.read_bytes()
    path.write_bytes(whole + b"more")
    assert code_of(path) == "damaged-archive"
    path.write_bytes(b"#!/bin/sh\n" + whole)
    assert code_of(path) == "damaged-archive"
    path.write_bytes(whole + whole)
    assert code_of(path) == "damaged-archive"


def test_a_member_hidden_from_the_directory_is_damage(make_archive: Any) -> None:
    path = make_archive([("config.json", b"{}"), ("hidden", b"x"), ("last", b"y")])
    data = path.read_bytes()
    first, last = entry(path, 1), entry(path, 2)
    path.write_bytes(data[:first] + data[last:])
    size = struct.unpack_from("<I", data, end(path) + (last - first) + 12)[0] - (last - first)
    put(path, end(path) + 12, "<I", size)
    put(path, end(path) + 8, "<H", 2)
    put(path, end(path) + 10, "<H", 2)
    assert code_of(path) == "damaged-archive"


def test_an_end_inside_the_comment_is_refused(make_archive: Any) -> None:
    fake = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    assert code_of(make_archive(USUAL, comment=b"hi" + fake)) in {
        "damaged-archive",
        "truncated-archive",
    }


@pytest.mark.parametrize(
    ("offset", "form", "value", "code"),
    [
        (4, "<H", 1, "unsupported-archive"),
        (6, "<H", 1, "unsupported-archive"),
        (8, "<H", 1, "unsupported-archive"),
        (16, "<I", 0, "damaged-archive"),
        (12, "<I", 0, "damaged-archive"),
        (12, "<I", 0x7FFFFFFF, "truncated-archive"),
        (20, "<H", 7, "truncated-archive"),
    ],
)
def test_ends_that_lie_are_refused(
    make_archive: Any, offset: int, form: str, value: int, code: str
) -> None:
    path = make_archive(USUAL)
    assert code_of(put(path, end(path) + offset, form, value)) == code


def test_a_wrong_count_of_members_is_damage(make_archive: Any) -> None:
    for count in (0, 1, 3):
        path = make_archive(USUAL)
        put(path, end(path) + 8, "<H", count)
        assert code_of(put(path, end(path) + 10, "<H", count)) == "damaged-archive"


def with_zip64_end(path: Path, **changes: int) -> Path:
    data = path.read_bytes()
    at = data.rindex(b"PK\x05\x06")
    count, size, offset = struct.unpack_from("<HII", data, at + 10)
    told = {"count": count, "size": size, "offset": offset, "disk": 0, "at": at, **changes}
    wide = struct.pack(
        "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, told["disk"], 0,
        told["count"], told["count"], told["size"], told["offset"],
    )  # fmt: skip
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, told["at"], 1)
    path.write_bytes(data[:at] + wide + locator + data[at:])
    return path


def test_a_zip64_end_is_read(make_archive: Any) -> None:
    path = with_zip64_end(make_archive(USUAL))
    put(path, end(path) + 16, "<I", 0xFFFFFFFF)
    with open_archive(path) as archive:
        archive.check()
        assert archive.config == {"a": 1}


@pytest.mark.parametrize(
    "lie", [{"count": 5}, {"size": 3}, {"offset": 1}, {"disk": 1}, {"at": 0}, {"count": 1 << 60}]
)
def test_a_zip64_end_that_lies_is_refused(make_archive: Any, lie: dict[str, int]) -> None:
    code = code_of(with_zip64_end(make_archive(USUAL), **lie))
    assert code in {"damaged-archive", "unsupported-archive"}


def test_a_second_name_in_an_extra_field_is_damage(make_archive: Any) -> None:
    info = zipfile.ZipInfo("safe.txt")
    name = b"evil.txt"
    info.extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, 0) + name
    assert code_of(make_archive([*USUAL, (info, b"x")])) == "damaged-archive"


def test_floods_and_bombs_are_refused_before_anything_is_inflated(make_archive: Any) -> None:
    many = [(f"assets/{number}", b"") for number in range(30)]
    assert code_of(make_archive([*USUAL, *many]), Limits(members=20)) == "archive-bomb"
    bomb = make_archive([*USUAL, ("zeros", bytes(5_000_000))], compression=zipfile.ZIP_DEFLATED)
    assert code_of(bomb, Limits(inflation_floor_bytes=1_000_000)) == "archive-bomb"
    parts = [(f"part{number}", bytes(1000) + b"ab" * 200) for number in range(50)]
    together = make_archive([*USUAL, *parts], compression=zipfile.ZIP_DEFLATED)
    small = Limits(inflation_floor_bytes=2000, inflation_times_file=1)
    assert code_of(together, small) == "archive-bomb"


def test_a_stream_that_inflates_to_more_than_it_says_is_damage(make_archive: Any) -> None:
    path = make_archive([*USUAL, ("zeros", bytes(5000))], compression=zipfile.ZIP_DEFLATED)
    put(path, path.read_bytes().rindex(b"PK\x03\x04") + 22, "<I", 700)
    assert code_of(put(path, entry(path, 2) + 24, "<I", 700)) == "damaged-member"


def test_the_structure_of_real_archives_is_the_one_that_zipfile_sees(real_models: Path) -> None:
    for path in real_models.glob("*.keras"):
        with open_archive(path) as archive, zipfile.ZipFile(path) as other:
            assert [
                (member.name, member.crc, member.size, member.header_offset)
                for member in archive.members
            ] == [
                (info.filename, info.CRC, info.file_size, info.header_offset)
                for info in other.infolist()
            ]
