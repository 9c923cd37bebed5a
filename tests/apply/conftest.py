"""A folder to work in, and what is in it before and after."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kover.cli.main import run

SPEC = """\
version: 1
overrides:
  - layers: dense_a
    set: {activation: tanh, kernel_regularizer: {l2: 1e-3}}
compile:
  optimizer: {learning_rate: 1e-4}
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Kover = Callable[..., Done]


@pytest.fixture
def here(tmp_path: Path, tiny_archive: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `tiny.keras` and `spec.yaml` in it."""
    assert tiny_archive.parent == tmp_path
    (tmp_path / "spec.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def kover(capsys: pytest.CaptureFixture[str]) -> Kover:
    """Run a command line in this process."""

    def call(*arguments: str | Path) -> Done:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, tuple[object, ...]]]:
    """Everything below a folder: kind, mode, time of the last change and content."""

    def take(folder: Path) -> dict[str, tuple[object, ...]]:
        found: dict[str, tuple[object, ...]] = {}
        for path in sorted(folder.rglob("*")):
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else None
            found[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, content)
        return found

    return take


def members_of(path: Path) -> dict[str, bytes]:
    """The members of an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def config_of(path: Path) -> dict[str, Any]:
    """An archive's `config.json`."""
    loaded: dict[str, Any] = json.loads(members_of(path)["config.json"])
    return loaded


@pytest.fixture
def members() -> Callable[[Path], dict[str, bytes]]:
    return members_of


@pytest.fixture
def config() -> Callable[[Path], dict[str, Any]]:
    return config_of


@pytest.fixture
def wide_archive(tiny_archive: Path, tmp_path: Path) -> Callable[[str, float], Path]:
    """The model of `tiny_archive` with so many units that it has a given size in megabytes."""

    def write(name: str, megabytes: float) -> Path:
        import h5py
        import numpy as np

        units = round(megabytes * 1e6 / 4 / 3 / 7)
        parts = members_of(tiny_archive)
        config = json.loads(parts["config.json"])
        config["config"]["layers"][1]["config"]["units"] = units
        config["config"]["layers"][2]["build_config"] = {"input_shape": [None, units]}
        shapes = {"dense": ((4, units), (units,)), "dense_1": ((units, 2), (2,))}
        rising = np.arange(4 * units, dtype="float32") / units
        weights = tmp_path / "weights.h5"
        weights.write_bytes(parts["model.weights.h5"])
        with h5py.File(weights, "r+") as file:
            slot = 2
            for group, pair in shapes.items():
                for number, shape in enumerate(pair):
                    where = [f"layers/{group}/vars/{number}"]
                    where += [f"optimizer/vars/{slot}", f"optimizer/vars/{slot + 1}"]
                    slot += 2
                    for place in where:
                        del file[place]
                        file[place] = rising[: np.prod(shape)].reshape(shape)
        target = tmp_path / name
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(zipfile.ZipInfo("metadata.json"), parts["metadata.json"])
            archive.writestr(zipfile.ZipInfo("config.json"), json.dumps(config))
            archive.write(weights, "model.weights.h5")
        weights.unlink()
        return target

    return write
