"""How fast `kover validate` is: compared with check-jsonschema, and for a large model."""

from __future__ import annotations

import copy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
SPEC = """\
version: 1
overrides:
  - layers: "dense_*"
    set: {kernel_regularizer: {l2: 1e-4}}
  - layers: dense_1
    set: {activation: tanh}
compile:
  optimizer: {learning_rate: 1e-4}
"""


def fastest(command: list[str], folder: Path, runs: int) -> float:
    """The least wall time of some runs, in seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


def test_a_small_spec_is_faster_than_with_check_jsonschema(
    tmp_path: Path, project_root: Path
) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    tools = Path(sys.executable).parent
    schema = str(project_root / "schemas" / "spec.schema.json")
    kover = [str(tools / "kover"), "validate", "spec.yaml"]
    other = [str(tools / "check-jsonschema"), "--schemafile", schema, "spec.yaml"]
    ratio = min(
        fastest(kover, tmp_path, 8) / fastest(other, tmp_path, 8) for _ in range(3)
    )  # other load on the machine slows either of them
    assert ratio <= 0.65


def test_a_model_of_2000_layers_takes_less_than_a_second(
    tmp_path: Path,
    tiny_config: dict[str, Any],
    archive_of: Callable[[Path, dict[str, Any]], None],
) -> None:
    first, dense, _ = tiny_config["config"]["layers"]
    layers = [copy.deepcopy(dense) for _ in range(2000)]
    for number, layer in enumerate(layers):
        layer["config"]["name"] = f"dense_{number}"
    tiny_config["config"]["layers"] = [first, *layers]
    archive_of(tmp_path / "big.keras", tiny_config)
    (tmp_path / "spec.yaml").write_text(SPEC)
    command = [sys.executable, "-P", "-m", "kover", "validate", "spec.yaml", "--model"]
    assert fastest([*command, "big.keras"], tmp_path, 3) < 1
