"""The same model and spec give the same bytes: whenever, wherever, for whomever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Kover = Callable[..., object]
RESHAPED = """\
version: 1
overrides:
  - layers: dense_a
    set: {units: 6, kernel_initializer: he_normal}
    reinitialize: {seed: 5}
    learning_rate: {multiply: 10}
  - layers: dense_b
    set: {kernel_regularizer: {l2: 1e-3}}
    reinitialize: true
compile:
  optimizer: {weight_decay: 0.01}
"""
in_groups = pytest.mark.needs_keras(">=3.15.1")  # the first with MultiOptimizer
RESET = """\
version: 1
overrides: [{layers: dense_b, reinitialize: true}]
compile: {optimizer_state: reset, optimizer: {class: Nadam, learning_rate: 1e-4}}
"""


def elsewhere(
    folder: Path, number: int, model: Path, spec: Path, *more: str
) -> tuple[bytes, bytes]:
    """Run in a folder, with a hash seed, umask, time zone and way to name the files of its own."""
    cwd = folder / f"place {number}"
    cwd.mkdir()
    if number % 2:
        shutil.copy(model, cwd / "m.keras")
        shutil.copy(spec, cwd / spec.name)
        paths = ["m.keras", spec.name]
    else:
        paths = [str(model), os.path.relpath(spec, cwd)]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kover", "apply", *paths, "-o", "out.keras", *more],
        cwd=cwd,
        env={**os.environ, "PYTHONHASHSEED": str(number * 7), "TZ": f"UTC+{number}",
             "HOME": str(cwd), "TMPDIR": str(cwd)},
        umask=(0o022, 0o077, 0o007)[number % 3],
        capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return (cwd / "out.keras").read_bytes(), (cwd / "out.diff.json").read_bytes()


@pytest.mark.slow
def test_without_keras(here: Path) -> None:
    runs = [
        elsewhere(here, n, here / "tiny.keras", here / "spec.yaml", "--verify", "none")
        for n in range(4)
    ]
    assert len({model for model, _ in runs}) == 1
    assert runs[1] == runs[3]  # the report too, where the files have the same names


@pytest.mark.keras
@pytest.mark.parametrize(
    "text",
    [pytest.param(RESHAPED, id="reshaped", marks=in_groups), pytest.param(RESET, id="reset")],
)
def test_with_keras_and_fresh_values(text: str, here: Path) -> None:
    (here / "spec.yaml").write_text(text)
    runs = [elsewhere(here, n, here / "tiny.keras", here / "spec.yaml") for n in (0, 1, 5)]
    assert len({model for model, _ in runs}) == 1
    assert runs[1] == runs[2]


@pytest.mark.keras
@in_groups
def test_what_went_before_in_the_process_does_not_matter(here: Path) -> None:
    from kover.applying import ApplyRequest, apply

    (here / "spec.yaml").write_text(RESHAPED)
    apply(ApplyRequest("tiny.keras", ("spec.yaml",), output="one.keras"))
    (here / "other.yaml").write_text(RESET)
    apply(ApplyRequest("tiny.keras", ("other.yaml",), output="other.keras", verify="train"))
    apply(ApplyRequest("tiny.keras", ("spec.yaml",), output="two.keras", verify="load"))
    assert (here / "one.keras").read_bytes() == (here / "two.keras").read_bytes()


@pytest.mark.keras
def test_the_level_of_verification_does_not_matter(here: Path, kover: Kover) -> None:
    outputs = []
    for level in ("none", "build", "load", "train"):
        output = here / f"{level}.keras"
        kover("apply", "tiny.keras", "spec.yaml", "-o", output, "--verify", level)
        outputs.append(output.read_bytes())
    assert outputs[1:] == outputs[:1] * 3
