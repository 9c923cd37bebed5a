"""One setting for a `MultiOptimizer`: whose it becomes, and what groups keep of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kover.planning.pattern_words import in_words
from kover.planning.plan import Plan
from kover.values import MISSING

PlanIt = Callable[..., Plan]
Refusals = Callable[..., list[str]]
Config = Callable[[str], dict[str, Any]]

MAP = "optimizer.optimizer_map"
DEFAULT = f"{MAP}.default_optimizer"


def record(class_name: str, **config: Any) -> dict[str, Any]:
    return {
        "module": "keras.optimizers", "class_name": class_name, "config": config,
        "registered_name": None,
    }  # fmt: skip


def decay(**config: Any) -> dict[str, Any]:
    return {
        "module": "keras.optimizers.schedules", "class_name": "CosineDecay",
        "config": {"initial_learning_rate": 0.1, "decay_steps": 1000, **config},
        "registered_name": None,
    }  # fmt: skip


@pytest.fixture
def grouped(config: Config) -> Callable[..., dict[str, Any]]:
    """A model's config, compiled with a `MultiOptimizer`."""

    def make(
        default: dict[str, Any], scaled: bool = False, **groups: dict[str, Any]
    ) -> dict[str, Any]:
        held = {"default_optimizer": default, "optimizer_map": groups}
        optimizer = record(
            "MultiOptimizer",
            optimizer_map=record("OptimizerMap", **held),
            loss_scale_factor=None,
            name="multi_optimizer",
        )
        if scaled:
            optimizer = record("LossScaleOptimizer", name="scaled", inner_optimizer=optimizer)
        root = config("multi")
        root["compile_config"]["optimizer"] = optimizer
        return root

    return make


def changed(made: Plan) -> dict[str, tuple[Any, Any]]:
    return {item.attribute: (item.before, item.after) for item in made.compile_changes}


def optimizer(made: Plan) -> Any:
    compiled: Any = made.after["compile_config"]
    return compiled["optimizer"]


def told(made: Plan) -> list[str]:
    return [f"{p.code} {p.message}" for p in made.warnings]


SGD, ADAM = {"learning_rate": 0.1, "momentum": 0.9}, {"learning_rate": 0.1, "beta_1": 0.9}


