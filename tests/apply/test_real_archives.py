"""Archives found in the wild: those that Keras loads, and those that it does not."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
Kover = Callable[..., Any]
Members = Callable[[Path], dict[str, bytes]]

SPEC = """\
version: 1
overrides:
  - layers: {{index: ":{frozen}"}}
    set: {{trainable: false}}
  - layers: {{where: {{activation: relu}}}}
    set: {{activation: elu}}
    expect: {{min: 0}}
  - layers: {{has: kernel_regularizer}}
    set: {{kernel_regularizer: {{l2: 1e-3}}}}
    expect: {{min: 0}}
"""
LOADABLE = ("IDAES__idaes-pse__PT", "cog-imperial", "dirac-institute", "matthew-chandler")


def records(value: Any) -> Iterator[dict[str, Any]]:
    """Every serialised object below a value."""
    if isinstance(value, dict):
        if "class_name" in value and isinstance(value.get("config"), dict):
            yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from records(item)


def named(record: dict[str, Any]) -> str | None:
    return record["config"].get("name", record.get("name"))


def own_layers(config: dict[str, Any]) -> list[dict[str, Any]]:
    """What `model.layers` would hold."""
    held = config["config"].get("layers", [])
    found = [each for each in held if "keras.src.ops" not in str(each.get("module"))]
    if config["class_name"] == "Sequential" and found[0]["class_name"] == "InputLayer":
        found = found[1:]
    return found


def test_every_archive_equals_itself(real_models: Path, kover: Kover) -> None:
    archives = sorted(real_models.glob("*.keras"))
    assert len(archives) >= 10
    for archive in archives:
        done = kover("diff", "--exit-code", archive, archive)
        assert done.code == 0, f"{archive.name}: {done.out}{done.err}"


@pytest.fixture
def specs_for(tmp_path: Path) -> Callable[[dict[str, Any]], tuple[Path, int]]:
    def write(config: dict[str, Any]) -> tuple[Path, int]:
        frozen = len(own_layers(config)) - 1
        path = tmp_path / "spec.yaml"
        path.write_text(SPEC.format(frozen=frozen))
        return path, frozen

    return write


def test_without_keras_only_what_the_spec_says_changes(
    real_models: Path,
    tmp_path: Path,
    kover: Kover,
    members: Members,
    specs_for: Callable[[dict[str, Any]], tuple[Path, int]],
) -> None:
    for archive in sorted(real_models.glob("*.keras")):
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        before = members(archive)
        config = json.loads(before["config.json"])
        if not own_layers(config):
            continue  # a subclassed model: its config holds no layers
        spec, frozen = specs_for(config)
        output = tmp_path / "out.keras"
        done = kover(
            "apply", archive, spec, "-o", output, "--verify", "none", "--force", "--no-report"
        )
        assert done.code == 0, f"{archive.name}: {done.out}{done.err}"
        after = members(output)
        changed = {name for name in before if before[name] != after[name]}
        assert list(before) == list(after)
        assert changed == {"config.json", "metadata.json"}
        assert json.loads(after["config.json"]) == expected_config(config, frozen), archive.name
        metadata = json.loads(after["metadata.json"])
        assert metadata.pop("kover")["input_sha256"] == digest
        assert metadata == json.loads(before["metadata.json"])
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == digest


def expected_config(config: dict[str, Any], frozen: int) -> dict[str, Any]:
    """The config as the spec would have it, made without kover."""
    config = copy.deepcopy(config)
    for layer in own_layers(config)[:frozen]:
        for record in records(layer):
            if "trainable" in record["config"]:
                record["config"]["trainable"] = False
    for record in records(config["config"]):
        inner = record["config"]
        if inner.get("activation") == "relu" and "trainable" in inner:
            inner["activation"] = "elu"
        if "kernel_regularizer" in inner:
            inner["kernel_regularizer"] = {
                "module": "keras.regularizers",
                "class_name": "L2",
                "config": {"l2": 0.001},
                "registered_name": None,
            }
    return config


def test_a_subclassed_model_can_be_recompiled_without_keras(
    real_models: Path, tmp_path: Path, kover: Kover, members: Members
) -> None:
    archive = next(real_models.glob("*nested_container.keras"))
    (tmp_path / "spec.yaml").write_text("version: 1\ncompile: {optimizer: adam, loss: mse}\n")
    output = tmp_path / "out.keras"
    done = kover("apply", archive, tmp_path / "spec.yaml", "-o", output, "--verify", "none")
    assert done.code == 0, done.err
    before, after = members(archive), members(output)
    assert {n for n in before if before[n] != after[n]} == {"config.json", "metadata.json"}
    changed = json.loads(after["config.json"])
    compiled = changed.pop("compile_config")
    original = json.loads(before["config.json"])
    original.pop("compile_config", None)
    assert changed == original
    assert compiled["loss"] == "mse"


@pytest.mark.keras
@pytest.mark.slow
def test_with_keras_everything_untouched_stays_as_it_is(
    real_models: Path,
    tmp_path: Path,
    specs_for: Callable[[dict[str, Any]], tuple[Path, int]],
    members: Members,
) -> None:
    from kover.applying import ApplyRequest, apply

    expected: dict[str, Any] = {}
    for archive in sorted(real_models.glob("*.keras")):
        if not archive.name.startswith(LOADABLE):
            continue
        before, after = (tmp_path / f"{archive.stem}.{when}.keras" for when in ("before", "after"))
        shutil.copy(archive, before)
        config = json.loads(members(before)["config.json"])
        spec, frozen = specs_for(config)
        result = apply(ApplyRequest(str(before), (str(spec),), output=str(after), verify="load"))
        assert result.report is not None
        assert result.report.applied is not None
        codes = [problem.code for problem in result.report.applied.warnings]
        assert codes == [], archive.name
        weights = result.report.diff.weights
        assert weights is not None
        assert (weights.changed, weights.added, weights.removed) == ((), (), ()), archive.name
        expected[archive.stem] = {"frozen": [named(each) for each in own_layers(config)[:frozen]]}
    assert len(expected) == 7
    (tmp_path / "expected.json").write_text(json.dumps(expected))
    done = subprocess.run(
        [sys.executable, "-P", HERE / "plain" / "load_pairs.py", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {name: [] for name in expected}
