"""Code that draws from global generators draws the same each time, and leaves them as they were."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CODE = Path(__file__).parent / "plain" / "drawing.py"
SOURCES = ("numpy", "python", "keras", "tensorflow")


@pytest.fixture(scope="module")
def drawing(folder: Path, judge: Any) -> Path:
    path = folder / "drawing.keras"
    judge("drawing.make", path=path)
    return path


def spec(source: str) -> str:
    return f"""
overrides:
  - layers: [a, b]
    set: {{kernel_initializer: {{class: "drawing>Drawn", source: {source}}}}}
    reinitialize: true
  - {{layers: noted, set: {{parts: 5}}, reinitialize: true}}
  - {{layers: drop, set: {{rate: 0.5}}}}
"""


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(each, marks=[pytest.mark.needs_backend("tensorflow")] * (each == SOURCES[-1]))
        for each in SOURCES
    ],
)
def test_what_is_drawn_is_the_same_each_time(source: str, drawing: Path, apply: Any) -> None:
    written = [apply(drawing, spec(source), imports=(str(CODE),)).path for _ in range(2)]
    assert written[0].read_bytes() == written[1].read_bytes()
    values = kernels(written[0])
    assert values["a"] != values["b"]


def kernels(path: Path) -> dict[str, bytes]:
    from kover.archive.reader import open_archive

    with open_archive(path) as archive:
        weights = archive.weights()
        assert weights is not None
        groups = {weights.names[group.removesuffix("/vars")]: group for group in
                  {place.rpartition("/")[0] for place in weights.arrays}
                  if group.startswith("layers/dense")}  # fmt: skip
        return {
            name: b"".join(weights.chunks(weights.arrays[f"{group}/0"]))
            for name, group in groups.items()
        }


def test_another_process_draws_the_same(
    drawing: Path, apply: Any, run_kover: Run, tmp_path: Path
) -> None:
    here = apply(drawing, spec("numpy"), imports=(str(CODE),)).path
    text, output = tmp_path / "spec.yaml", tmp_path / "output.keras"
    text.write_text(f"version: 1\n{spec('numpy')}", encoding="utf-8")
    done = run_kover("apply", drawing, text, "-o", output, "--import", CODE)
    assert done.returncode == 0, done.stderr
    assert here.read_bytes() == output.read_bytes()


def test_every_generator_goes_on_as_if_nothing_had_been_drawn() -> None:
    import keras
    import numpy as np

    from kover.engine.random_state import seeded_generators

    def start_anew() -> None:
        keras.utils.clear_session()  # older Keras does not seed the generator that is there
        keras.utils.set_random_seed(3)

    def drawn() -> list[float]:
        return [
            random.random(),
            float(np.random.rand()),
            float(keras.random.uniform(())),
            *backend_draws(),
        ]

    start_anew()
    expected = [drawn(), drawn()]
    start_anew()
    found = [drawn()]
    with seeded_generators(1):
        inside = drawn()
    found.append(drawn())
    assert found == expected
    with seeded_generators(1):
        assert drawn() == inside
    with seeded_generators(2):
        assert all(one != other for one, other in zip(drawn(), inside, strict=True))


def backend_draws() -> list[float]:
    import keras

    if keras.backend.backend() != "tensorflow":
        return []
    import tensorflow as tf

    return [float(tf.random.uniform(()))]
