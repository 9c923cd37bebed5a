"""A Nadam that takes over corrects its first steps as one that has run all the time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

Apply = Callable[..., Any]
MakeModel = Callable[..., Path]

ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.01}}
NADAM = {"class_name": "Nadam", "config": {"learning_rate": 0.01}}
TO_NADAM = "compile: {optimizer: {class: Nadam, learning_rate: 0.01}}"
SLOWER_A = "overrides: [{layers: a, learning_rate: {multiply: 0.1}}]"


@pytest.mark.parametrize("beta_1", [0.9, 0.5])
def test_a_step_is_that_of_a_nadam_that_has_run_as_long(
    beta_1: float, make_model: MakeModel, apply: Apply, judge: Any
) -> None:
    model = make_model("sequential", optimizer=ADAM)
    spec = f"compile: {{optimizer: {{class: Nadam, learning_rate: 0.01, beta_1: {beta_1}}}}}"
    found = judge("products.step_of_file", path=apply(model, spec).path)
    expected = judge(
        "products.step_of_nadam", path=model, steps=3, learning_rate=0.01, beta_1=beta_1
    )
    for one, other in zip(found, expected, strict=True):
        assert flat(one) == pytest.approx(flat(other), abs=1e-7)


def flat(value: Any) -> list[float]:
    return [x for each in value for x in flat(each)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("steps", [1, 7, 100])
def test_the_product_is_that_of_keras(steps: int, judge: Any) -> None:
    from kover.engine.momentum_product import momentum_product_after

    found = momentum_product_after(steps, 0.9)
    assert found == pytest.approx(judge("products.product_after", steps=steps), rel=1e-5)


def test_the_product_of_very_many_steps_is_nothing() -> None:
    from kover.engine.momentum_product import momentum_product_after

    assert momentum_product_after(10**12, 0.9) == 0.0


def test_a_nadam_goes_on_as_it_was(make_model: MakeModel, apply: Apply, judge: Any) -> None:
    model = make_model("sequential", optimizer=NADAM)
    changed = apply(model, "compile: {optimizer: {learning_rate: 0.02}}").path
    before = judge("products.products", path=model)
    assert before[0] < 0.5
    assert judge("products.products", path=changed) == before


@pytest.mark.needs_keras(">=3.15.1")
def test_every_group_goes_on_as_the_nadam_that_it_was(
    make_model: MakeModel, apply: Apply, judge: Any
) -> None:
    model = make_model("sequential", optimizer=NADAM)
    grouped = apply(model, SLOWER_A).path
    [whole] = judge("products.products", path=model)
    assert judge("products.products", path=grouped) == [whole, whole]
    again = apply(grouped, TO_NADAM).path
    assert judge("products.products", path=again) == pytest.approx([whole], rel=1e-6)


@pytest.mark.needs_keras(">=3.15.1")
def test_every_group_that_takes_over_has_run_as_long(
    make_model: MakeModel, apply: Apply, judge: Any
) -> None:
    model = make_model("sequential", optimizer=ADAM)
    grouped = apply(model, f"{TO_NADAM}\n{SLOWER_A}").path
    one = judge("products.product_after", steps=3)
    assert judge("products.products", path=grouped) == pytest.approx([one, one], rel=1e-6)


def test_gathered_gradients_are_one_step(make_model: MakeModel, apply: Apply, judge: Any) -> None:
    model = make_model("sequential", optimizer=ADAM, steps=7)
    spec = "compile: {optimizer: {class: Nadam, gradient_accumulation_steps: 3}}"
    product = judge("products.product_after", steps=2)
    found = judge("products.products", path=apply(model, spec).path)
    assert found == pytest.approx([product], rel=1e-6)


def test_a_reset_starts_from_one(make_model: MakeModel, apply: Apply, judge: Any) -> None:
    model = make_model("sequential", optimizer=ADAM)
    spec = "compile: {optimizer: {class: Nadam}, optimizer_state: reset}"
    assert judge("products.products", path=apply(model, spec).path) == [1.0]
