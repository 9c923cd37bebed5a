"""What training has built up survives a change: every slot, by the name of its variable.

Each change is made by kover, and looked at by Keras alone in another process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

ALL = ("sequential", "nested", "mixed")
ADAM = {"momentum": "momentum", "velocity": "velocity"}
OF_ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.01}}


@dataclass(frozen=True)
class Change:
    """One change to a trained model, and what is to survive it.

    Attributes:
        spec: what is asked for.
        kinds: the models that it is made to.
        optimizer: that they were trained with.
        compiled: more for `compile`.
        frozen: layers that did not train.
        first: specs that are applied before the one that is looked at.
        roles: new role of a slot to the old one that it continues.
        as_variable: roles that start as a copy of their variable.
        fresh: layers whose variables are re-created.
        started: layers that train from now on, and have no state yet.
        stopped: layers that no longer train.
        rate: the learning rate of each optimizer that has one.
        iterations: of each optimizer.
    """

    spec: str
    kinds: tuple[str, ...] = ("sequential",)
    optimizer: Any = field(default_factory=lambda: OF_ADAM)
    compiled: Mapping[str, Any] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=lambda: ADAM)
    as_variable: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    started: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    rate: tuple[float, ...] = (0.01,)
    iterations: int = 3


def optimizer(text: str) -> str:
    return f"compile: {{optimizer: {text}}}"


def overriding(*overrides: str) -> str:
    return "overrides:\n" + "".join(f"  - {{{each}}}\n" for each in overrides)


def trained_by(name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": name, "config": {"learning_rate": 0.01, **config}}


def needed(*specs: str) -> list[pytest.MarkDecorator]:
    """The Keras that has the optimizers which the specs lead to."""
    text = "".join(specs)
    if re.search(r"layers: .*(learning_rate|weight_decay): ", text):  # rates by layer
        return [pytest.mark.needs_keras(">=3.15.1")]
    if "ScheduleFreeAdamW" in text or "Muon" in text:  # an earlier Muon does not train
        return [pytest.mark.needs_keras(">=3.14")]
    return []


SLOWER_A = overriding("layers: a, learning_rate: {multiply: 0.1}")
LOSS_SCALING = {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": {
    "module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": 0.01},
    "registered_name": None}, "initial_scale": 1024.0}}  # fmt: skip
SCHEDULE = (
    "{learning_rate: {class: ExponentialDecay, initial_learning_rate: 0.02, decay_steps: 3, "
    "decay_rate: 0.5}}"
)

CHANGES = {
    "freezing a layer": Change(
        overriding("layers: a, set: {trainable: false}"), ALL, stopped=("a", "bb/a")
    ),
    "freezing a nested model": Change(
        overriding("layers: bb, set: {trainable: false}"), ("nested",), stopped=("bb/a", "bb/b")
    ),
    "freezing an embedding and a batch normalisation": Change(
        overriding("layers: [words, norm], set: {trainable: false}"),
        ("mixed",),
        stopped=("words", "norm"),
    ),
    "thawing a layer": Change(
        overriding("layers: a, set: {trainable: true}"),
        ("sequential", "mixed"),
        frozen=("a",),
        started=("a",),
    ),
    "freezing one layer and thawing another of the same shapes": Change(
        overriding("layers: b, set: {trainable: false}", "layers: a, set: {trainable: true}"),
        frozen=("a",),
        started=("a",),
        stopped=("b",),
    ),
    "freezing inside a backbone and thawing the outer layer of the same name": Change(
        overriding("layers: /bb/a, set: {trainable: false}", "layers: /a, set: {trainable: true}"),
        ("nested",),
        frozen=("a",),
        started=("a",),
        stopped=("bb/a",),
    ),
    "another learning rate": Change(optimizer("{learning_rate: 0.005}"), ("mixed",), rate=(0.005,)),
    "a schedule instead of a number": Change(optimizer(SCHEDULE), ("nested",), rate=(0.01,)),
    "a number instead of a schedule": Change(
        optimizer("{learning_rate: 0.004}"), first=(optimizer(SCHEDULE),), rate=(0.004,)
    ),
    "moving averages of the variables": Change(
        optimizer("{use_ema: true}"), ALL, as_variable=("average",)
    ),
    "moving averages no longer": Change(
        optimizer("{use_ema: false}"), optimizer=trained_by("Adam", use_ema=True)
    ),
    "moving averages and a new head": Change(
        overriding("layers: head, reinitialize: true"),
        optimizer=trained_by("Adam", use_ema=True),
        roles={**ADAM, "average": "average"},
        as_variable=("average",),
        fresh=("head",),
    ),
    "amsgrad": Change(optimizer("{amsgrad: true}"), ("sequential", "mixed")),
    "amsgrad no longer": Change(
        optimizer("{amsgrad: false}"), optimizer=trained_by("Adam", amsgrad=True)
    ),
    "gradient accumulation": Change(optimizer("{gradient_accumulation_steps: 2}"), iterations=1),
    "clipping": Change(optimizer("{clipnorm: 1000.0}"), ("mixed",)),
    "AdamW": Change(optimizer("{class: AdamW, learning_rate: 0.01, weight_decay: 0.1}"), ALL),
    "Nadam": Change(optimizer("{class: Nadam, learning_rate: 0.01}")),
    "Lion": Change(
        optimizer("{class: Lion, learning_rate: 0.01}"), ("nested",), roles={"momentum": "momentum"}
    ),
    "Lamb": Change(optimizer("{class: Lamb, learning_rate: 0.01}")),
    "RMSprop": Change(
        optimizer("{class: RMSprop, learning_rate: 0.01, momentum: 0.9, centered: true}"),
        roles={"velocity": "velocity", "average_gradient": "momentum"},
    ),
    "Adadelta": Change(
        optimizer("{class: Adadelta, learning_rate: 0.01}"), roles={"accumulated_grad": "velocity"}
    ),
    "Adamax": Change(
        optimizer("{class: Adamax, learning_rate: 0.01}"), roles={"momentum": "momentum"}
    ),
    "Muon": Change(optimizer("{class: Muon, learning_rate: 0.01}"), roles={}),
    "the schedule-free AdamW, whose momentum is a copy of the variable": Change(
        optimizer("{class: ScheduleFreeAdamW, learning_rate: 0.01}"),
        roles={"velocity": "velocity"},
        as_variable=("momentum",),
    ),
    "SGD": Change(
        optimizer("{class: SGD, learning_rate: 0.01, momentum: 0.9}"), ("mixed",), roles={}
    ),
    "AdamW and back": Change(
        optimizer("{class: Adam, learning_rate: 0.01}"),
        ("nested",),
        first=(optimizer("{class: AdamW, learning_rate: 0.02}"),),
    ),
    "Lion and back": Change(
        optimizer("{class: Adam, learning_rate: 0.01}"),
        first=(optimizer("{class: Lion, learning_rate: 0.02}"),),
        roles={"momentum": "momentum"},
    ),
    "SGD and back": Change(
        optimizer("{class: Adam, learning_rate: 0.01}"),
        first=(optimizer("{class: SGD, learning_rate: 0.02, momentum: 0.9}"),),
        roles={},
    ),
    "a rate by layer": Change(SLOWER_A, ALL, rate=(0.001, 0.01)),
    "another rate for a layer that has one": Change(
        overriding("layers: a, learning_rate: 0.004"),
        ("nested",),
        first=(SLOWER_A,),
        rate=(0.004, 0.01),
    ),
    "one more layer with a rate": Change(
        overriding("layers: head, learning_rate: {multiply: 2}"),
        ("sequential", "mixed"),
        first=(SLOWER_A,),
        rate=(0.001, 0.02, 0.01),
    ),
    "the last layer with a rate gets the general one again": Change(
        overriding("layers: a, learning_rate: {multiply: 1}"),
        ("nested",),
        first=(SLOWER_A,),
        rate=(0.01,),
    ),
    "one of two layers with a rate gets the general one again": Change(
        overriding("layers: head, learning_rate: {multiply: 1}"),
        first=(SLOWER_A, overriding("layers: head, learning_rate: {multiply: 2}")),
        rate=(0.001, 0.01),
    ),
    "rates by layer, and one optimizer again": Change(
        optimizer("{class: Adam, learning_rate: 0.003}"),
        ("sequential", "nested"),
        first=(SLOWER_A,),
        rate=(0.003,),
    ),
    "freezing the only layer with a rate of its own": Change(
        overriding("layers: a, set: {trainable: false}"),
        first=(SLOWER_A,),
        stopped=("a",),
        rate=(0.001, 0.01),
    ),
    "freezing all layers but the one with a rate of its own": Change(
        overriding("layers: [b, head], set: {trainable: false}"),
        first=(SLOWER_A,),
        stopped=("b", "head"),
        rate=(0.001, 0.01),
    ),
    "freezing another layer than the one with a rate of its own": Change(
        overriding("layers: head, set: {trainable: false}"),
        ("nested", "mixed"),
        first=(SLOWER_A,),
        stopped=("head",),
        rate=(0.001, 0.01),
    ),
    "freezing under loss scaling": Change(
        overriding("layers: a, set: {trainable: false}"),
        optimizer=LOSS_SCALING,
        stopped=("a",),
    ),
    "another rate under loss scaling": Change(
        optimizer("{learning_rate: 0.002}"), optimizer=LOSS_SCALING, rate=(0.002,)
    ),
    "rates by layer under loss scaling": Change(
        SLOWER_A, optimizer=LOSS_SCALING, rate=(0.001, 0.01)
    ),
    "loss scaling": Change(
        optimizer(
            "{class: LossScaleOptimizer, inner_optimizer: {class: Adam, learning_rate: 0.01}}"
        ),
        ("sequential", "mixed"),
    ),
    "loss scaling no longer": Change(
        optimizer("{class: Adam, learning_rate: 0.01}"), optimizer=LOSS_SCALING
    ),
    "a new head": Change(
        overriding("layers: head, set: {units: 5}, reinitialize: true"), ALL, fresh=("head",)
    ),
    "one layer made anew": Change(
        overriding("layers: /a, reinitialize: {seed: 7}"), ALL, fresh=("a",)
    ),
    "a layer inside a backbone made anew": Change(
        overriding("layers: bb/a, reinitialize: true"), ("nested",), fresh=("bb/a",)
    ),
    "a regularizer, an activation and a rate in one go": Change(
        overriding(
            "layers: a, set: {kernel_regularizer: {l2: 0.1}, activation: relu}, "
            "learning_rate: {multiply: 0.5}"
        ),
        ("mixed",),
        rate=(0.005, 0.01),
    ),
    "freezing with Nadam": Change(
        overriding("layers: a, set: {trainable: false}"),
        optimizer=trained_by("Nadam"),
        stopped=("a",),
    ),
    "freezing with SGD": Change(
        overriding("layers: a, set: {trainable: false}"),
        ("nested",),
        optimizer=trained_by("SGD", momentum=0.9),
        roles={"momentum": "momentum"},
        stopped=("a", "bb/a"),
    ),
    "freezing with Muon": Change(
        overriding("layers: a, set: {trainable: false}"),
        optimizer=trained_by("Muon"),
        stopped=("a",),
    ),
    "freezing with Adagrad": Change(
        overriding("layers: a, set: {trainable: false}"),
        optimizer=trained_by("Adagrad"),
        roles={"accumulator": "accumulator"},
        stopped=("a",),
    ),
    "a reset": Change(
        f"{overriding('layers: a, set: {activation: relu}')}compile: {{optimizer_state: reset}}",
        ("nested",),
        roles={},
        iterations=0,
    ),
}

CASES = [
    pytest.param(
        change,
        kind,
        id=f"{name} ({kind})",
        marks=needed(change.spec, *change.first, str(change.optimizer)),
    )
    for name, change in CHANGES.items()
    for kind in change.kinds
]


def in_layers(name: str, layers: tuple[str, ...]) -> bool:
    return name.rpartition("/")[0] in layers


@pytest.mark.parametrize(("change", "kind"), CASES)
def test_what_training_has_built_up_survives(
    change: Change,
    kind: str,
    make_model: Callable[..., Path],
    apply: Callable[..., Any],
    facts: Callable[..., Any],
) -> None:
    """Values, slots by name, iterations and rates; and training goes on."""
    model = make_model(
        kind, optimizer=change.optimizer, frozen=list(change.frozen), **change.compiled
    )
    for spec in change.first:
        model = apply(model, spec).path
    before = facts(model, steps=0)
    after = facts(apply(model, change.spec).path)

    assert after["warnings"] == []
    check_values(change, before, after)
    check_slots(change, before, after)
    found = after["optimizers"].values()
    rates = [each["rate"] for each in found if each["rate"] is not None]
    assert rates == pytest.approx(change.rate, rel=1e-6)
    assert {each["iterations"] for each in found} == {change.iterations}
    check_others(before, after)
    still = [n for n in after["trainable"] if after["after"][n] == after["values"][n]]
    assert still == []


def check_others(before: Any, after: Any) -> None:
    """What an optimizer of the same class keeps for itself: Nadam's product, a loss scale."""
    kept = {each["class"]: each["others"] for each in before["optimizers"].values()}
    for each in after["optimizers"].values():
        if each["iterations"]:
            assert each["others"] == kept.get(each["class"], each["others"])


