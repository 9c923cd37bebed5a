"""Light commands stay light: they import no framework, and only what they need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

FRAMEWORKS = ("keras", "tensorflow", "torch", "jax", "tf_keras")
GUARDED = """
import json, sys
class Refuse:
    attempts = []
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in FRAMEWORKS:
            self.attempts.append(name)
            raise AssertionError(f"a light command imported {name}")
        return None
FRAMEWORKS = json.loads(sys.argv[1])
sys.meta_path.insert(0, Refuse())
outcome = sys.argv[2]
sys.argv = ["kover", *sys.argv[3:]]
code = "crashed"
try:
    from kover.cli.main import run
    code = run(sys.argv[1:])
finally:
    loaded = sorted({name.split(".")[0] for name in sys.modules})
    with open(outcome, "w") as file:
        json.dump({"code": code, "attempts": Refuse.attempts, "loaded": loaded}, file)
"""
SPEC = """\
version: 1
overrides:
  - layers: dense_a
    set: {activation: tanh, kernel_regularizer: {l2: 1e-3}}
compile:
  optimizer: {learning_rate: 1e-4}
"""


@dataclass(frozen=True)
class Light:
    """How a guarded command ended."""

    code: int | str
    attempts: list[str]
    loaded: set[str]
    output: str


def run_guarded(folder: Path, *arguments: str) -> Light:
    """Run kover in a process that refuses to import Keras, and so do its children."""
    stubs = folder / "stubs"
    for name in FRAMEWORKS:
        (stubs / name).mkdir(parents=True, exist_ok=True)
        (stubs / name / "__init__.py").write_text(f"raise SystemExit('a child imported {name}')\n")
    (folder / "spec.yaml").write_text(SPEC)
    outcome = folder / "outcome.json"
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            GUARDED,
            json.dumps(FRAMEWORKS),
            str(outcome),
            *arguments,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(stubs)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    output = done.stdout + done.stderr
    assert outcome.exists(), output
    fields = json.loads(outcome.read_text())
    return Light(fields["code"], fields["attempts"], set(fields["loaded"]), output)


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "--version",
        "apply --help",
        "validate spec.yaml",
        "validate spec.yaml --model tiny.keras",
        "diff tiny.keras tiny.keras",
        "diff tiny.keras tiny.keras --format json",
        "show tiny.keras",
        "init tiny.keras",
        "schema",
        "schema --model tiny.keras",
        "apply tiny.keras spec.yaml --dry-run",
        "apply tiny.keras spec.yaml --verify none",
    ],
)
def test_a_light_command_imports_no_framework(
    command: str, tmp_path: Path, tiny_archive: Path
) -> None:
    assert tiny_archive.parent == tmp_path
    done = run_guarded(tmp_path, *command.split())
    assert done.attempts == []
    assert "a child imported" not in done.output
    assert done.code == 0, done.output


@pytest.mark.keras
def test_the_guard_itself_catches_an_import_of_keras(tmp_path: Path, tiny_archive: Path) -> None:
    done = run_guarded(tmp_path, "apply", tiny_archive.name, "spec.yaml")
    assert done.attempts or "a child imported" in done.output, done.output
    assert done.code != 0


@pytest.mark.parametrize(
    ("command", "absent"),
    [
        ("--help", {"numpy", "h5py", "rich", "jsonschema", "yaml", "zipfile"}),
        ("validate spec.yaml", {"numpy", "h5py", "rich"}),
        ("validate spec.yaml --model tiny.keras", {"numpy", "h5py", "rich"}),
        ("apply tiny.keras spec.yaml --dry-run", {"numpy", "h5py", "rich"}),
        ("diff tiny.keras tiny.keras --format json", {"h5py", "rich", "yaml", "jsonschema"}),
    ],
)
def test_a_command_pays_only_for_what_it_needs(
    command: str, absent: set[str], tmp_path: Path, tiny_archive: Path
) -> None:
    assert tiny_archive.parent == tmp_path
    done = run_guarded(tmp_path, *command.split())
    assert done.code == 0, done.output
    assert done.loaded & absent == set()


def test_the_library_itself_imports_nothing_heavy() -> None:
    code = "import sys, kover; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"keras", "tensorflow", "numpy", "h5py", "rich", "click", "yaml", "jsonschema"}
    assert set(done.stdout.split()) & heavy == set()


@pytest.mark.keras
def test_keras_loads_the_archive_that_the_light_tests_use(tiny_archive: Path) -> None:
    import keras
    import numpy as np

    model = keras.models.load_model(tiny_archive)
    assert int(model.optimizer.iterations) == 5
    assert (
        model.get_layer("dense_b").get_weights()[0].tolist()
        == np.arange(6, dtype="float32").reshape(3, 2).__truediv__(np.float32(10)).tolist()
    )
