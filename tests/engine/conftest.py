"""Keras alone as a judge, and kover in this process."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Judge = Callable[..., Any]
Apply = Callable[..., Any]
MakeModel = Callable[..., Path]


@dataclass(frozen=True)
class Written:
    """What `kover apply` wrote, and what it said of it."""

    path: Path
    report: Any

    @property
    def warned(self) -> list[str]:
        return [problem.code for problem in self.report.applied.warnings]


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """Ask Keras in a process without kover: `judge("facts.of_file", path=...)`."""
    program = Path(__file__).parent / "plain" / "keras_process.py"
    process = subprocess.Popen(
        [sys.executable, "-P", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    questions, answers = process.stdin, process.stdout

    def ask(function: str, **arguments: Any) -> Any:
        questions.write(json.dumps([function, arguments], default=str) + "\n")
        questions.flush()
        answer = json.loads(answers.readline() or '{"error": "the judge is dead"}')
        assert "error" not in answer, answer["error"]
        return answer["result"]

    yield ask
    questions.close()
    answers.close()
    process.wait(60)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where models and what became of them are."""
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="session")
def make_model(judge: Judge, folder: Path) -> MakeModel:
    """A saved model of `plain/models.py`; made once for the same arguments."""
    made: dict[str, Path] = {}

    def make(kind: str, **arguments: Any) -> Path:
        key = json.dumps([kind, arguments])
        if key not in made:
            made[key] = folder / f"{kind}_{len(made)}.keras"
            judge("models.make", path=made[key], kind=kind, **arguments)
        return made[key]

    return make


@pytest.fixture(scope="session")
def zoo(judge: Judge, folder: Path) -> Mapping[str, Path]:
    """A model of some forty kinds of layers, saved by Keras with each of many optimizers."""
    names = ["Adam", "everything", "Adafactor", "Nadam", "SGD", "Muon", "Ftrl",
             "ScheduleFreeAdamW", "LossScaleOptimizer", "MultiOptimizer"]  # fmt: skip
    made = judge("zoo.make", folder=folder, names=names)
    return {name: Path(path) for name, path in made.items()}


@pytest.fixture(scope="session")
def apply(folder: Path) -> Apply:
    """Apply the text of a spec to a model, in this process."""
    numbers = itertools.count()

    def run(model: Path, spec: str, **options: Any) -> Written:
        from kover.applying import ApplyRequest
        from kover.applying import apply as apply_specs

        number = next(numbers)
        written = folder / f"spec_{number}.yaml"
        written.write_text(f"version: 1\n{spec}", encoding="utf-8")
        output = folder / f"out_{number}.keras"
        result = apply_specs(
            ApplyRequest(str(model), (str(written),), output=str(output), **options)
        )
        return Written(output, result.report)

    return run


@pytest.fixture(scope="session")
def facts(judge: Judge) -> Callable[..., Any]:
    """What Keras alone makes of a file, see `plain/facts.py`; asked once for each file."""
    known: dict[tuple[str, int], Any] = {}

    def of(path: Path, steps: int = 1) -> Any:
        key = (str(path), steps)
        if key not in known:
            known[key] = judge("facts.of_file", path=path, steps=steps)
        return known[key]

    return of


@pytest.fixture(scope="session")
def refused(apply: Apply) -> Callable[..., list[Any]]:
    """The problems with which kover refuses to apply the text of a spec to a model."""

    def problems(model: Path, spec: str, **options: Any) -> list[Any]:
        from kover.errors import KoverError

        with pytest.raises(KoverError) as caught:
            apply(model, spec, **options)
        return list(caught.value.problems)

    return problems
