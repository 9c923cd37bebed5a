"""Opening archives: what is taken, and what every other file is said to be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from kover.archive.limits import Limits
from kover.archive.reader import open_archive
from kover.errors import InputError

LAZY = Limits(checked_at_once_bytes=0)


def code_of(path: os.PathLike[str] | str, limits: Limits | None = None) -> str:
    with pytest.raises(InputError) as caught, open_archive(path, limits) as archive:
        archive.check()
    problem = caught.value.problems[0]
    assert problem.source is not None
    assert problem.source.path == os.fsdecode(path)
    return problem.code


def test_an_archive_shows_config_metadata_members_and_hash(make_archive: Any) -> None:
    import hashlib

    path = make_archive()
    with open_archive(path) as archive:
        assert archive.path == str(path)
        assert [member.name for member in archive.members] == [
            "metadata.json",
            "config.json",
            "model.weights.h5",
        ]
        assert archive.config["class_name"] == "Sequential"
        assert archive.metadata == {"keras_version": "3.15.1"}
        assert archive.warnings == ()
        assert archive.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        for member in archive.members:
            start, end = member.data_offset, member.data_offset + member.stored_size
            assert path.read_bytes()[start:end] == archive.read(member.name)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_stored_and_deflated_members_read_the_same(make_archive: Any, compression: int) -> None:
    with open_archive(make_archive(compression=compression)) as archive:
        archive.check()
        assert archive.config["class_name"] == "Sequential"
        weights = archive.weights()
        assert weights is not None
        assert weights.read_scalar(weights.arrays["optimizer/vars/1"]) == 0.25


def test_comments_assets_unknown_and_empty_members_are_fine(make_archive: Any) -> None:
    extra = [("assets/", b""), ("assets/vocabulary.txt", b"a\nb\n"), ("notes.md", b""), ("é", b"1")]
    with open_archive(make_archive(extra=extra, comment=b"saved on a Sunday")) as archive:
        archive.check()
        assert archive.comment == b"saved on a Sunday"
        assert archive.read("assets/vocabulary.txt") == b"a\nb\n"
        assert archive.read("é") == b"1"


def test_archives_made_on_windows_are_fine(make_archive: Any) -> None:
    members = []
    for name, data in (("config.json", b"{}"), ("assets/a.txt", b"x")):
        info = zipfile.ZipInfo(name)
        info.create_system = 0
        info.external_attr = 0x20
        members.append((info, data))
    with open_archive(make_archive(members)) as archive:
        archive.check()
        assert archive.weights() is None


def test_streamed_archives_with_data_descriptors_are_fine(tmp_path: Path) -> None:
    class Pipe:
        def __init__(self, path: Path) -> None:
            self.file = path.open("wb")

        def write(self, data: bytes) -> int:
            return self.file.write(data)

        def flush(self) -> None:
            self.file.flush()

    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        pipe = Pipe(tmp_path / "streamed.keras")
        with zipfile.ZipFile(pipe, "w", method) as archive:  # type: ignore[call-overload]
            archive.writestr("config.json", b'{"a": 1}')
            with archive.open("big", "w", force_zip64=True) as member:
                member.write(b"x" * 5000)
        pipe.file.close()
        with open_archive(tmp_path / "streamed.keras") as opened:
            opened.check()
            assert opened.read("big") == b"x" * 5000


def test_zip64_headers_on_small_members_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with (
        zipfile.ZipFile(path, "w") as archive,
        archive.open("config.json", "w", force_zip64=True) as member,
    ):
        member.write(b"{}")
    with open_archive(path) as opened:
        opened.check()
        assert opened.config == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"\0" * 300, "zero bytes"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "HDF5"),
        (b"\x1f\x8b\x08" + b"\0" * 50, "gzip"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git LFS"),
        (b"layers:\n  - dense\n", "text"),
        ("schön\n".encode() * 2000, "text"),
        (b"<!DOCTYPE html><html>", "web page"),
        (bytes(range(256)) * 20, "binary"),
        (b"#!/bin/sh\n\xff\xfePK\x03\x04" + b"\xff" * 60, "zip file with something"),
    ],
)
def test_what_is_no_archive_is_called_what_it_looks_like(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        open_archive(path)
    assert caught.value.problems[0].code == "not-an-archive"
    assert caught.value.problems[0].help


def test_what_is_no_file_is_refused_without_opening_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    with listener:
        for path in (tmp_path, pipe, tmp_path / "socket", Path("/dev/zero"), Path("/dev/null")):
            assert code_of(path) == "not-a-file"


def test_missing_files_and_impossible_names_are_input_errors(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none.keras") == "not-found"
    assert code_of("a\0b") == "unreadable"
    assert code_of(tmp_path / ("n" * 300)) == "unreadable"
    (tmp_path / "loop").symlink_to("loop")
    assert code_of(tmp_path / "loop") == "unreadable"


def test_a_file_cut_at_any_length_is_refused(make_archive: Any) -> None:
    path = make_archive(weights=b"w" * 40, comment=b"end")
    whole = path.read_bytes()
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        expected = "truncated-archive" if length >= 3 else "not-an-archive"
        assert code_of(path) == expected, length


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_any_single_flipped_bit_is_refused_or_changes_nothing(
    make_archive: Any, compression: int
) -> None:
    path = make_archive(weights=b"some weights" * 3, compression=compression)
    whole = path.read_bytes()
    with open_archive(path) as archive:
        contents = {member.name: archive.read(member.name) for member in archive.members}
        covered = [
            position
            for member in archive.members
            for position in range(member.data_offset, member.data_offset + member.stored_size)
        ]
    for position in range(len(whole)):
        for bit in (0, 3, 7):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << bit
            path.write_bytes(flipped)
            try:
                with open_archive(path) as archive:
                    archive.check()
                    found = {member.name: archive.read(member.name) for member in archive.members}
            except InputError:
                continue
            # Times, attributes and the like; a deflated stream has padding bits as well.
            assert compression == zipfile.ZIP_DEFLATED or position not in covered
            assert found == contents


def test_all_damaged_members_are_named_at_once(make_archive: Any) -> None:
    path = make_archive(weights=b"aaaa", extra=[("one", b"bbbb"), ("two", b"cccc")])
    path.write_bytes(path.read_bytes().replace(b"aaaa", b"aaab").replace(b"cccc", b"cccd"))
    with open_archive(path, LAZY) as archive, pytest.raises(InputError) as caught:
        archive.check()
    assert [problem.code for problem in caught.value.problems] == ["damaged-member"] * 2
    places = {problem.source.inside for problem in caught.value.problems if problem.source}
    assert places == {"model.weights.h5", "two"}


def test_a_small_archive_that_is_damaged_does_not_open(make_archive: Any) -> None:
    path = make_archive(extra=[("assets/words", b"bbbb")])
    path.write_bytes(path.read_bytes().replace(b"bbbb", b"bbbc"))
    with pytest.raises(InputError, match=r"damaged-member: 'assets/words'"):
        open_archive(path)
    with open_archive(path, LAZY) as archive:
        assert archive.config


def test_a_missing_config_is_said_and_a_nested_one_is_pointed_at(make_archive: Any) -> None:
    assert code_of(make_archive([("metadata.json", b"{}")])) == "missing-config"
    with pytest.raises(InputError) as caught:
        open_archive(make_archive([("model/config.json", b"{}")]))
    assert "model/config.json" in str(caught.value.problems[0].help)


def test_a_missing_metadata_is_a_warning(make_archive: Any) -> None:
    with open_archive(make_archive([("config.json", b"{}")])) as archive:
        assert archive.metadata == {}
        assert [warning.code for warning in archive.warnings] == ["missing-metadata"]


def test_too_large_json_members_are_refused_before_they_are_read(make_archive: Any) -> None:
    big = b'{"a": "' + b"x" * 70_000 + b'"}'
    assert code_of(make_archive(metadata=big)) == "archive-bomb"
    assert code_of(make_archive(config=big), Limits(config_bytes=1000)) == "archive-bomb"


def test_npz_weights_are_refused(make_archive: Any) -> None:
    path = make_archive([("config.json", b"{}"), ("model.weights.npz", b"PK")])
    with open_archive(path) as archive, pytest.raises(InputError) as caught:
        archive.weights()
    assert caught.value.problems[0].code == "unsupported-weights"


def test_real_archives_open_and_all_their_values_can_be_read(real_models: Path) -> None:
    paths = sorted(real_models.glob("*.keras"))
    assert paths
    for path in paths:
        with open_archive(path) as archive:
            archive.check()
            weights = archive.weights()
            assert weights is not None
            assert weights.warnings == ()
            for array in weights.arrays.values():
                assert sum(map(len, weights.chunks(array))) == array.size_bytes


def test_weights_are_listed_without_h5py_numpy_or_keras_in_the_process(make_archive: Any) -> None:
    code = (
        "import sys\n"
        "from kover.archive.reader import open_archive\n"
        "import kover.archive.writer\n"
        "with open_archive(sys.argv[1]) as archive:\n"
        "    archive.check()\n"
        "    assert len(archive.weights().arrays) == 14\n"
        "heavy = {'h5py', 'numpy', 'keras', 'tensorflow', 'click', 'rich', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, make_archive()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_code_beside_the_model_is_not_imported(make_archive: Any, tmp_path: Path) -> None:
    for name in ("h5py", "numpy", "json", "io", "resource", "kover"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the folder')")
    code = (
        "import sys\n"
        "from kover.archive.reader import open_archive\n"
        "print(len(open_archive(sys.argv[1]).weights().arrays))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, make_archive()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "14"


def test_a_file_that_shrinks_while_it_is_read_is_an_input_error(make_archive: Any) -> None:
    path = make_archive()
    with open_archive(path) as archive:
        os.truncate(path, 500)
        with pytest.raises(InputError) as caught:
            archive.check()
        assert caught.value.problems[0].code == "input-changed"
