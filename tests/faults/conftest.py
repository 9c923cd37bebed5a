"""A folder with a model and specs, and what may be found in it after a fault."""

from __future__ import annotations

import runpy
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kover.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
SPEC = "version: 1\noverrides:\n  - layers: dense_a\n    set: {activation: tanh}\n"
RATE = "version: 1\ncompile:\n  optimizer: {learning_rate: 0.125}\n"


@dataclass
class Place:
    """A folder with `model.keras` and `spec.yaml`.

    Attributes:
        folder: where they are.
        old: the bytes of the model.
        new: the bytes that a run gives.
    """

    folder: Path
    old: bytes
    new: bytes

    @property
    def model(self) -> Path:
        """The model."""
        return self.folder / "model.keras"

    @property
    def spec(self) -> Path:
        """The spec."""
        return self.folder / "spec.yaml"

    def arguments(self, *more: str) -> list[str]:
        """What runs, without Keras and a report."""
        given = ["apply", str(self.model), str(self.spec), "--verify", "none", "-q", "--no-report"]
        return [*given, *more]

    def litter(self) -> list[str]:
        """What is there beside model, spec and outputs."""
        usual = {"model.keras", "spec.yaml", "out.keras"}
        return sorted(path.name for path in self.folder.iterdir() if path.name not in usual)


@pytest.fixture(scope="session")
def make_place() -> Callable[..., Place]:
    """Make such a folder, with a spec that also patches the weights unless it is given."""
    write = runpy.run_path(str(ROOT / "tests" / "conftest.py"))["write_tiny_archive"]

    def make(folder: Path, spec: str = SPEC + RATE.removeprefix("version: 1\n")) -> Place:
        folder.mkdir(exist_ok=True, parents=True)
        place = Place(folder, b"", b"")
        write(place.model)
        place.spec.write_text(spec)
        place.old = place.model.read_bytes()
        assert run(place.arguments("-o", str(folder / "out.keras"))) == 0
        place.new = (folder / "out.keras").read_bytes()
        (folder / "out.keras").unlink()
        assert zipfile.ZipFile(place.model).testzip() is None
        return place

    return make


@pytest.fixture
def place(make_place: Callable[..., Place], tmp_path: Path) -> Place:
    """One of them."""
    return make_place(tmp_path / "place")