@pytest.mark.parametrize(
    ("default", "groups", "asked", "expected", "kept"),
    [
        # The default's alone, and a group's own rate stays.
        (record("SGD", **SGD), {"g": record("SGD", **{**SGD, "learning_rate": 0.01})},
         "{learning_rate: 0.5}", {f"{DEFAULT}.learning_rate": (0.1, 0.5)}, ["g: 0.01"]),
        # Equal values go along, also those of another class.
        (record("SGD", **SGD), {"g": record("Adam", **ADAM)},
         "{learning_rate: 0.5}",
         {f"{DEFAULT}.learning_rate": (0.1, 0.5),
          f"{MAP}.optimizer_map.g.learning_rate": (0.1, 0.5)},
         []),
        # A float32 image is the decimal.
        (record("SGD", learning_rate=0.1),
         {"g": record("Adam", learning_rate=0.10000000149011612)},
         "{learning_rate: 0.5}",
         {f"{DEFAULT}.learning_rate": (0.1, 0.5),
          f"{MAP}.optimizer_map.g.learning_rate": (0.1, 0.5)},
         []),
        # What a class does not take, it does not keep either.
        (record("SGD", **SGD), {"g": record("Adam", **ADAM)},
         "{momentum: 0.5}", {f"{DEFAULT}.momentum": (0.9, 0.5)}, []),
        # What is not written is the class's default.
        (record("SGD", learning_rate=0.1),
         {"g": record("SGD", learning_rate=0.01, clipnorm=None), "h": record("SGD", clipnorm=2.0)},
         "{clipnorm: 1.0}",
         {f"{DEFAULT}.clipnorm": (MISSING, 1.0), f"{MAP}.optimizer_map.g.clipnorm": (None, 1.0)},
         ["h: 2.0"]),
        # What a group has already is nothing to tell.
        (record("SGD", **SGD), {"g": record("Adam", learning_rate=0.5)},
         "{learning_rate: 0.5}", {f"{DEFAULT}.learning_rate": (0.1, 0.5)}, []),
        # A float becomes a schedule where it was the default's.
        (record("SGD", **SGD), {"g": record("SGD", **{**SGD, "momentum": 0.0}),
                                "h": record("SGD", learning_rate=0.2)},
         "{learning_rate: {class: CosineDecay, initial_learning_rate: 0.1, decay_steps: 7}}",
         {f"{DEFAULT}.learning_rate", f"{MAP}.optimizer_map.g.learning_rate"}, ["h: 0.2"]),
        # A part of a schedule, in schedules of the same class.
        (record("SGD", learning_rate=decay()),
         {"g": record("SGD", learning_rate=decay(initial_learning_rate=0.01)),
          "h": record("SGD", learning_rate=decay(decay_steps=5)), "i": record("SGD", **SGD)},
         "{learning_rate: {decay_steps: 7}}",
         {f"{DEFAULT}.learning_rate.decay_steps": (1000, 7),
          f"{MAP}.optimizer_map.g.learning_rate.decay_steps": (1000, 7)},
         ["h: 5", "i: 0.1"]),
        # Loss scaling is the whole's.
        (record("SGD", **SGD), {"g": record("SGD", learning_rate=0.01)},
         "{loss_scale_factor: 8.0}", {"optimizer.loss_scale_factor": (None, 8.0)}, []),
    ],
)  # fmt: skip
def test_a_setting_is_the_default_optimizers_and_that_of_groups_that_were_like_it(
    plan: PlanIt, grouped: Any, default: Any, groups: Any, asked: str, expected: Any, kept: Any
) -> None:
    made = plan(grouped(default, **groups), f"compile: {{optimizer: {asked}}}")
    assert (changed(made) if isinstance(expected, dict) else set(changed(made))) == expected
    warned = [line for line in told(made) if line.startswith("groups-keep-their-own")]
    assert len(warned) == bool(kept)
    for part in kept:
        assert part in warned[0]


def test_the_warning_is_at_the_key_and_the_changes_are_at_the_value(
    plan: PlanIt, grouped: Any
) -> None:
    model = grouped(record("SGD", **SGD), g=record("SGD", learning_rate=0.01))
    made = plan(model, "compile:\n  optimizer: {momentum: 0.5,\n    learning_rate: 0.2}")
    places = [(p.source.line, p.source.column) for p in made.warnings if p.source]
    assert places == [(3, 15), (4, 5)]
    assert {change.source.line for change in made.compile_changes} == {3, 4}


@pytest.mark.parametrize("scaled", [False, True])
def test_a_group_that_comes_to_be_like_the_default_joins_it(
    plan: PlanIt, grouped: Any, scaled: bool
) -> None:
    slow, fast = record("SGD", name="s", learning_rate=0.01), record("SGD", learning_rate=0.2)
    model = grouped(record("SGD", name="d", learning_rate=0.1), scaled, slow=slow, fast=fast)
    made = plan(model, "compile: {optimizer: {learning_rate: 0.01}}")
    within = optimizer(made)["config"]["inner_optimizer"] if scaled else optimizer(made)
    assert list(within["config"]["optimizer_map"]["config"]["optimizer_map"]) == ["fast"]
    gone = [change for change in made.compile_changes if change.after is MISSING]
    assert [change.attribute.rpartition(".")[2] for change in gone] == ["slow"]


@pytest.mark.parametrize("scaled", [False, True])
def test_where_all_groups_join_there_is_one_optimizer_again(
    plan: PlanIt, grouped: Any, scaled: bool
) -> None:
    slow = record("SGD", name="s", learning_rate=0.01)
    model = grouped(record("SGD", name="d", learning_rate=0.1), scaled, slow=slow)
    made = plan(model, "compile: {optimizer: {learning_rate: 0.01}}")
    within = optimizer(made)["config"]["inner_optimizer"] if scaled else optimizer(made)
    assert within == record("SGD", name="d", learning_rate=0.01)
    assert list(changed(made)) == ["optimizer.inner_optimizer" if scaled else "optimizer"]


