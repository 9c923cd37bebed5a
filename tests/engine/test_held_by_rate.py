"""Layers that Keras does not freeze in a file are held by a rate of 0, when a spec says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.keras, pytest.mark.needs_keras(">=3.15.1")]

FREEZE = "overrides: [{layers: heads, set: {trainable: false}}]"
HOLD = "overrides: [{layers: encoder, set: {trainable: false}, learning_rate: 0}]"
HOLD_FILM = "overrides: [{layers: film, set: {trainable: false}, learning_rate: 0}]"


def named(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"learning_rate": 0.01, **config}}


@pytest.fixture(scope="module")
def model(judge: Any, folder: Path) -> Callable[..., Path]:
    made: dict[str, Path] = {}

    def make(kind: str, optimizer: Any) -> Path:
        key = repr((kind, optimizer))
        if key not in made:
            made[key] = folder / f"held_{len(made)}.keras"
            judge("attention.make", path=made[key], kind=kind, optimizer=optimizer)
        return made[key]

    return make


def test_keras_forgets_a_frozen_attention(model: Any, judge: Any) -> None:
    counts = judge("attention.frozen_in_the_process", path=model("attention", named("Adam")))
    assert counts["loaded"] == counts["here"] + 8


def test_the_refusal_holds_a_spec_that_works(
    model: Any, refused: Any, apply: Any, judge: Any
) -> None:
    path = model("attention", named("Adam"))
    [problem] = refused(path, FREEZE)
    assert problem.code == "not-frozen"
    assert "MultiHeadAttention" in problem.help
    found = re.search(r"`- (.*)`", problem.help)
    assert found is not None
    written = apply(path, f"overrides:\n  - {found[1]}")
    moved = judge("attention.trained", path=written.path)["moved"]
    assert moved
    assert [name for name in moved if name.startswith("heads")] == []


def test_an_uncompiled_model_needs_an_optimizer_first(model: Any, refused: Any) -> None:
    [problem] = refused(model("attention", None), FREEZE)
    assert problem.code == "not-frozen"
    assert "`compile: {optimizer: …}`" in problem.help


OPTIMIZERS = [
    named("Adam"),
    named("AdamW", weight_decay=0.1),
    named("Nadam", weight_decay=0.1),
    named("SGD", momentum=0.9, nesterov=True),
    named("RMSprop", momentum=0.9),
    named("Lion", weight_decay=0.1, clipnorm=1.0),
    named("Adafactor"),
    named("Muon", weight_decay=0.1),
    named("Adamax"),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda each: each["class_name"])
@pytest.mark.parametrize(("kind", "spec"), [("attention", HOLD), ("film", HOLD_FILM)])
def test_nothing_that_is_held_moves(
    kind: str, spec: str, optimizer: Any, model: Any, apply: Any, judge: Any
) -> None:
    written = apply(model(kind, optimizer), spec)
    assert set(written.warned) <= {"several-learning-rates"}
    cycles = 2 if optimizer["class_name"] in {"AdamW", "SGD"} else 0
    found = judge("attention.trained", path=written.path, cycles=cycles)
    assert found["warnings"] == []
    assert found["finite"]
    trains = [name for name in found["moved"] if "seed" not in name]
    assert [name.partition("/")[0] for name in trains] == ["head", "head"]


def test_a_second_application_changes_nothing(model: Any, apply: Any, judge: Any) -> None:
    once = apply(model("attention", named("SGD", momentum=0.9)), HOLD)
    twice = apply(once.path, HOLD)
    moved = judge("attention.trained", path=twice.path)["moved"]
    assert {name.partition("/")[0] for name in moved} == {"head"}


def test_a_flag_that_means_nothing_is_no_reason_to_do_nothing(
    model: Any, apply: Any, refused: Any
) -> None:
    """The file says `trainable: false` already, and Keras trains the layer all the same."""
    path = model("attention", named("Adam"))
    flagged = apply(path, FREEZE, verify="none").path
    assert [problem.code for problem in refused(flagged, FREEZE)] == ["not-frozen"]


@pytest.mark.parametrize("name", ["Ftrl", "ScheduleFreeAdamW"])
def test_some_optimizers_know_no_rate_of_0(name: str, model: Any, refused: Any) -> None:
    problems = refused(model("attention", named(name)), HOLD)
    assert {problem.code for problem in problems} == {"no-rate-of-zero"}
    assert name in problems[0].message
