"""A model trained on PyTorch goes on wherever it is loaded: its optimizer is known by any backend.

Keras saves a class that only its PyTorch backend has; the file here is made to say the same.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

MODULE = "keras.src.backend.torch.optimizers.torch_adam"


@pytest.fixture
def of_torch(make_model: Callable[..., Path], tmp_path: Path) -> Path:
    """A trained model, its optimizer as PyTorch's Keras saves it."""
    target = tmp_path / "of_torch.keras"
    model = make_model("nested", optimizer={"class_name": "Adam", "config": {}})
    with zipfile.ZipFile(model) as source, zipfile.ZipFile(target, "w") as copy:
        for member in source.infolist():
            data = source.read(member)
            if member.filename == "config.json":
                config = json.loads(data)
                config["compile_config"]["optimizer"] |= {
                    "module": MODULE,
                    "registered_name": "Adam",
                }
                data = json.dumps(config).encode()
            copy.writestr(member, data)
    return target


@pytest.mark.parametrize(
    "spec",
    [
        "overrides: [{layers: head, set: {activation: sigmoid}}]",
        "compile: {optimizer: {learning_rate: 0.001}}",
        "overrides: [{layers: bb/a, set: {trainable: false}}]",
    ],
)
def test_its_state_is_kept_and_every_backend_has_its_optimizer(
    of_torch: Path,
    spec: str,
    make_model: Callable[..., Path],
    apply: Callable[..., Any],
    facts: Callable[..., Any],
) -> None:
    done = apply(of_torch, spec)
    with zipfile.ZipFile(done.path) as archive:
        optimizer = json.loads(archive.read("config.json"))["compile_config"]["optimizer"]
    assert (optimizer["module"], optimizer["registered_name"]) == ("keras.optimizers", None)
    assert done.warned == []  # no 'mapped-by-position'
    before = facts(make_model("nested", optimizer={"class_name": "Adam", "config": {}}))
    after = facts(done.path)
    assert after["warnings"] == []
    assert after["slots"]
    assert {name: before["slots"][name] for name in after["slots"]} == after["slots"]
    assert after["optimizers"][""]["iterations"] == before["optimizers"][""]["iterations"] > 0


def test_the_plan_says_so_once(of_torch: Path, tmp_path: Path) -> None:
    from kover.applying import ApplyRequest
    from kover.applying import apply as apply_specs

    model = tmp_path / "model.keras"
    shutil.copy(of_torch, model)
    spec = tmp_path / "spec.yaml"
    spec.write_text("version: 1\noverrides: [{layers: head, set: {activation: relu}}]\n")
    for level, expected in (("none", ["torch-optimizer"]), ("build", [])):
        request = ApplyRequest(str(model), (str(spec),), in_place=True, verify=level)
        result = apply_specs(request)
        assert [each.code for each in result.plan.warnings if "torch" in each.code] == expected
