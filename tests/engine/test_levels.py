"""`--verify load` reads the written file back with Keras; `--verify train` also takes one step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

SPECS = {
    "a layer frozen": "overrides: [{layers: a, set: {trainable: false}}]",
    "a penalty": "overrides: [{layers: a, set: {kernel_regularizer: {l2: 0.1}}}]",
    "another rate": "compile: {optimizer: {learning_rate: 0.002}}",
    "AdamW": "compile: {optimizer: {class: AdamW, learning_rate: 0.002, weight_decay: 0.1}}",
    "a new head": "overrides: [{layers: head, set: {units: 5}, reinitialize: {seed: 3}}]",
    "a rate by layer": "overrides: [{layers: a, learning_rate: {multiply: 0.1}}]",
}
MARKS = {"a rate by layer": [pytest.mark.needs_keras(">=3.15.1")]}
LOADED = {"keras.models.load_model", "outputs are finite"}
TRAINED = {"one training step", "frozen variables stay bit-equal", "trainable variables move",
           "rates are the ones asked for"}  # fmt: skip


def checks_of(done: Any) -> dict[str, bool]:
    verification = done.report.applied.verification
    return {check.name: check.ok for check in verification.checks}


@pytest.mark.parametrize("kind", ["sequential", "nested", "mixed"])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=MARKS.get(name, [])) for name in SPECS], ids=str
)
def test_a_training_step_goes_as_the_spec_says(
    name: str, kind: str, make_model: Callable[..., Path], apply: Callable[..., Any]
) -> None:
    optimizer = {"class_name": "Adam", "config": {"learning_rate": 0.01}}
    done = apply(make_model(kind, optimizer=optimizer), SPECS[name], verify="train")
    checks = checks_of(done)
    assert checks.keys() >= LOADED | TRAINED
    assert all(checks.values())
    assert ("regularization counts" in checks) == (name == "a penalty")


@pytest.mark.parametrize("kind", ["sequential", "nested", "mixed"])
def test_a_load_takes_no_step(
    kind: str, make_model: Callable[..., Path], apply: Callable[..., Any]
) -> None:
    done = apply(make_model(kind), SPECS["a penalty"], verify="load")
    checks = checks_of(done)
    assert checks.keys() >= LOADED
    assert not checks.keys() & TRAINED
    assert all(checks.values())
