"""Slots that start late are not corrected by a high iteration count: that is told, with numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.01}}
THAW = "overrides: [{layers: a, set: {trainable: true}}]"
MANY = 200


@pytest.fixture(scope="module")
def frozen(make_model: Callable[..., Path]) -> Path:
    return make_model("sequential", optimizer=ADAM, frozen=["a"], steps=MANY)


def test_a_thawed_layer_is_told(frozen: Path, apply: Any) -> None:
    [problem] = apply(frozen, THAW).report.applied.warnings
    assert (problem.code, problem.severity) == ("uncorrected-slots", "warning")
    assert "first steps of 'a' go up to" in problem.message
    assert f"iteration {MANY}" in problem.message
    assert problem.source.line == 2


def test_it_can_be_switched_off(frozen: Path, apply: Any) -> None:
    assert apply(frozen, f"lint: {{off: [uncorrected-slots]}}\n{THAW}").warned == []


@pytest.mark.parametrize(
    "spec",
    [
        "overrides: [{layers: a, set: {activation: relu}}]",
        "overrides: [{layers: b, set: {trainable: false}}]",
        f"{THAW}\ncompile: {{optimizer_state: reset}}",
        f"{THAW}\ncompile: {{optimizer: {{class: SGD, momentum: 0.9, learning_rate: 0.01}}}}",
    ],
)
def test_where_nothing_overshoots_nothing_is_said(spec: str, frozen: Path, apply: Any) -> None:
    assert apply(frozen, spec).warned == []


def test_a_few_iterations_are_nothing_to_speak_of(
    make_model: Callable[..., Path], apply: Any
) -> None:
    model = make_model("sequential", optimizer=ADAM, frozen=["a"])
    assert apply(model, THAW).warned == []


@pytest.mark.parametrize(
    "name",
    ["Adam", "AdamW", "Nadam",
     pytest.param("Muon", marks=pytest.mark.needs_keras(">=3.14"))],  # the first that trains
)  # fmt: skip
@pytest.mark.parametrize("count", [100, 10_000])
def test_the_number_is_that_of_keras(name: str, count: int) -> None:
    """The furthest step that a variable makes whose gradient stays what it is."""
    import keras
    import numpy as np

    from kover.engine.momentum_product import momentum_product_after
    from kover.engine.uncorrected import furthest_step

    optimizer = getattr(keras.optimizers, name)(learning_rate=0.01, weight_decay=0.0)
    variable = keras.Variable(np.zeros(1, "float32"))
    optimizer.build([variable])
    optimizer._iterations.assign(count)
    if name == "Nadam":
        optimizer._u_product.assign(momentum_product_after(count, 0.9))
    rate = 0.01 * (optimizer.adam_lr_ratio if name == "Muon" else 1)
    furthest = 0.0
    for _ in range(40):
        before = float(variable[0])
        optimizer.apply([keras.ops.ones(1)], [variable])
        furthest = max(furthest, abs(float(variable[0]) - before) / rate)
    assert furthest_step(optimizer, count) == pytest.approx(furthest, rel=0.03)


def test_a_mean_that_goes_on_makes_it_worse() -> None:
    import keras

    from kover.engine.uncorrected import furthest_step

    adam = keras.optimizers.Adam()
    assert furthest_step(adam, 10**6, mean_is_fresh=False) == pytest.approx(1000**0.5, rel=1e-3)
    assert 6 < furthest_step(adam, 10**6) < 7
    assert furthest_step(adam, 0) == pytest.approx(1.0)
