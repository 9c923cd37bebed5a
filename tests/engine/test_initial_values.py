"""A setting that only a fresh start reads is told to have no effect on a trained model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

SCALED = {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": {
    "module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": 0.01},
    "registered_name": None}, "initial_scale": 1024.0}}  # fmt: skip
ADAGRAD = {"class_name": "Adagrad", "config": {"learning_rate": 0.01}}
SCALE = "compile: {optimizer: {initial_scale: 64.0}}"


def scale(facts: Callable[..., Any], path: Path) -> float:
    found = facts(path, steps=0)["optimizers"][""]["others"]
    return float(max(found))


def test_the_scale_goes_on_and_that_is_told(
    make_model: Callable[..., Path], apply: Any, facts: Callable[..., Any]
) -> None:
    model = make_model("sequential", optimizer=SCALED)
    written = apply(model, SCALE)
    [problem] = written.report.applied.warnings
    assert (problem.code, problem.severity) == ("no-effect", "warning")
    assert "'initial_scale' has no effect" in problem.message
    assert problem.source.line == 2
    assert scale(facts, written.path) == scale(facts, model) == 1024.0


def test_it_can_be_switched_off(make_model: Callable[..., Path], apply: Any) -> None:
    model = make_model("sequential", optimizer=SCALED)
    assert apply(model, f"lint: {{off: [no-effect]}}\n{SCALE}").warned == []


@pytest.mark.parametrize(
    "spec",
    [
        "compile: {optimizer: {initial_scale: 64.0}, optimizer_state: reset}",
        "compile: {optimizer: {class: LossScaleOptimizer, initial_scale: 64.0, "
        "inner_optimizer: adam}}",
    ],
)
def test_where_it_starts_fresh_it_counts(
    spec: str, make_model: Callable[..., Path], apply: Any, facts: Callable[..., Any]
) -> None:
    model = make_model("sequential", optimizer=ADAGRAD if "class" in spec else SCALED)
    written = apply(model, spec)
    assert written.warned == []
    assert scale(facts, written.path) == 64.0


def test_accumulators_go_on_and_that_is_told(make_model: Callable[..., Path], apply: Any) -> None:
    model = make_model("sequential", optimizer=ADAGRAD)
    spec = "compile: {optimizer: {initial_accumulator_value: 0.5}}"
    assert apply(model, spec).warned == ["no-effect"]
