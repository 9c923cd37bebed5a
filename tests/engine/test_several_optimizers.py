"""A model that has a `MultiOptimizer` already, changed once more; what Keras alone makes of it."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.keras, pytest.mark.needs_keras(">=3.15.1")]

Judge = Callable[..., Any]
Apply = Callable[..., Any]
Facts = Callable[..., Any]
MakeModel = Callable[..., Path]


def record(class_name: str, **config: Any) -> dict[str, Any]:
    return {
        "module": "keras.optimizers", "class_name": class_name, "config": config,
        "registered_name": None,
    }  # fmt: skip


def multi(default: dict[str, Any], groups: dict[str, Any], scaled: bool = False) -> dict[str, Any]:
    held = record("OptimizerMap", default_optimizer=default, optimizer_map=groups)
    made = record("MultiOptimizer", optimizer_map=held, name="several")
    return record("LossScaleOptimizer", inner_optimizer=made) if scaled else made


PLAIN = multi(
    record("SGD", learning_rate=0.5),
    {"(seq/)?a/.*": record("SGD", learning_rate=0.05),
     "(seq/)?b/.*": record("SGD", learning_rate=0.5, clipnorm=100.0)},
)  # fmt: skip
KINDS = {
    "(seq/)?a/.*": record("SGD", learning_rate=0.1, momentum=0.9),
    "(seq/)?b/.*": record("Adam", learning_rate=0.01, beta_1=0.5),
}
MIXED = multi(record("Adam", learning_rate=0.01), KINDS)
SCALED = multi(record("Adam", learning_rate=0.01), KINDS, scaled=True)


def optimizers(found: Any) -> dict[str, tuple[str, float]]:
    """Class and rate of each of the optimizers that do the work, by place."""
    return {
        place: (each["class"], pytest.approx(each["rate"], rel=1e-6))
        for place, each in found["optimizers"].items()
        if each["rate"] is not None
    }


def iterations(found: Any) -> set[int]:
    """The counts of the optimizers that do the work."""
    return {each["iterations"] for each in found["optimizers"].values() if each["rate"] is not None}


def config_of(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))["compile_config"]["optimizer"]


def patterns_of(path: Path) -> list[str]:
    optimizer = config_of(path)
    optimizer = optimizer["config"].get("inner_optimizer", optimizer)
    return list(optimizer["config"]["optimizer_map"]["config"]["optimizer_map"])


def check_rates(judge: Judge, path: Path, asked: Mapping[str, float]) -> None:
    """The step of every variable, now and after two more saves and loads."""
    for found in judge("rates.of_file", path=str(path)):
        assert found["warnings"] == []
        for name, update in found["updates"].items():
            rate = [value for start, value in asked.items() if name.startswith(start)][-1]
            assert update["rate"] == pytest.approx(rate, rel=1e-6), name


def stale(path: Path, rate: float) -> Path:
    """A copy whose config says other learning rates than the weights hold."""
    copy = path.with_name(f"{path.stem}_stale_{rate}.keras")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == "config.json":
                config = json.loads(content)
                held = config["compile_config"]["optimizer"]["config"]["optimizer_map"]["config"]
                for each in (held["default_optimizer"], *held["optimizer_map"].values()):
                    each["config"]["learning_rate"] = rate
                content = json.dumps(config).encode()
            new.writestr(member, content)
    return copy


CHANGES: dict[str, tuple[str, dict[str, float]]] = {
    "the default's rate": ("compile: {optimizer: {learning_rate: 0.25}}", {"": 0.25, "a": 0.05}),
    "another setting": ("compile: {optimizer: {ema_momentum: 0.5}}", {"": 0.5, "a": 0.05}),
    "a rate for a group": ("overrides: [{layers: a, learning_rate: 0.125}]",
                           {"": 0.5, "a": 0.125}),
    "the default's rate, and of that a part": (
        "compile: {optimizer: {learning_rate: 0.25}}\n"
        "overrides: [{layers: head, learning_rate: {multiply: 0.1}}]",
        {"": 0.25, "a": 0.05, "head": 0.025}),
    "a group joins the default": (
        "overrides: [{layers: a, learning_rate: {multiply: 1}}]", {"": 0.5}),
    "rates by depth": (
        "compile: {layer_decay: {rate: 0.5, groups: [a, b, head]}}",
        {"a": 0.125, "b": 0.25, "head": 0.5}),
    "the default comes to a group": (
        "compile: {optimizer: {learning_rate: 0.05}}", {"": 0.05}),
}  # fmt: skip


@pytest.mark.parametrize(("spec", "asked"), CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("wrong", [None, 0.75])
def test_every_variable_moves_by_its_rate(
    make_model: MakeModel,
    judge: Judge,
    apply: Apply,
    spec: str,
    asked: Mapping[str, float],
    wrong: float | None,
) -> None:
    """Also where the config says other rates than those that are stored and count."""
    model = make_model("sequential", optimizer=PLAIN)
    done = apply(model if wrong is None else stale(model, wrong), spec)
    check_rates(judge, done.path, asked)


def test_specs_one_after_the_other_change_what_kover_made(
    make_model: MakeModel, judge: Judge, apply: Apply, facts: Facts
) -> None:
    model = make_model("nested", optimizer=record("SGD", learning_rate=0.5))
    one = apply(model, "overrides: [{layers: [bb, /a], learning_rate: {multiply: 0.1}}]")
    two = apply(one.path, "compile: {optimizer: {learning_rate: 0.25}}")
    assert two.warned == []  # the plan's warnings are its own
    check_rates(judge, two.path, {"": 0.25, "bb": 0.05, "a": 0.05})
    three = apply(two.path, "overrides: [{layers: bb/b, learning_rate: {multiply: 0.1}}]")
    check_rates(judge, three.path, {"": 0.25, "bb/a": 0.05, "a": 0.05, "bb/b": 0.025})
    four = apply(three.path, "overrides: [{layers: '**', learning_rate: {multiply: 1}}]")
    found = facts(four.path)
    assert found["optimizers"][""]["class"] == "SGD"
    assert iterations(found) == iterations(facts(model)) == {3}
    check_rates(judge, four.path, {"": 0.25})


MERGES: dict[str, tuple[str, dict[str, tuple[str, float]]]] = {
    "learning_rate": ("{learning_rate: 1e-3}",
                      {"0.": ("SGD", 0.1), "1.": ("Adam", 1e-3), "2.": ("Adam", 1e-3)}),
    "beta_1": ("{beta_1: 0.8}",
               {"0.": ("SGD", 0.1), "1.": ("Adam", 0.01), "2.": ("Adam", 0.01)}),
    "beta_1 of a group": ("{beta_1: 0.5}", {"0.": ("SGD", 0.1), "1.": ("Adam", 0.01)}),
    "weight_decay": ("{weight_decay: 0.125, clipnorm: 1.0}",
                     {"0.": ("SGD", 0.1), "1.": ("Adam", 0.01), "2.": ("Adam", 0.01)}),
}  # fmt: skip


@pytest.mark.parametrize(("merged", "expected"), MERGES.values(), ids=MERGES.keys())
@pytest.mark.parametrize("scaled", [False, True])
def test_a_merge_keeps_classes_patterns_slots_and_iterations(
    make_model: MakeModel,
    apply: Apply,
    facts: Facts,
    merged: str,
    expected: dict[str, tuple[str, float]],
    scaled: bool,
) -> None:
    model = make_model("sequential", optimizer=SCALED if scaled else MIXED)
    done = apply(model, f"compile: {{optimizer: {merged}}}")
    before, after = facts(model), facts(done.path)
    assert after["warnings"] == []
    inner = "inner." if scaled else ""
    assert optimizers(after) == {f"{inner}{place}": each for place, each in expected.items()}
    assert patterns_of(done.path) == patterns_of(model)[: len(expected) - 1]
    assert after["slots"] == before["slots"]
    assert after["values"] == before["values"]
    assert iterations(after) == iterations(before) == {3}
    state = done.report.applied.optimizer_state
    assert (state.kept, state.reset, state.dropped) == (len(before["slots"]), 0, 0)


def test_each_group_has_its_own_settings_afterwards(make_model: MakeModel, apply: Apply) -> None:
    model = make_model("sequential", optimizer=MIXED)
    done = apply(model, "compile: {optimizer: {weight_decay: 0.125, beta_1: 0.8}}")
    held = config_of(done.path)["config"]["optimizer_map"]["config"]
    parts = [held["default_optimizer"], *held["optimizer_map"].values()]
    assert [part["config"]["weight_decay"] for part in parts] == [0.125, 0.125, 0.125]
    assert [part["config"].get("beta_1") for part in parts] == [0.8, None, 0.5]


@pytest.mark.parametrize("scaled", [False, True])
def test_a_schedule_and_back_keeps_slots_and_iterations(
    make_model: MakeModel, apply: Apply, facts: Facts, judge: Judge, scaled: bool
) -> None:
    model = make_model("sequential", optimizer=SCALED if scaled else MIXED)
    schedule = (
        "{class: InverseTimeDecay, initial_learning_rate: 0.1, decay_steps: 1, decay_rate: 1}"
    )
    there = apply(model, f"compile: {{optimizer: {{learning_rate: {schedule}}}}}")
    inner = "inner." if scaled else ""
    (rates,) = judge("rates.at", path=there.path, iterations=[3])
    assert [rates[f"{inner}{n}."] for n in range(3)] == pytest.approx([0.1, 0.025, 0.025])
    shorter = apply(there.path, "compile: {optimizer: {learning_rate: {decay_rate: 0.0}}}")
    (rates,) = judge("rates.at", path=shorter.path, iterations=[3])
    assert [rates[f"{inner}{n}."] for n in range(3)] == pytest.approx([0.1, 0.1, 0.1])
    back = apply(there.path, "compile: {optimizer: {learning_rate: 0.01}}")
    before, after = facts(model), facts(back.path)
    assert facts(there.path)["slots"] == after["slots"] == before["slots"]
    assert optimizers(after) == optimizers(before)
    assert iterations(facts(there.path)) == iterations(after) == {3}
    assert facts(there.path)["warnings"] == after["warnings"] == []


def test_averages_begin_in_the_groups_that_are_alike(
    make_model: MakeModel, apply: Apply, facts: Facts
) -> None:
    model = make_model("sequential", optimizer=MIXED)
    done = apply(model, "compile: {optimizer: {use_ema: true}}")
    before, after = facts(model), facts(done.path)
    new = after["slots"].keys() - before["slots"].keys()
    assert {name.rpartition(" ")[2] for name in new} == {"average"}
    assert len(new) == len(after["values"])
    assert all(after["slots"][name] == values for name, values in before["slots"].items())


def test_a_class_takes_the_place_of_all_and_slots_of_the_same_meaning_survive(
    make_model: MakeModel, apply: Apply, facts: Facts
) -> None:
    model = make_model("sequential", optimizer=MIXED)
    done = apply(model, "compile: {optimizer: {class: AdamW, learning_rate: 0.001}}")
    before, after = facts(model), facts(done.path)
    assert optimizers(after) == {"": ("AdamW", 0.001)}
    assert iterations(after) == {3}
    kept = [name for name in before["slots"] if not name.startswith("a/")]
    assert len(kept) == 8
    assert all(after["slots"][name] == before["slots"][name] for name in kept)
    state = done.report.applied.optimizer_state
    assert (state.kept, state.reset, state.dropped) == (8, 4, 2)


@pytest.mark.parametrize("scaled", [False, True])
def test_groups_that_rates_leave_alone_keep_their_patterns(
    make_model: MakeModel, apply: Apply, facts: Facts, scaled: bool
) -> None:
    model = make_model("sequential", optimizer=SCALED if scaled else MIXED)
    done = apply(model, "overrides: [{layers: [b, head], variables: bias, learning_rate: 0.02}]")
    assert patterns_of(done.path)[0] == "(seq/)?a/.*"
    before, after = facts(model), facts(done.path)
    classes = Counter(class_name for class_name, _ in optimizers(after).values())
    assert classes == {"Adam": 4, "SGD": 1}
    assert after["slots"] == before["slots"]
    assert iterations(after) == {3}


def test_a_group_that_goes_leaves_the_others_what_they_had(
    make_model: MakeModel, apply: Apply, facts: Facts
) -> None:
    """Keras knows them by number, and the numbers change."""
    nadam = record("Nadam", learning_rate=0.3)
    optimizer = multi(
        record("Adam", learning_rate=0.01),
        {"(seq/)?a/.*": record("Adam", learning_rate=0.2), "(seq/)?b/.*": nadam},
    )
    model = make_model("sequential", optimizer=optimizer)
    done = apply(model, "overrides: [{layers: a, learning_rate: {multiply: 1}}]")
    before, after = facts(model), facts(done.path)
    assert optimizers(after) == {"0.": ("Nadam", 0.3), "1.": ("Adam", 0.01)}
    name = after["optimizers"]["0."]["name"]  # the file has none: Keras counts in its process
    assert after["optimizers"]["0."] == {**before["optimizers"]["1."], "name": name}
    assert after["slots"] == before["slots"]


@pytest.mark.parametrize("scaled", [False, True])
def test_without_keras_every_copy_of_a_changed_rate_is_written_and_no_other(
    make_model: MakeModel, apply: Apply, facts: Facts, scaled: bool
) -> None:
    from kover.archive.reader import open_archive

    model = make_model("sequential", optimizer=SCALED if scaled else MIXED)
    spec = "compile: {optimizer: {learning_rate: 0.001}}"
    built, edited = apply(model, spec), apply(model, spec, verify="none")

    def arrays(path: Path) -> dict[str, bytes]:
        with open_archive(path) as archive:
            weights = archive.weights()
            assert weights is not None
            return {name: b"".join(weights.chunks(a)) for name, a in weights.arrays.items()}

    assert arrays(edited.path) == arrays(built.path)
    moved = [n for n, value in arrays(model).items() if value != arrays(edited.path)[n]]
    assert len(moved) == (6 if scaled else 4)
    assert facts(edited.path)["optimizers"] == facts(built.path)["optimizers"]
    assert config_of(edited.path) == config_of(built.path)


@pytest.mark.parametrize(
    "spec",
    ["compile: {optimizer: {beta_1: 0.5}}", "compile: {optimizer: {class: Adam}}"],
)
def test_without_keras_groups_cannot_change(
    make_model: MakeModel, refused: Callable[..., Any], spec: str
) -> None:
    model = make_model("sequential", optimizer=MIXED)
    (problem,) = refused(model, spec, verify="none")
    assert problem.code == "needs-keras"
    assert problem.source.line == 2


def test_the_report_tells_rates_by_layer_and_who_keeps_what(
    make_model: MakeModel, apply: Apply
) -> None:
    model = make_model("sequential", optimizer=MIXED)
    done = apply(model, "compile: {optimizer: {learning_rate: 0.001}}")
    rates = {each.where: (each.before, each.after) for each in done.report.effective.learning_rates}
    assert rates == {"a": (0.1, 0.1), "b, head": (0.01, 0.001)}
    warnings = {each.code: each for each in done.report.applied.plan.warnings}
    warnings.pop("torch-optimizer", None)
    (kept,) = warnings.values()
    assert kept.code == "groups-keep-their-own"
    assert "'(seq/)?a/.*': 0.1" in kept.message
    changed = {(None, change.attribute) for change in done.report.diff.compile}
    assert len(changed) == 2
    assert changed <= done.report.applied.sources.keys()