def test_groups_that_were_like_the_default_from_the_start_stay(plan: PlanIt, grouped: Any) -> None:
    twin = record("SGD", name="t", learning_rate=0.1)
    model = grouped(record("SGD", name="d", learning_rate=0.1), twin=twin)
    made = plan(model, "compile: {optimizer: {learning_rate: 0.01}}")
    assert set(changed(made)) == {
        f"{DEFAULT}.learning_rate",
        f"{MAP}.optimizer_map.twin.learning_rate",
    }


def test_a_class_removes_the_groups_and_that_is_told(plan: PlanIt, grouped: Any) -> None:
    model = grouped(record("SGD", **SGD), g=record("SGD", learning_rate=0.01))
    made = plan(model, "compile:\n  optimizer: {class: Adam}")
    assert list(changed(made)) == ["optimizer"]
    assert optimizer(made)["class_name"] == "Adam"
    assert [(p.code, p.source and p.source.line) for p in made.warnings] == [("groups-removed", 3)]
    again = plan(
        model, "compile: {optimizer: {class: Adam}}\noverrides: [{layers: a, learning_rate: 1}]"
    )
    assert "groups-removed" not in [p.code for p in again.warnings]


def test_later_sections_see_what_earlier_ones_made(plan: PlanIt, grouped: Any) -> None:
    model = grouped(record("SGD", **SGD), g=record("SGD", learning_rate=0.01))
    made = plan(
        model,
        "compile: {optimizer: {learning_rate: 0.5}}",
        "compile: {optimizer: {learning_rate: 0.25, momentum: 0.0}}",
    )
    assert changed(made) == {
        f"{DEFAULT}.learning_rate": (0.1, 0.25),
        f"{DEFAULT}.momentum": (0.9, 0.0),
    }


def test_the_rates_that_count_decide_not_those_of_the_config(plan: PlanIt, grouped: Any) -> None:
    """After `ReduceLROnPlateau`, say, the weights hold other rates than an edited config."""
    model = grouped(
        record("SGD", learning_rate=0.1),
        alike=record("Adam", learning_rate=0.7),
        other=record("Adam", learning_rate=0.1),
    )
    stored = {
        DEFAULT: 0.05,
        f"{MAP}.optimizer_map.alike": 0.05,
        f"{MAP}.optimizer_map.other": 0.025,
    }
    made = plan(
        model, "compile: {optimizer: {learning_rate: 0.1}}", group_rates=lambda: stored
    )  # fmt: skip
    assert changed(made) == {
        f"{DEFAULT}.learning_rate": (0.05, 0.1),
        f"{MAP}.optimizer_map.alike.learning_rate": (0.05, 0.1),
    }
    groups = optimizer(made)["config"]["optimizer_map"]["config"]["optimizer_map"]
    assert groups["other"]["config"]["learning_rate"] == 0.025
    assert any("other: 0.025" in line for line in told(made))


def test_what_is_there_already_is_no_change(plan: PlanIt, grouped: Any) -> None:
    model = grouped(record("SGD", **SGD), g=record("Adam", **ADAM))
    made = plan(model, "compile: {optimizer: {learning_rate: 0.1}}")
    assert made.is_noop
    assert [each.attribute for each in made.unchanged] == [f"{DEFAULT}.learning_rate"]
    assert made.after == made.before


def test_one_optimizer_under_two_patterns_stays_one(plan: PlanIt, grouped: Any) -> None:
    shared = {**record("SGD", learning_rate=0.1), "shared_object_id": 7}
    model = grouped(record("Adam", learning_rate=0.1), one=shared, two=dict(shared))
    made = plan(model, "compile: {optimizer: {learning_rate: 0.5}}")
    groups = optimizer(made)["config"]["optimizer_map"]["config"]["optimizer_map"]
    assert groups["one"] == groups["two"]
    assert groups["one"]["shared_object_id"] == 7
    assert groups["one"]["config"]["learning_rate"] == 0.5


