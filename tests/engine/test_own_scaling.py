"""A model trained under `mixed_float16` keeps its optimizer's state, whatever policy it meets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

RELU = "overrides: [{layers: a, set: {activation: relu}}]"
POLICIES = ("float32", "mixed_float16")


@pytest.fixture(scope="module")
def scaled(judge: Any, folder: Path) -> Callable[..., Path]:
    made: dict[str | None, Path] = {}

    def make(optimizer: str | None = None) -> Path:
        if optimizer not in made:
            made[optimizer] = folder / f"scaled_{optimizer}.keras"
            judge("scaling.make", path=made[optimizer], optimizer=optimizer)
        return made[optimizer]

    return make


def test_keras_loses_the_state_under_another_policy(scaled: Any, judge: Any) -> None:
    here, elsewhere = (judge("scaling.loaded", path=scaled(), policy=each) for each in POLICIES)
    assert "Skipping variable loading" in here["warnings"][0]
    assert elsewhere["warnings"] == []
    assert here["slots"] != elsewhere["slots"]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("optimizer", [None, "adam"])
def test_the_output_loads_with_its_state(
    policy: str, optimizer: str | None, scaled: Any, apply: Any, judge: Any
) -> None:
    written = apply(scaled(optimizer), RELU, verify="load")
    assert written.warned == ["hidden-loss-scaling"]
    before = judge("scaling.loaded", path=scaled(optimizer), policy="mixed_float16")
    assert judge("scaling.loaded", path=written.path, policy=policy) == before
    assert before["class"] == "LossScaleOptimizer"
    assert before["scale"] > 0


@pytest.mark.parametrize(
    ("spec", "rate"),
    [
        ("overrides: [{layers: a, set: {trainable: false}}]", 0.01),
        ("compile: {optimizer: {learning_rate: 0.002}}", 0.002),
        ("compile: {optimizer: {class: AdamW, learning_rate: 0.003}}", 0.003),
    ],
)
def test_state_goes_by_name_there_as_well(
    spec: str, rate: float, scaled: Any, apply: Any, judge: Any
) -> None:
    before = judge("scaling.loaded", path=scaled(), policy="mixed_float16")
    found = judge("scaling.loaded", path=apply(scaled(), spec).path, policy="float32")
    assert found["warnings"] == []
    assert found["iterations"] == before["iterations"] > 0
    assert found["rate"] == pytest.approx(rate)
    assert found["slots"]
    assert found["slots"].items() <= before["slots"].items()


def test_a_second_spec_has_nothing_more_to_say(scaled: Any, apply: Any) -> None:
    once = apply(scaled(), RELU).path
    assert apply(once, "overrides: [{layers: b, set: {activation: relu}}]").warned == []