def check_values(change: Change, before: Any, after: Any) -> None:
    """Only what was to be made anew has other values; only what was to stop has stopped."""
    assert before["values"].keys() == after["values"].keys()
    new = {name for name, value in before["values"].items() if value != after["values"][name]}
    assert all(in_layers(name, change.fresh) for name in new)
    kernels = {name for name in before["values"] if name.endswith("kernel")}
    assert {name for name in kernels if in_layers(name, change.fresh)} <= new
    trained = set(before["trainable"])
    trained |= {name for name in kernels if in_layers(name, change.started)}
    trained |= {n.replace("kernel", "bias") for n in kernels if in_layers(n, change.started)}
    stopped = {name for name in trained if in_layers(name, change.stopped)}
    assert set(after["trainable"]) == trained - stopped


def check_slots(change: Change, before: Any, after: Any) -> None:
    """Each slot continues the one that has its meaning, or starts as a fresh one does."""
    assert {name.split()[0] for name in after["slots"]} == set(after["trainable"])
    kept = 0
    for name, slot in after["slots"].items():
        variable, role = name.split()
        new = in_layers(variable, (*change.fresh, *change.started))
        if role in change.roles and not new:
            assert slot == before["slots"][f"{variable} {change.roles[role]}"], name
            assert any_value(slot), name
            kept += 1
        elif role in change.as_variable:
            assert slot == after["values"][variable], name
        else:
            assert len(set(flat(slot))) == 1, name
    assert kept or not change.roles


