"""What the scale benchmark measures is what its tables say."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from kover.archive.reader import open_archive
from kover.modelconfig.storage import storage_map
from kover.modelconfig.tree import read_tree
from kover.planning.planner import ModelFacts, plan_specs
from kover.spec.loading import load_spec

HERE = Path(__file__).resolve().parent


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module("scale")


def make(folder: Path, name: str, script: str, *arguments: str) -> Path:
    command = [sys.executable, str(HERE / script), name, *arguments]
    subprocess.run(command, cwd=folder, check=True)
    return folder / name


@pytest.mark.parametrize("kind", [[], ["--nested"]])
def test_a_large_model_has_the_layers_it_should_and_each_array_has_an_owner(
    tmp_path: Path, kind: list[str]
) -> None:
    with open_archive(make(tmp_path, "a.keras", "make_large.py", "120", *kind)) as archive:
        tree = read_tree(archive.config, archive.path)
        assert len(tree.layers) == 120
        assert any("/" in node.path for node in tree.layers) == bool(kind)
        weights = archive.weights()
        assert weights is not None
        owners = storage_map(tree, weights.names, weights.arrays)
        assert not owners.doubtful
        ownerless = [path for path in weights.arrays if not owners.owner_of(path)[0]]
        assert ownerless
        assert all(path.startswith("optimizer/vars/") for path in ownerless)


def test_every_layer_of_the_changed_model_differs_and_the_plain_one_is_always_the_same(
    tmp_path: Path,
) -> None:
    one = make(tmp_path, "one.keras", "make_large.py", "40")
    again = make(tmp_path, "again.keras", "make_large.py", "40")
    other = make(tmp_path, "other.keras", "make_large.py", "40", "--variant", "changed")
    assert one.read_bytes() == again.read_bytes()
    command = [sys.executable, "-m", "kover", "diff", one, other, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert len(found["layers"]) == 39  # all but the input
    assert found["weights"]["equal"] == 0


@pytest.mark.keras
@pytest.mark.needs_keras(">=3.15")  # which wrote the records that it is made of
@pytest.mark.parametrize("kind", [[], ["--nested"]])
def test_keras_loads_a_large_model_as_one_of_its_own(tmp_path: Path, kind: list[str]) -> None:
    import keras
    import numpy as np

    path = make(tmp_path, "a.keras", "make_large.py", "100", *kind)
    model = keras.models.load_model(path)
    assert model.optimizer.iterations == 1
    assert np.isfinite(model.predict(np.ones((2, 4)), verbose=0)).all()
    first = next(
        layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense)
    )
    assert bool(keras.ops.all(first.kernel != 0))


def test_a_sparse_model_is_a_whole_archive_that_takes_no_room(tmp_path: Path) -> None:
    path = make(tmp_path, "a.keras", "make_sparse.py", "0.05")
    status = path.stat()
    assert status.st_size > 49e6
    assert status.st_blocks * 512 < 15e6
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    with open_archive(path) as read:
        read.check()
        weights = read.weights()
        assert weights is not None
        assert len(weights.arrays) == 20
        assert sum(array.size_bytes for array in weights.arrays.values()) > 49e6


@pytest.mark.parametrize("layers", [100, 1000])
def test_all_overrides_of_the_large_spec_match_layers(
    scale: ModuleType, tmp_path: Path, layers: int
) -> None:
    (tmp_path / "many.yaml").write_text(scale.many_overrides(layers))
    spec = load_spec(str(tmp_path / "many.yaml"))
    with open_archive(make(tmp_path, "a.keras", "make_large.py", str(layers))) as archive:
        tree = read_tree(archive.config, archive.path)
    facts = ModelFacts("a.keras", None, lambda: "", lambda: None)
    plan = plan_specs([spec], tree, facts)
    assert len(plan.outcomes) == 1000
    assert all(outcome.matched for outcome in plan.outcomes)
    assert len(plan.changes) == (layers - 1) // 5


def test_rows_tell_time_growth_and_peak(scale: ModuleType) -> None:
    measured = importlib.import_module("measure").Measured
    row = scale.Row("kover show")
    row.measured |= {
        100: measured([0.1, 0.3], [30_000_000] * 2),
        1000: measured([0.5, 0.5], [40_000_000] * 2),
        10_000: measured([4.0, 5.0], [90_000_000] * 2),
    }
    assert row.layers_line() == "| `kover show` | 200 ms | 500 ms | 4.5 s | 9.0 | 90 MB |"
    large = scale.Row("kover diff", {1: measured([1.5], [40_000_000])})
    assert large.gigabytes_line() == "| `kover diff` | 1.5 s | 40 MB |"
    text = scale.tables([row], [large])
    assert "| command | 100 layers | 1,000 layers | 10,000 layers |" in text
    assert "| command | 1 GB | peak at 1 GB |" in text
    assert text.splitlines()[1] == "|---|---:|---:|---:|---:|---:|"


def test_the_readme_has_a_place_for_the_tables(scale: ModuleType) -> None:
    page = (HERE.parent.parent / "README.md").read_text(encoding="utf-8")
    assert page.count(scale.BEGIN) == page.count(scale.END) == 1


def test_holes_are_read_as_the_zeros_that_were_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    make_sparse = importlib.import_module("make_sparse")
    pieces = [b"a", bytes(1 << 20), b"b", bytes(10), b"c"]
    with make_sparse.Holes(tmp_path / "f", "w") as file:
        assert [file.write(piece) for piece in pieces] == [len(piece) for piece in pieces]
    assert (tmp_path / "f").read_bytes() == b"".join(pieces)
    assert isinstance(file, io.FileIO)
