"""Comparing bytes and taking their CRC in one pass: equal exactly where they are."""

from __future__ import annotations

import os
import shutil
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kover.archive import same_content
from kover.archive.reader import open_archive
from kover.archive.same_content import Place, same_file, same_range
from kover.archive.source_file import SourceFile
from kover.errors import InputError


def crc_of(one: bytes, other: bytes, folder: Path, *ranges: int, threads: int = 1) -> int | None:
    (folder / "one").write_bytes(one)
    (folder / "other").write_bytes(other)
    start, other_start, length = ranges
    with SourceFile.open(folder / "one") as a, SourceFile.open(folder / "other") as b:
        return same_range(Place(a, start), Place(b, other_start), length, threads)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_content, "_PIECE", 7)
    monkeypatch.setattr(same_content, "_WORTH_A_THREAD", 20)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("length", [0, 1, 6, 7, 8, 20, 40, 41, 100])
def test_equal_ranges_have_the_crc_of_their_bytes(
    tmp_path: Path, small_pieces: None, threads: int, length: int
) -> None:
    content = os.urandom(length)
    found = crc_of(
        b"abc" + content + b"x", content + b"yz", tmp_path, 3, 0, length, threads=threads
    )
    assert found == zlib.crc32(content)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("place", [0, 6, 7, 33, 34, 98, 99])
def test_one_other_byte_is_found_wherever_it_is(
    tmp_path: Path, small_pieces: None, threads: int, place: int
) -> None:
    content = os.urandom(100)
    other = bytearray(content)
    other[place] ^= 1
    assert crc_of(content, bytes(other), tmp_path, 0, 0, 100, threads=threads) is None
    rest = crc_of(content, bytes(other), tmp_path, place + 1, place + 1, 99 - place)
    assert rest == zlib.crc32(content[place + 1 :])


def test_a_range_past_the_end_is_a_changed_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        crc_of(b"abc", b"abcd", tmp_path, 0, 0, 4)
    assert refused.value.problems[0].code == "input-changed"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it is only read
@given(st.data())
def test_a_file_is_the_same_only_as_its_copy(
    tiny_archive: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(tiny_archive.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(0, 255))
    other = tmp_path_factory.mktemp("same") / "other"
    other.write_bytes(content)
    with open_archive(tiny_archive) as archive, SourceFile.open(other) as file:
        found = same_file(archive.file, archive.members, file)
        if content == tiny_archive.read_bytes():
            assert found == {member.name: member.crc for member in archive.members}
        else:
            assert found is None


def test_a_check_of_equal_files_reads_the_other_one_once(
    tiny_archive: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.keras"
    shutil.copy(tiny_archive, copy)
    with open_archive(tiny_archive) as one, open_archive(copy) as other:
        read = 0

        def count(more: int) -> None:
            nonlocal read
            read += more

        other.file.advance = count
        one.hash_ahead()
        assert one.check_if_same(other)
        assert one.sha256 == other.sha256
        assert read == copy.stat().st_size


def test_what_was_begun_to_be_hashed_ends_with_the_archive(
    tmp_path: Path, tiny_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kover.archive.content._OWN_PROCESS", 0)
    with open_archive(tiny_archive) as archive:
        archive.hash_ahead()
        assert archive._hashing is not None
        child = archive._hashing._child
        assert child is not None
    assert child.poll() is not None
