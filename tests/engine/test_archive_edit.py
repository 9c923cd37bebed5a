"""What can be followed in the weights without Keras: the stored learning rate, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kover.archive.reader import open_archive

Apply = Callable[..., Any]
Refused = Callable[..., Any]


def arrays(path: Path) -> dict[str, bytes]:
    with open_archive(path) as archive:
        weights = archive.weights()
        assert weights is not None
        return {place: b"".join(weights.chunks(a)) for place, a in weights.arrays.items()}


def rate(path: Path, place: str = "optimizer/vars/1") -> float:
    with open_archive(path) as archive:
        weights = archive.weights()
        assert weights is not None
        return float(weights.read_scalar(weights.arrays[place]))


def test_the_stored_rate_follows_and_every_other_byte_stays(
    tiny_archive: Path, apply: Apply
) -> None:
    done = apply(tiny_archive, "compile: {optimizer: {learning_rate: 1e-5}}", verify="none")
    assert rate(tiny_archive) == pytest.approx(1e-3)
    assert rate(done.path) == pytest.approx(1e-5)
    before, after = arrays(tiny_archive), arrays(done.path)
    assert [place for place in before if before[place] != after[place]] == ["optimizer/vars/1"]
    assert done.report.applied.verification.level == "none"


def test_a_rate_that_the_config_has_already_is_stored_all_the_same(
    tiny_archive: Path, apply: Apply
) -> None:
    done = apply(tiny_archive, "compile: {optimizer: {learning_rate: 1e-5}}", verify="none")
    again = apply(done.path, "compile: {optimizer: {learning_rate: 1e-5}}", verify="none")
    assert rate(again.path) == pytest.approx(1e-5)


def test_an_attribute_changes_no_weights_and_warns_of_nothing(
    tiny_archive: Path, apply: Apply
) -> None:
    done = apply(
        tiny_archive, "overrides: [{layers: dense_a, set: {activation: tanh}}]", verify="none"
    )
    assert arrays(done.path) == arrays(tiny_archive)
    assert done.warned == []


def test_a_frozen_layer_costs_the_state_and_that_is_said(tiny_archive: Path, apply: Apply) -> None:
    done = apply(
        tiny_archive, "overrides: [{layers: dense_a, set: {trainable: false}}]", verify="none"
    )
    assert done.warned == ["optimizer-state-not-carried"]


@pytest.mark.parametrize(
    "override",
    ["reinitialize: true", "learning_rate: 0.1", "weight_decay: 0"],
)
def test_what_needs_keras_is_refused_at_its_line(
    tiny_archive: Path, refused: Refused, override: str
) -> None:
    (problem,) = refused(
        tiny_archive, f"overrides:\n  - layers: dense_a\n    {override}", verify="none"
    )
    assert problem.code == "needs-keras"
    assert problem.source.line in (3, 4)


@pytest.mark.keras
def test_under_loss_scaling_the_rate_is_stored_twice_and_both_follow(
    make_model: Callable[..., Path], apply: Apply, facts: Callable[..., Any]
) -> None:
    model = make_model(
        "sequential",
        optimizer={"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": {
            "module": "keras.optimizers", "class_name": "Adam",
            "config": {"learning_rate": 0.01}, "registered_name": None}}},
    )  # fmt: skip
    done = apply(model, "compile: {optimizer: {learning_rate: 1e-5}}", verify="none")
    assert rate(done.path, "optimizer/inner_optimizer/vars/1") == pytest.approx(1e-5)
    assert rate(done.path, "optimizer/vars/5") == pytest.approx(1e-5)
    assert facts(done.path)["optimizers"]["inner."]["rate"] == pytest.approx(1e-5)
    assert facts(done.path)["slots"] == facts(model)["slots"]
