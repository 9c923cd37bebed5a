"""The arrays of a weights file: listed, placed and read as h5py reads them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest

from kover.archive.limits import Limits
from kover.archive.reader import open_archive
from kover.archive.weights import StoredArray, WeightsFile, natural_key, open_weights
from kover.errors import InputError


@pytest.fixture
def opened(tmp_path: Path, make_hdf5: Any) -> Any:
    """Open a bare weights file filled by a function, closed at the end of the test."""
    files: list[WeightsFile] = []

    def open_filled(fill: Any, **options: Any) -> WeightsFile:
        path = tmp_path / f"{len(files)}.weights.h5"
        path.write_bytes(make_hdf5(fill, **options))
        files.append(open_weights(path))
        return files[-1]

    yield open_filled
    for file in files:
        file.close()


def fill_all_kinds(file: Any) -> None:
    random = np.random.default_rng(0)
    for number, dtype in enumerate(
        ["f2", "f4", "f8", ">f4", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i8", "c8", "?"]
    ):
        values = random.integers(0, 2 if dtype == "?" else 100, size=(3, 4)).astype(dtype)
        file[f"kinds/vars/{number}"] = values
    file["scalar"] = np.float32(3)
    file["one"] = np.ones((1, 1), "f8")
    file["empty"] = np.zeros((0, 5), "f4")
    file["unwritten"] = np.zeros(1)
    del file["unwritten"]
    file.create_dataset("unwritten", (7, 3), "f4", fillvalue=1.5)
    file.create_dataset("gzip", data=random.random((300, 70)), compression="gzip", shuffle=True)
    file.create_dataset("lzf", data=random.random((90, 70)), compression="lzf", chunks=(7, 9))
    file.create_dataset("chunked", data=random.random((50, 40)), chunks=(8, 8), fletcher32=True)
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((4,))
    small = h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F32LE, space, compact)
    h5py.Dataset(small)[...] = [1, 2, 3, 4]


def test_every_layout_and_type_reads_as_h5py_reads_it(opened: Any) -> None:
    weights = opened(fill_all_kinds)
    with h5py.File(weights.path) as file:
        for path, array in weights.arrays.items():
            dataset = file[path]
            assert array.shape == dataset.shape
            assert array.dtype == dataset.dtype.str
            assert array.size_bytes == dataset.size * dataset.dtype.itemsize
            assert weights.read(array) == dataset[()].tobytes(), path
    assert weights.arrays["kinds/vars/3"].dtype == ">f4"
    plain = [path for path, array in weights.arrays.items() if array.offset is not None]
    assert "kinds/vars/0" in plain
    assert {"gzip", "lzf", "chunked", "compact", "unwritten", "empty"}.isdisjoint(plain)


def test_pieces_are_no_larger_than_asked_for(opened: Any) -> None:
    weights = opened(fill_all_kinds)
    for name in ("kinds/vars/2", "gzip"):
        pieces = list(weights.chunks(weights.arrays[name], size=64))
        assert max(map(len, pieces)) <= 64
        assert b"".join(pieces) == weights.read(weights.arrays[name])


def test_arrays_larger_than_a_slab_are_streamed_in_order(opened: Any) -> None:
    tall = np.arange(3_000_000, dtype="i8").reshape(3000, 1000)
    wide = np.arange(4_400_000, dtype="i4").reshape(2, 2_200_000)

    def fill(file: Any) -> None:
        file.create_dataset("tall", data=tall, chunks=(700, 100), compression="lzf")
        file.create_dataset("wide", data=wide, chunks=(1, 100_000), compression="lzf")

    weights = opened(fill)
    assert weights.read(weights.arrays["tall"]) == tall.tobytes()
    assert weights.read(weights.arrays["wide"]) == wide.tobytes()


def test_bfloat16_as_keras_stores_it_is_known_by_its_mark(opened: Any) -> None:
    values = np.array([1.5, -2, 3], ml_dtypes.bfloat16)

    def fill(file: Any) -> None:
        file.create_dataset("marked", data=values).attrs["dtype"] = "bfloat16"
        file.create_dataset("scalar", data=values[0]).attrs["dtype"] = "bfloat16"
        file.create_dataset("unmarked", data=values)

    weights = opened(fill)
    assert weights.arrays["marked"].dtype == "bfloat16"
    assert weights.arrays["unmarked"].dtype == "|V2"
    assert weights.read(weights.arrays["marked"]) == values.tobytes()
    assert weights.read_scalar(weights.arrays["scalar"]) == 1.5


@pytest.mark.parametrize("options", [{}, {"libver": "latest"}, {"userblock_size": 1024}])
def test_offsets_point_at_the_values_in_any_form_of_file(
    make_archive: Any, make_hdf5: Any, options: dict[str, Any]
) -> None:
    values = np.arange(1000, dtype="f4")

    def fill(file: Any) -> None:
        file["layers/dense/vars/0"] = values

    path = make_archive(weights=make_hdf5(fill, **options))
    with open_archive(path) as archive:
        weights = archive.weights()
        assert weights is not None
        array = weights.arrays["layers/dense/vars/0"]
        assert array.offset is not None
        assert array.h5_offset == array.offset - archive.member("model.weights.h5").data_offset
        assert path.read_bytes()[array.offset :][: array.size_bytes] == values.tobytes()
        assert weights.read(array) == values.tobytes()
        assert archive.weights() is weights


def test_a_deflated_weights_member_has_no_offsets_in_the_archive(make_archive: Any) -> None:
    with open_archive(make_archive(compression=zipfile.ZIP_DEFLATED)) as archive:
        weights = archive.weights()
        assert weights is not None
        array = weights.arrays["layers/dense/vars/11"]
        assert array.offset is None
        assert array.h5_offset is not None
        assert weights.read(array) == np.full(6, 11, "f4").tobytes()


def test_arrays_stand_in_natural_order(make_archive: Any) -> None:
    with open_archive(make_archive()) as archive:
        weights = archive.weights()
        assert weights is not None
        assert list(weights.arrays) == [
            *(f"layers/dense/vars/{number}" for number in range(12)),
            "optimizer/vars/0",
            "optimizer/vars/1",
        ]


def test_the_natural_order_takes_any_names() -> None:
    names = ["b/1", "a10/x", "a2/x", "a", "10", "9", "a/b", "", "\N{SUPERSCRIPT TWO}", "1a", "a1b2"]
    assert sorted(names, key=natural_key).index("9") < sorted(names, key=natural_key).index("10")
    assert sorted(["a10/x", "a2/x"], key=natural_key) == ["a2/x", "a10/x"]


def test_names_are_those_of_the_vars_groups(opened: Any) -> None:
    def fill(file: Any) -> None:
        for path in ("layers/dense/vars", "layers/old/vars", "vars", "layers/seed/state/vars"):
            file[f"{path}/0"] = np.float32(1)
        file["layers/dense/vars"].attrs["name"] = "entrée"
        file["vars"].attrs["name"] = "model"
        file["layers/seed/state/vars"].attrs["name"] = 7
        file["layers"].attrs["name"] = "not a vars group"

    assert dict(opened(fill).names) == {
        "layers/dense": "entrée",
        "layers/old": "",
        "": "model",
        "layers/seed/state": "",
    }


def test_backslashes_of_archives_saved_on_windows_become_slashes(opened: Any) -> None:
    def fill(file: Any) -> None:
        file[r"_layer_checkpoint_dependencies\dense/vars/0"] = np.ones(3, "f4")
        file[r"layers\dense/vars"] = np.ones(1)
        del file[r"layers\dense/vars"]
        group = file.create_group(r"layers\dense\vars")
        group["0"] = np.ones((2, 2), "f4")
        group.attrs["name"] = "d"
        file.create_dataset(r"a\gz", data=np.ones((9, 9)), compression="gzip")

    weights = opened(fill)
    assert list(weights.arrays) == [
        "_layer_checkpoint_dependencies/dense/vars/0",
        "a/gz",
        "layers/dense/vars/0",
    ]
    assert weights.arrays["a/gz"].raw_path == r"a\gz"
    assert weights.read(weights.arrays["a/gz"]) == np.ones(81).tobytes()
    assert weights.names["layers/dense"] == "d"


def test_scalars_are_numbers(opened: Any) -> None:
    def fill(file: Any) -> None:
        file["rate"] = np.float32(0.1)
        file["step"] = np.int64(2**40)
        file["big"] = np.array([7], ">u2")
        file["flag"] = np.True_
        file["half"] = np.float16(0.5)
        file["two"] = np.ones(2)
        file["complex"] = np.complex64(1)
        file["packed"] = np.uint8(200)
        file.create_dataset("chunked", data=np.full((1,), -3, "i4"), chunks=(1,))

    weights = opened(fill)
    values = {
        name: weights.read_scalar(array)
        for name, array in weights.arrays.items()
        if name not in {"two", "complex"}
    }
    assert values == {
        "rate": float(np.float32(0.1)),
        "step": 2**40,
        "big": 7,
        "flag": True,
        "half": 0.5,
        "packed": 200,
        "chunked": -3,
    }
    for name in ("two", "complex"):
        with pytest.raises(InputError, match="single number"):
            weights.read_scalar(weights.arrays[name])


def test_a_damaged_attribute_costs_the_names_and_not_the_values(
    make_archive: Any, weights_bytes: bytes
) -> None:
    damaged = weights_bytes.replace(b"GCOL", b"XCOL")  # the heap that holds attribute strings
    assert damaged != weights_bytes
    with open_archive(make_archive(weights=damaged)) as archive:
        weights = archive.weights()
        assert weights is not None
        assert len(weights.arrays) == 14
        assert dict(weights.names) == {"layers/dense": "", "optimizer": ""}
        assert [warning.code for warning in archive.warnings] == ["unreadable-attributes"]


def test_attributes_that_take_too_long_cost_the_names_and_not_the_values(
    tmp_path: Path, make_hdf5: Any
) -> None:
    def fill(file: Any) -> None:
        for number in range(2000):
            file[f"layers/dense_{number}/vars/0"] = np.float32(1)
            file[f"layers/dense_{number}/vars"].attrs["name"] = "n" * 100

    path = tmp_path / "many.weights.h5"
    path.write_bytes(make_hdf5(fill))
    with open_weights(path, Limits(child_attributes_s=0.0)) as weights:
        assert len(weights.arrays) == 2000
        assert set(weights.names.values()) == {""}
        assert weights.warnings


def test_values_cut_off_after_the_listing_are_an_input_error(
    tmp_path: Path, make_hdf5: Any
) -> None:
    path = tmp_path / "w.h5"

    def fill(file: Any) -> None:
        file["a"] = np.ones(5000)
        file.create_dataset("z", data=np.random.default_rng(0).random(5000), compression="gzip")

    path.write_bytes(make_hdf5(fill))
    with open_weights(path) as weights:
        path.write_bytes(b"")
        for array in weights.arrays.values():
            with pytest.raises(InputError) as caught:
                weights.read(array)
            assert caught.value.problems[0].code in {"input-changed", "broken-weights"}


def test_an_array_that_was_never_listed_is_refused_by_the_child(opened: Any) -> None:
    weights = opened(fill_all_kinds)
    made_up = StoredArray("no/such", "no/such", (3,), "<f4", 12, None, None)
    with pytest.raises(InputError, match="cannot be read"):
        weights.read(made_up)
