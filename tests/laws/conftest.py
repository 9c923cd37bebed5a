"""Random models with specs that fit them, and archives compared member by member."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for random_making

Content = dict[str, bytes]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laws")


@pytest.fixture(scope="session")
def random_model(folder: Path) -> Callable[[int], Path]:
    """A saved random model; made once for a seed."""
    made: dict[int, Path] = {}

    def make(seed: int) -> Path:
        from random_making.models import save_random_model

        if seed not in made:
            made[seed] = folder / f"model_{seed}.keras"
            save_random_model(seed, made[seed])
        return made[seed]

    return make


@pytest.fixture(scope="session")
def apply(folder: Path) -> Callable[..., Path]:
    """Apply texts of specs as one to a model, in this process; gives the new archive."""
    numbers = itertools.count()

    def run(model: Path, *specs: str) -> Path:
        from kover.applying import ApplyRequest
        from kover.applying import apply as apply_specs

        paths = []
        for text in specs:
            paths.append(folder / f"spec_{next(numbers)}.yaml")
            paths[-1].write_text(text, encoding="utf-8")
        output = folder / f"out_{next(numbers)}.keras"
        apply_specs(ApplyRequest(str(model), tuple(map(str, paths)), output=str(output)))
        return output

    return run


@pytest.fixture(scope="session")
def content() -> Callable[[Path], Content]:
    """What an archive holds, but for the metadata, where the specs are named."""

    def read(path: Path) -> Content:
        with ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name != "metadata.json"]
            return {name: archive.read(name) for name in names}

    return read


@pytest.fixture(scope="session")
def config() -> Callable[[Path], Any]:
    """The parsed `config.json` of an archive."""

    def read(path: Path) -> Any:
        with ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))

    return read
