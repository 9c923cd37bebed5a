"""What needs no Keras does not import it, whatever the archive and however it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# Runs many commands in one process, in which importing a framework fails; in its children, too.
GUARD = """
import json, sys
class Refuse:
    tried = []
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("keras", "tensorflow", "tf_keras", "jax", "torch"):
            self.tried.append(name)
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from kover.cli.main import run
codes = [run(command) for command in json.loads(sys.argv[1])]
json.dump({"codes": codes, "tried": Refuse.tried}, open("outcome.json", "w"))
"""


def guarded(folder: Path, commands: list[list[str]]) -> Any:
    """Exit codes, and the frameworks that were asked for."""
    for name in ("keras", "tensorflow"):
        (folder / "stubs" / name).mkdir(parents=True)
        stub = f"open({str(folder / 'imported_by_a_child')!r}, 'w').close(); raise ImportError\n"
        (folder / "stubs" / name / "__init__.py").write_text(stub)
    done = subprocess.run(
        [sys.executable, "-P", "-c", GUARD, json.dumps(commands)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "stubs")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "internal error" not in done.stderr
    assert not (folder / "imported_by_a_child").exists()
    return json.loads((folder / "outcome.json").read_text())


def test_light_commands_on_a_sound_and_on_a_broken_spec(here: Path) -> None:
    (here / "bad.yaml").write_text((here / "spec.yaml").read_text().replace("tanh", "tanhh"))
    (here / "cut.keras").write_bytes((here / "tiny.keras").read_bytes()[:5000])
    alone = ["--verify", "none"]
    expected = {
        "validate spec.yaml --model tiny.keras": 0,
        "validate bad.yaml --model tiny.keras": 1,
        "apply tiny.keras spec.yaml --dry-run": 0,
        "apply tiny.keras spec.yaml --dry-run --format json": 0,
        "apply tiny.keras spec.yaml --dry-run --import none --verify train": 0,
        "apply tiny.keras bad.yaml --dry-run": 1,
        "apply tiny.keras bad.yaml": 1,  # refused before Keras is wanted
        "apply tiny.keras gone.yaml": 2,
        "apply cut.keras spec.yaml": 2,
        "apply tiny.keras spec.yaml -o no/where.keras": 2,
        f"apply tiny.keras spec.yaml {' '.join(alone)}": 0,
        f"apply tiny.keras spec.yaml {' '.join(alone)} --force --format json": 0,
        "diff tiny.keras tiny.spec.keras --exit-code": 1,
        "diff tiny.keras tiny.keras --exit-code --format json": 0,
    }
    outcome = guarded(here, [command.split() for command in expected])
    assert outcome["tried"] == []
    assert dict(zip(expected, outcome["codes"], strict=True)) == expected


@pytest.mark.slow
def test_light_commands_on_every_real_archive(tmp_path: Path, real_models: Path) -> None:
    (tmp_path / "spec.yaml").write_text("version: 1\ncompile: {optimizer: adam, loss: mse}\n")
    commands = []
    for number, archive in enumerate(sorted(real_models.glob("*.keras"))):
        name = str(archive)
        commands += [
            ["validate", "spec.yaml", "--model", name],
            ["apply", name, "spec.yaml", "--dry-run"],
            ["apply", name, "spec.yaml", "--verify", "none", "-o", f"{number}.keras"],
            ["diff", name, f"{number}.keras"],
        ]
    outcome = guarded(tmp_path, commands)
    assert outcome["tried"] == []
    wrong = [c for c, code in zip(commands, outcome["codes"], strict=True) if code != 0]
    assert wrong == []


@pytest.mark.keras
def test_the_guard_notices_keras(here: Path) -> None:
    assert guarded(here, [["apply", "tiny.keras", "spec.yaml"]])["tried"] == ["keras"]
