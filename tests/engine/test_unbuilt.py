"""Models that were compiled and saved before their first step have no state to lose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.01}}
RECORD = {"module": "keras.optimizers", "registered_name": None}
OPTIMIZERS = {
    "Adam": ADAM,
    "Nadam": {"class_name": "Nadam", "config": {"learning_rate": 0.01}},
    "SGD": {"class_name": "SGD", "config": {"learning_rate": 0.01, "momentum": 0.9}},
    "a schedule": {
        "class_name": "Adam",
        "config": {
            "learning_rate": {
                **RECORD,
                "module": "keras.optimizers.schedules",
                "class_name": "ExponentialDecay",
                "config": {
                    "initial_learning_rate": 0.01,
                    "decay_steps": 10,
                    "decay_rate": 0.5,
                },
            }
        },
    },
    "LossScaleOptimizer": {
        "class_name": "LossScaleOptimizer",
        "config": {"inner_optimizer": {**RECORD, **ADAM}},
    },
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    "spec",
    [
        "overrides: [{layers: a, set: {activation: relu}}]",
        "overrides: [{layers: a, set: {trainable: false}}]",
        "compile: {optimizer: {class: AdamW, learning_rate: 0.01}}",
    ],
)
def test_nothing_is_warned_of_and_the_output_loads_without_a_warning(
    name: str,
    spec: str,
    make_model: Callable[..., Path],
    apply: Any,
    facts: Callable[..., Any],
) -> None:
    model = make_model("sequential", optimizer=OPTIMIZERS[name], steps=0)
    assert "Skipping variable loading" in facts(model, steps=0)["warnings"][0]
    written = apply(model, spec)
    assert written.warned == []
    found = facts(written.path)
    assert found["warnings"] == []
    rates = [each["rate"] for each in found["optimizers"].values() if each["rate"] is not None]
    assert rates == pytest.approx([0.01])
    assert {each["iterations"] for each in found["optimizers"].values()} == {0}
    assert found["after"] != found["values"]
