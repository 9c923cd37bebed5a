"""Whole archives: integrity, the fast path, and real models."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from kover.archive.limits import Limits
from kover.archive.reader import open_archive
from kover.diffing.compare import compare_archives, diff
from kover.diffing.patch import patch
from kover.errors import InputError


def changed_copy(source: Path, target: Path, **changes: Any) -> Path:
    """A copy with some members replaced, or left out where None is given."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = changes.get(name.partition(".")[0], old.read(name))
            if data is not None:
                new.writestr(zipfile.ZipInfo(name), data)
    return target


def test_equal_weights_are_compared_without_numpy(tiny_archive: Path, tmp_path: Path) -> None:
    config = json.loads(zipfile.ZipFile(tiny_archive).read("config.json"))
    config["config"]["layers"][1]["config"]["activation"] = "tanh"
    other = changed_copy(tiny_archive, tmp_path / "b.keras", config=json.dumps(config))
    code = (
        "import sys; from kover.diffing.compare import diff; d = diff(*sys.argv[1:]);"
        "assert d.weights.compared == d.weights.equal == 4, d.weights;"
        "assert [c.attribute for c in d.layers[0].changes] == ['activation'];"
        "print(sorted({'numpy', 'h5py', 'keras', 'rich', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tiny_archive, other],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_equal_files_with_swapped_owners_do_not_have_equal_weights(
    write_model: Any, tmp_path: Path
) -> None:
    def dense(name: str) -> dict[str, Any]:
        config = {"name": name, "trainable": True, "units": 2, "use_bias": False}
        return {"module": "keras.layers", "class_name": "Dense", "config": config}

    def model(*names: str) -> dict[str, Any]:
        layers = [dense(name) for name in names]
        return {
            "module": "keras",
            "class_name": "Sequential",
            "config": {"name": "n", "layers": layers},
        }

    weights = {"layers/dense/vars/0": [[1, 2]], "layers/dense_1/vars/0": [[3, 4]]}
    before = write_model(tmp_path / "a.keras", model("x", "y"), weights)
    after = write_model(tmp_path / "b.keras", model("y", "x"), weights)
    found = diff(before, after)
    assert found.weights is not None
    assert [(each.layer, each.max_abs) for each in found.weights.changed] == [("y", 2), ("x", 2)]


@pytest.mark.parametrize("digests", [True, False])
def test_a_damaged_archive_is_refused(tiny_archive: Path, tmp_path: Path, digests: bool) -> None:
    data = bytearray(tiny_archive.read_bytes())
    with open_archive(tiny_archive) as archive:
        data[archive.member("model.weights.h5").data_offset + 5000] ^= 1
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes(data)
    lazy = Limits(checked_at_once_bytes=0)
    for pair in ((tiny_archive, damaged), (damaged, tiny_archive), (damaged, damaged)):
        with open_archive(pair[0], lazy) as one, open_archive(pair[1], lazy) as other:
            with pytest.raises(InputError) as refused:
                compare_archives(one, other, digests=digests)
            assert {problem.code for problem in refused.value.problems} == {"damaged-member"}


def test_without_weights_nothing_is_said_of_them(tiny_archive: Path) -> None:
    found = diff(tiny_archive, tiny_archive, weights=False)
    assert found.identical
    assert found.weights is None
    assert found.optimizer_state is None


def test_an_archive_without_weights_loses_them_all(tiny_archive: Path, tmp_path: Path) -> None:
    bare = changed_copy(tiny_archive, tmp_path / "bare.keras", model=None)
    found = diff(tiny_archive, bare)
    assert found.weights is not None
    assert [each.variable for each in found.weights.removed] == ["kernel", "bias"] * 2
    assert found.optimizer_state is not None
    assert found.optimizer_state.dropped == 8
    assert not found.identical


def test_dates_and_provenance_are_no_differences(tiny_archive: Path, tmp_path: Path) -> None:
    metadata = {"keras_version": "3.15.1", "date_saved": "later", "kover": {"version": "9"}}
    other = changed_copy(tiny_archive, tmp_path / "b.keras", metadata=json.dumps(metadata))
    found = diff(tiny_archive, other)
    assert found.identical
    assert [each.attribute for each in found.metadata] == ["kover"]


def test_real_models_are_identical_to_themselves(real_models: Path) -> None:
    for path in sorted(real_models.glob("*.keras")):
        assert diff(path, path).identical, path.name


def test_real_configs_turn_into_each_other(real_models: Path) -> None:
    configs = {}
    for path in sorted(real_models.glob("*.keras")):
        with open_archive(path) as archive:
            configs[path] = archive.config
    from kover.diffing.pairing import Side
    from kover.diffing.trees import compare_trees
    from kover.modelconfig.tree import read_tree

    for before in configs.values():
        for after in configs.values():
            found = compare_trees(Side(read_tree(before)), Side(read_tree(after)))
            assert patch(before, found.patch) == after


def test_a_real_pair_differs_in_its_activations(real_models: Path) -> None:
    before, after = (
        real_models / f"IDAES__idaes-pse__PT_data_2_10_10_2_{name}.keras"
        for name in ("sigmoid", "relu")
    )
    if not (before.exists() and after.exists()):
        pytest.skip("the pair is not among the real models")
    found = diff(before, after)
    changes = [
        (each.attribute, each.before, each.after)
        for layer in found.layers
        for each in layer.changes
    ]
    assert changes == [("activation", "sigmoid", "relu")] * 2
    assert found.weights is not None
    assert (found.weights.compared, found.weights.equal) == (6, 0)
    assert found.effective.trainable_parameters == (162, 162)
