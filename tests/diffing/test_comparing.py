"""Weights files against each other and against archives; assets; the outline of both models."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from kover.cli.main import run
from kover.diffing.comparing import Wanted, compare_files
from kover.diffing.model_diff import AssetChange, ModelDiff
from kover.errors import InputError


def diff(one: Path, other: Path) -> ModelDiff:
    return compare_files(one, other).report.diff


@pytest.fixture
def weights(tiny_archive: Path, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.weights.h5"
    path.write_bytes(zipfile.ZipFile(tiny_archive).read("model.weights.h5"))
    return path


@pytest.fixture
def nudged(weights: Path, tmp_path: Path) -> Path:
    """The same file, one bias one higher."""
    import h5py

    path = tmp_path / "nudged.weights.h5"
    path.write_bytes(weights.read_bytes())
    with h5py.File(path, "r+") as file:
        bias = file["layers/dense/vars/1"]
        bias[0] += 1
    return path


def test_equal_weights_files_are_identical(weights: Path) -> None:
    found = diff(weights, weights)
    assert found.identical
    assert found.weights is not None
    assert (found.weights.compared, found.weights.equal) == (4, 4)


def test_a_changed_array_is_named_by_its_place(weights: Path, nudged: Path) -> None:
    found = diff(weights, nudged)
    assert found.weights is not None
    assert [(each.layer, each.variable, each.max_abs) for each in found.weights.changed] == [
        ("layers/dense", "vars/1", 1.0)
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_an_archive_on_either_side_gives_the_names(
    turned: bool, tiny_archive: Path, weights: Path, nudged: Path
) -> None:
    assert diff(*((weights, tiny_archive) if turned else (tiny_archive, weights))).identical
    found = diff(*((nudged, tiny_archive) if turned else (tiny_archive, nudged)))
    assert found.weights is not None
    assert [(each.layer, each.variable) for each in found.weights.changed] == [("dense_a", "bias")]


def test_a_weights_file_has_no_settings_to_make_a_spec_of(
    tiny_archive: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["diff", str(tiny_archive), str(weights), "--format", "spec"]) == 2
    assert "two .keras models" in capsys.readouterr().err
    for format_ in ("text", "json", "markdown", "html"):
        assert run(["diff", str(tiny_archive), str(weights), "--format", format_]) == 0


def test_a_broken_weights_file_is_refused(tmp_path: Path, weights: Path) -> None:
    broken = tmp_path / "broken.weights.h5"
    broken.write_bytes(weights.read_bytes()[:600])
    with pytest.raises(InputError):
        diff(broken, weights)


def test_histograms_count_every_entry_that_moved(weights: Path, nudged: Path) -> None:
    found = compare_files(weights, nudged, Wanted(histograms=True)).report.diff
    assert found.weights is not None
    assert found.weights.changed[0].histogram == ((1, 1),)  # one entry moved by less than 2**1


def test_a_vocabulary_is_compared_line_by_line(write_model: Any, tmp_path: Path) -> None:
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": []}}

    def model(name: str, words: bytes, more: dict[str, bytes]) -> Path:
        files = {"assets/vocabulary.txt": words, **more}
        path: Path = write_model(tmp_path / name, config, files=files)
        return path

    one = model("a.keras", b"a\nb\nc\n", {"assets/gone.bin": b"\0"})
    other = model("b.keras", b"c\nb\nd\ne\n", {"assets/new.bin": b"\0"})
    assert diff(one, other).assets == (
        AssetChange("assets/gone.bin", "removed"),
        AssetChange("assets/new.bin", "added"),
        AssetChange("assets/vocabulary.txt", "changed", "3 → 4 lines: 2 added, 1 removed"),
    )


def test_the_outline_has_both_models(
    tiny_archive: Path, tmp_path: Path, tiny_config: dict[str, Any], archive_of: Any
) -> None:
    layers = tiny_config["config"]["layers"]
    layers[1] = {
        "module": "keras.layers",
        "class_name": "Flatten",
        "config": {"name": "flat"},
        "registered_name": None,
    }
    archive_of(tmp_path / "b.keras", tiny_config)
    outline = diff(tiny_archive, tmp_path / "b.keras").outline
    assert [(each.path, each.origin, each.removed) for each in outline] == [
        ("input", "input", False),
        ("dense_a", "dense_a", True),
        ("flat", None, False),
        ("dense_b", "dense_b", False),
    ]
    assert outline[3].inputs == ("flat",)
    assert outline[3].former_inputs == ("dense_a",)
