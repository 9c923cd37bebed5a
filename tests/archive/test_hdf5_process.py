"""Weights files that are broken or hostile: refused, in bounded time, without a crash."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from kover.archive.limits import Limits
from kover.archive.reader import open_archive
from kover.archive.weights import open_weights
from kover.errors import InputError
from kover.problems import Problem

SECRET = b"secret of another file" * 40


def problem_of(path: Path, limits: Limits | None = None) -> Problem:
    problem = problem_in(path, limits)
    assert problem is not None
    return problem


def problem_in(path: Path, limits: Limits | None = None) -> Problem | None:
    """What reading every array of a file runs into, or None if they all can be read."""
    try:
        with open_weights(path, limits) as weights:
            for array in weights.arrays.values():
                assert len(weights.read(array)) == array.size_bytes
    except InputError as error:
        return error.problems[0]
    return None


def created(file: Any, name: str, shape: tuple[int, ...], change: Callable[[Any], None]) -> None:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    change(plist)
    h5py.h5d.create(
        file.id, name.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(shape), plist
    )


def unknown_filter(file: Any) -> None:
    def change(plist: Any) -> None:
        plist.set_chunk((4,))
        plist.set_filter(32999, h5py.h5z.FLAG_OPTIONAL, (1,))

    created(file, "x", (4,), change)


def deep(file: Any) -> None:
    file["/".join(["g"] * 40)] = np.ones(1)


def cycle(file: Any) -> None:
    group = file.create_group("a/b")
    group["again"] = file["a"]


def twice(file: Any) -> None:
    file["a"] = np.ones(1)
    file["b"] = file["a"]


def soft(file: Any) -> None:
    file["a"] = np.ones(1)
    file["b"] = h5py.SoftLink("/a")


def dangling(file: Any) -> None:
    file["b"] = h5py.SoftLink("/none")


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("secret.h5", "x", (4,))
    file.create_virtual_dataset("v", layout)


def compound(file: Any) -> None:
    file["c"] = np.zeros(2, [("a", "f4"), ("b", "i4")])


def texts(file: Any) -> None:
    file["s"] = "text"


def fixed_texts(file: Any) -> None:
    file["s"] = np.array([b"abc"])


def ragged(file: Any) -> None:
    file.create_dataset("r", (2,), h5py.vlen_dtype("f4"))


def references(file: Any) -> None:
    file.create_dataset("r", (2,), h5py.ref_dtype)


def opaque_large(file: Any) -> None:
    file["o"] = np.zeros(3, "V16")


def arrays_of_arrays(file: Any) -> None:
    file.create_dataset("a", (2,), np.dtype(("f4", (3,))))


def no_space(file: Any) -> None:
    file["n"] = h5py.Empty("f4")


def committed_type(file: Any) -> None:
    file["t"] = np.dtype("f4")


def same_after_backslash(file: Any) -> None:
    file["a/b"] = np.ones(1)
    file[r"a\b"] = np.ones(1)


def huge_unwritten(file: Any) -> None:
    file.create_dataset("h", (1 << 40,), "f4")


def huge_chunked(file: Any) -> None:
    file.create_dataset("h", (1 << 40,), "f4", chunks=(1024,), compression="gzip")


def huge_chunk(file: Any) -> None:
    created(file, "h", (1 << 29,), lambda plist: plist.set_chunk((1 << 29,)))


def beyond_all(file: Any) -> None:
    file.create_dataset("h", (1 << 31, 1 << 31), "f4", chunks=(16, 16))


def long_name(file: Any) -> None:
    file["n" * 5000] = np.ones(1)


@pytest.mark.parametrize(
    ("fill", "code", "words"),
    [
        (unknown_filter, "unsafe-weights", "filter 32999"),
        (deep, "unsafe-weights", "deep"),
        (cycle, "unsafe-weights", "two places"),
        (twice, "unsafe-weights", "two places"),
        (soft, "unsafe-weights", "soft link"),
        (dangling, "unsafe-weights", "soft link"),
        (virtual, "unsafe-weights", "virtual"),
        (compound, "broken-weights", "no numeric type"),
        (texts, "broken-weights", "no numeric type"),
        (fixed_texts, "broken-weights", "no numeric type"),
        (ragged, "broken-weights", "no numeric type"),
        (references, "broken-weights", "no numeric type"),
        (opaque_large, "broken-weights", "no numeric type"),
        (arrays_of_arrays, "broken-weights", "no numeric type"),
        (no_space, "broken-weights", "no shape"),
        (committed_type, "broken-weights", "neither"),
        (same_after_backslash, "unsafe-weights", "same path"),
        (huge_unwritten, "unsafe-weights", "0 bytes are stored"),
        (huge_chunked, "unsafe-weights", "0 bytes are stored"),
        (huge_chunk, "unsafe-weights", "0 bytes are stored"),
        (beyond_all, "unsafe-weights", ""),
        (long_name, "unsafe-weights", "too long"),
    ],
)
def test_what_keras_never_writes_is_refused(
    tmp_path: Path, make_hdf5: Any, fill: Callable[[Any], None], code: str, words: str
) -> None:
    path = tmp_path / "hostile.weights.h5"
    path.write_bytes(make_hdf5(fill))
    problem = problem_of(path)
    assert problem.code == code
    assert words in problem.message
    assert problem.source is not None
    assert problem.source.path == str(path)


def test_data_of_another_file_is_never_read(tmp_path: Path, make_archive: Any) -> None:
    (tmp_path / "secret.bin").write_bytes(SECRET)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.frombuffer(SECRET[:800], "f4")
    os.mkfifo(tmp_path / "pipe.h5")  # opening it would hang
    for number, link in enumerate(["secret.h5", "pipe.h5", str(tmp_path / "secret.h5")]):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file["layers"] = h5py.ExternalLink(link, "/x")
        with (
            open_archive(make_archive(weights=buffer.getvalue(), name=f"{number}.keras")) as opened,
            pytest.raises(InputError, match="external link"),
        ):
            opened.weights()
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        created(file, "x", (200,), lambda plist: plist.set_external(b"secret.bin", 0, len(SECRET)))
    (tmp_path / "external.h5").write_bytes(buffer.getvalue())
    assert "another file" in problem_of(tmp_path / "external.h5").message


def test_too_many_objects_are_refused(tmp_path: Path, make_hdf5: Any) -> None:
    def fill(file: Any) -> None:
        for number in range(60):
            file.create_group(f"g{number}")

    path = tmp_path / "w.h5"
    path.write_bytes(make_hdf5(fill))
    assert "more than 50 objects" in problem_of(path, Limits(hdf5_objects=50)).message


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\0" * 5000, b"\x89HDF\r\n\x1a\n" + b"\0" * 600]
)
def test_what_is_no_hdf5_file_is_broken(make_archive: Any, content: bytes) -> None:
    with (
        open_archive(make_archive(weights=content)) as archive,
        pytest.raises(InputError) as caught,
    ):
        archive.weights()
    problem = caught.value.problems[0]
    assert problem.code == "broken-weights"
    assert problem.source is not None
    assert problem.source.inside == "model.weights.h5"


def test_a_file_cut_anywhere_is_broken(tmp_path: Path, weights_bytes: bytes) -> None:
    path = tmp_path / "w.h5"
    for length in (10, 96, 700, 2048, 5000, len(weights_bytes) - 1):
        path.write_bytes(weights_bytes[:length])
        assert problem_of(path).code in {"broken-weights", "unsafe-weights"}


def test_arrays_that_share_their_bytes_are_refused(tmp_path: Path, make_hdf5: Any) -> None:
    def fill(file: Any) -> None:
        file["a"] = np.ones(64)
        file["b"] = np.zeros(64)

    data = make_hdf5(fill)
    path = tmp_path / "w.h5"
    path.write_bytes(data)
    with open_weights(path) as weights:
        one, other = (weights.arrays[name].h5_offset for name in "ab")
    assert one is not None
    assert other is not None
    moved = data.replace(other.to_bytes(8, "little"), (one + 8).to_bytes(8, "little"))
    assert moved != data
    path.write_bytes(moved)
    assert "overlap" in problem_of(path).message


def test_a_listing_that_never_ends_is_given_up(tmp_path: Path, weights_bytes: bytes) -> None:
    path = tmp_path / "w.h5"
    path.write_bytes(weights_bytes)
    began = time.monotonic()
    problem = problem_of(path, Limits(child_wall_s=0.0))
    assert problem.code == "unsafe-weights"
    assert time.monotonic() - began < 5


def test_too_long_a_listing_is_given_up(tmp_path: Path, weights_bytes: bytes) -> None:
    path = tmp_path / "w.h5"
    path.write_bytes(weights_bytes)
    assert "text" in problem_of(path, Limits(child_output_bytes=100)).message


def test_the_reading_process_has_no_more_memory_than_it_may(tmp_path: Path, make_hdf5: Any) -> None:
    def fill(file: Any) -> None:
        file.create_dataset("x", data=np.zeros(8_000_000), chunks=(8_000_000,), compression="gzip")

    path = tmp_path / "w.h5"
    path.write_bytes(make_hdf5(fill))
    assert problem_of(path, Limits(child_memory_bytes=32 << 20)).code == "broken-weights"


def test_no_child_survives_a_listing_or_a_read_that_was_left_early(
    tmp_path: Path, make_hdf5: Any
) -> None:
    code = (
        "import os, sys\n"
        "from kover.archive.weights import open_weights\n"
        "with open_weights(sys.argv[1]) as weights:\n"
        "    pieces = weights.chunks(weights.arrays['x'], 1000)\n"
        "    next(pieces)\n"
        "    pieces.close()\n"
        "try:\n"
        "    os.waitpid(-1, 0)\n"
        "except ChildProcessError:\n"
        "    print('no child')\n"
    )

    def fill(file: Any) -> None:
        file.create_dataset("x", data=np.ones(4_000_000), chunks=(10_000,))

    path = tmp_path / "w.h5"
    path.write_bytes(make_hdf5(fill))
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, path],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "no child\n"


@pytest.mark.slow
def test_damage_anywhere_is_refused_or_harmless(tmp_path: Path, weights_bytes: bytes) -> None:
    choice = random.Random(1)
    path = tmp_path / "w.h5"
    limits = Limits(child_wall_s=5, child_attributes_s=5, child_read_s=5)
    for _ in range(150):
        data = bytearray(weights_bytes)
        data[choice.randrange(len(data))] = choice.randrange(256)
        path.write_bytes(data)
        problem = problem_in(path, limits)
        assert problem is None or problem.code in {"broken-weights", "unsafe-weights"}