def flat(value: Any) -> list[float]:
    return [x for each in value for x in flat(each)] if isinstance(value, list) else [value]


def any_value(value: Any) -> bool:
    return any(flat(value))


CONTINUING = {
    "clipping that never clips": optimizer("{clipnorm: 1000000.0}"),
    "a penalty of nothing": overriding("layers: a, set: {kernel_regularizer: {l2: 0.0}}"),
    "the same rate as a group of its own": overriding(
        "layers: head, weight_decay: 0", "layers: a, learning_rate: 0.01"
    ),
    "the same rate, spelled out for a layer": overriding("layers: a, learning_rate: 0.01"),
    "a schedule that stays where the rate was": optimizer(
        "{learning_rate: {class: PiecewiseConstantDecay, boundaries: [1000], values: [0.01, 1.0]}}"
    ),
    "AdamW without decay": optimizer("{class: AdamW, learning_rate: 0.01, weight_decay: 0.0}"),
    "averages that nobody reads": optimizer("{use_ema: true}"),
    "loss scaling by one": optimizer(
        "{class: LossScaleOptimizer, initial_scale: 1.0, "
        "inner_optimizer: {class: Adam, learning_rate: 0.01}}"
    ),
}


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        pytest.param(spec, kind, id=f"{name} ({kind})", marks=needed(spec))
        for number, (name, spec) in enumerate(CONTINUING.items())
        for kind in (ALL if name == "averages that nobody reads" else (ALL[number % 3],))
    ],
)
def test_training_goes_on_as_if_nothing_had_happened(
    spec: str,
    kind: str,
    make_model: Callable[..., Path],
    apply: Callable[..., Any],
    facts: Callable[..., Any],
) -> None:
    model = make_model(kind, optimizer=OF_ADAM)
    expected = facts(model, steps=2)["after"]
    found = facts(apply(model, spec).path, steps=2)["after"]
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert flat(found[name]) == pytest.approx(flat(value), abs=1e-6), name