@pytest.mark.parametrize("scaled", [False, True])
def test_under_loss_scaling_each_setting_finds_its_owner(
    plan: PlanIt, grouped: Any, scaled: bool
) -> None:
    model = grouped(record("SGD", **SGD), scaled, g=record("SGD", learning_rate=0.1))
    made = plan(model, "compile: {optimizer: {learning_rate: 0.5}}")
    around = "optimizer.inner_optimizer" if scaled else "optimizer"
    assert list(changed(made)) == [
        f"{around}.optimizer_map.default_optimizer.learning_rate",
        f"{around}.optimizer_map.optimizer_map.g.learning_rate",
    ]


def test_a_renamed_layer_and_a_new_rate_go_together(plan: PlanIt, config: Config) -> None:
    model = config("multi")
    held = model["compile_config"]["optimizer"]["config"]["optimizer_map"]["config"]
    held["optimizer_map"] = {
        "(?:multi/)?a/kernel": held["optimizer_map"]["(multi/)?a/.*"],
        "(?:multi/)?b/kernel": {**held["default_optimizer"]},
    }
    made = plan(
        model,
        "overrides: [{layers: b, rename: c}]\ncompile: {optimizer: {learning_rate: 0.5}}",
        group_rates=lambda: {f"{MAP}.optimizer_map.(?:multi/)?b/kernel": 0.001},
    )
    assert {f"{MAP}.optimizer_map.(?:multi/)?c/kernel.learning_rate", MAP} <= set(changed(made))
    groups = optimizer(made)["config"]["optimizer_map"]["config"]["optimizer_map"]
    rates = {name: group["config"]["learning_rate"] for name, group in groups.items()}
    assert rates == {
        "(?:multi/)?a/kernel": pytest.approx(1e-4),
        "(?:multi/)?c/kernel": 0.5,
    }


def test_what_no_optimizer_can_be_meant_by_is_refused(
    plan: PlanIt, refusals: Refusals, grouped: Any
) -> None:
    model = grouped(record("SGD", **SGD), g=record("Adam", **ADAM))
    (line,) = refusals(model, "compile: {optimizer: {beta_1: 0.5}}")
    assert line.startswith("2:23 several-optimizers the default optimizer (SGD) of the ")
    (line,) = refusals(model, "compile: {optimizer: {momentun: 0.5}}")
    assert line.startswith("2:23 unknown-attribute ")
    assert line.endswith("did you mean 'momentum' or 'ema_momentum'?")
    (line,) = refusals(model, "compile: {optimizer: {learning_rate: -1}}")
    assert line.startswith("2:38 out-of-range ")
    chosen = grouped(record("SGD", **SGD))
    chosen["compile_config"]["optimizer"]["config"]["optimizer_map"] = {
        "module": "builtins", "class_name": "function", "config": "choose",
        "registered_name": "function",
    }  # fmt: skip
    (line,) = refusals(chosen, "compile: {optimizer: {learning_rate: 1}}")
    assert "chosen by a function" in line
    assert plan(chosen, "compile: {optimizer: {class: Adam}}").compile_changes


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(?:net/)?a/kernel", "a/kernel"),
        ("(?:net/)?(?:bb/)?conv\\.1/kernel|(?:net/)?b/bias", "bb/conv.1/kernel, b/bias"),
        ("|".join(f"(?:net/)?l{n}/kernel" for n in range(9)),
         "l0/kernel, l1/kernel, l2/kernel and 6 more"),
        (".*/bias", "'.*/bias'"),
        ("(x+)+" * 40, f"'{('(x+)+' * 40)[:59]}…'"),
    ],
)  # fmt: skip
def test_a_group_is_named_by_its_variables(pattern: str, words: str) -> None:
    assert in_words(pattern) == words
