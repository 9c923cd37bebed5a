"""Each variable trains with the rate that was asked for: here, and wherever the file is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras
in_groups = pytest.mark.needs_keras(">=3.15.1")  # the first with MultiOptimizer

Judge = Callable[..., Any]
Apply = Callable[..., Any]
MakeModel = Callable[..., Path]

SGD = {"class_name": "SGD", "config": {"learning_rate": 0.5}}
DECAYING = {"class_name": "SGD", "config": {"learning_rate": 0.5, "weight_decay": 0.25}}

# spec, what it asks for: glob of variables to (learning rate, weight decay), later ones win
ASKED: dict[str, tuple[str, Any, str, Mapping[str, tuple[float, float]]]] = {
    "one layer slower": (
        "sequential",
        SGD,
        "overrides: [{layers: a, learning_rate: {multiply: 0.1}}]",
        {"*": (0.5, 0), "a/*": (0.05, 0)},
    ),
    "an absolute rate, and a later rule that wins": (
        "sequential",
        SGD,
        "overrides: [{layers: '*', learning_rate: 0.25}, {layers: b, learning_rate: 0.125}]",
        {"*": (0.25, 0), "b/*": (0.125, 0)},
    ),
    "kernels alone": (
        "sequential",
        SGD,
        "overrides: [{layers: [a, head], variables: kernel, learning_rate: {multiply: 0.01}}]",
        {"*": (0.5, 0), "a/kernel": (0.005, 0), "head/kernel": (0.005, 0)},
    ),
    "variables by a list of globs": (
        "mixed",
        SGD,
        "overrides: [{layers: '*', variables: ['gam*', 'bet?', 'emb*'], learning_rate: 0.0625}]",
        {"*": (0.5, 0), "norm/*": (0.0625, 0), "words/*": (0.0625, 0)},
    ),
    "no decay of biases": (
        "sequential",
        DECAYING,
        "overrides: [{layers: '*', variables: bias, weight_decay: 0}]",
        {"*": (0.5, 0.25), "*bias": (0.5, 0)},
    ),
    "decay of one layer": (
        "sequential",
        SGD,
        "overrides: [{layers: a, weight_decay: 0.5}]",
        {"*": (0.5, 0), "a/*": (0.5, 0.5)},
    ),
    "rate and decay of overlapping layers": (
        "sequential",
        DECAYING,
        "overrides: [{layers: [a, b], learning_rate: {multiply: 0.5}}, "
        "{layers: [b, head], weight_decay: {multiply: 2}}]",
        {"*": (0.5, 0.5), "a/*": (0.25, 0.25), "b/*": (0.25, 0.5)},
    ),
    "a whole backbone": (
        "nested",
        SGD,
        "overrides: [{layers: [bb, /a], learning_rate: {multiply: 0.1}}]",
        {"*": (0.5, 0), "bb/*": (0.05, 0), "a/*": (0.05, 0)},
    ),
    "one layer of a backbone": (
        "nested",
        SGD,
        "overrides: [{layers: bb/b, learning_rate: 0.125}]",
        {"*": (0.5, 0), "bb/b/*": (0.125, 0)},
    ),
    "a Sequential in a Sequential": (
        "stacked",
        SGD,
        "overrides: [{layers: inner, learning_rate: 0.125}, {layers: inner/b, weight_decay: 1}]",
        {"*": (0.5, 0), "inner/a/*": (0.125, 0), "inner/b/*": (0.125, 1)},
    ),
    "wrappers, and one of the layers in them": (
        "wrapped",
        SGD,
        "overrides: [{layers: td, learning_rate: 0.0625}, {layers: bi, learning_rate: 0.125}, "
        "{layers: bi/backward_lstm, learning_rate: 0.25}]",
        {"*": (0.5, 0), "td/*": (0.0625, 0), "bi/*": (0.125, 0), "bi/*#2": (0.25, 0)},
    ),
    "rates by depth": (
        "sequential",
        SGD,
        "compile: {layer_decay: {rate: 0.5, groups: [a, b, head]}}",
        {"a/*": (0.125, 0), "b/*": (0.25, 0), "head/*": (0.5, 0)},
    ),
    "rates by depth, not below a floor": (
        "nested",
        SGD,
        "compile: {layer_decay: {rate: 0.1, floor: 0.05, groups: [[bb/a, /a], bb/b, head]}}",
        {"bb/a/*": (0.025, 0), "a/*": (0.025, 0), "bb/b/*": (0.05, 0), "head/*": (0.5, 0)},
    ),
}


def wanted(asked: Mapping[str, tuple[float, float]], name: str) -> tuple[float, float]:
    return [rates for glob, rates in asked.items() if fnmatchcase(name, glob)][-1]


def check_updates(found: Any, asked: Mapping[str, tuple[float, float]]) -> None:
    for name, update in found.items():
        rate, decay = wanted(asked, name)
        assert update["rate"] == pytest.approx(rate, rel=1e-6), name
        assert update["decay"] == pytest.approx(rate * decay, rel=1e-6, abs=1e-9), name


@in_groups
@pytest.mark.parametrize(("kind", "optimizer", "spec", "asked"), ASKED.values(), ids=ASKED.keys())
def test_every_variable_moves_by_its_rate_now_and_after_two_more_saves_and_in_the_authors_code(
    kind: str,
    optimizer: Any,
    spec: str,
    asked: Mapping[str, tuple[float, float]],
    make_model: MakeModel,
    judge: Judge,
    apply: Apply,
) -> None:
    done = apply(make_model(kind, optimizer=optimizer), spec)
    for found in judge("rates.of_file", path=str(done.path)):
        assert found["warnings"] == []
        check_updates(found["updates"], asked)
    by_code = judge("rates.built_by_code", path=str(done.path), kind=kind)
    if kind != "nested":  # only a Sequential puts its name before its layers' variables
        assert all(path.count("/") > 1 for path in by_code["paths"])
    check_updates(by_code["updates"], asked)


@in_groups
def test_the_report_knows_each_rate(make_model: MakeModel, apply: Apply) -> None:
    done = apply(
        make_model("sequential", optimizer=SGD),
        "overrides: [{layers: a, learning_rate: {multiply: 0.1}}]",
    )
    rates = {each.where: (each.before, each.after) for each in done.report.effective.learning_rates}
    assert rates == {"a": (0.5, 0.05), "b, head": (0.5, 0.5)}
    assert done.warned == ["several-learning-rates"]


@in_groups
def test_patterns_never_meet(make_model: MakeModel, apply: Apply) -> None:
    """Whatever a variable is called in another process, at most one optimizer takes it."""
    import zipfile

    done = apply(
        make_model("nested", optimizer=SGD),
        "compile: {layer_decay: {rate: 0.1, groups: [[bb/a, /a], bb/b, head]}}",
    )
    with zipfile.ZipFile(done.path) as archive:
        config = json.loads(archive.read("config.json"))
    groups = config["compile_config"]["optimizer"]["config"]["optimizer_map"]["config"]
    patterns = list(groups["optimizer_map"])
    assert len(patterns) == 2
    for around in ("", "net/", "bb/", "net/bb/"):
        for layer in ("a", "b", "head"):
            for name in ("kernel", "bias"):
                path = f"{around}{layer}/{name}"
                assert sum(bool(re.fullmatch(each, path)) for each in patterns) <= 1, path


SCHEDULES = {
    "ExponentialDecay": "initial_learning_rate: 0.5, decay_steps: 10, decay_rate: 0.5",
    "InverseTimeDecay": "initial_learning_rate: 0.5, decay_steps: 10, decay_rate: 0.5",
    "PolynomialDecay": "initial_learning_rate: 0.5, decay_steps: 40, end_learning_rate: 0.1",
    "CosineDecay": "initial_learning_rate: 0.1, decay_steps: 40, warmup_target: 0.5, "
    "warmup_steps: 10",
    "CosineDecayRestarts": "initial_learning_rate: 0.5, first_decay_steps: 20",
    "PiecewiseConstantDecay": "boundaries: [5, 20], values: [0.5, 0.2, 0.1]",
}


@in_groups
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_scaled_at_every_step(
    name: str, make_model: MakeModel, judge: Judge, apply: Apply
) -> None:
    spec = (
        f"compile: {{optimizer: {{learning_rate: {{class: {name}, {SCHEDULES[name]}}}}}}}\n"
        "overrides: [{layers: a, learning_rate: {multiply: 0.25}}]"
    )
    done = apply(make_model("sequential", optimizer=SGD), spec)
    for rates in judge("rates.at", path=done.path, iterations=[0, 3, 7, 15, 30, 100]):
        assert rates["0."] == pytest.approx(0.25 * rates["1."], rel=1e-6)


@in_groups
def test_the_stored_rate_is_what_is_multiplied_not_a_stale_one_in_the_config(
    make_model: MakeModel, judge: Judge, apply: Apply
) -> None:
    stale = judge(
        "traps.edited_file", path=str(make_model("sequential", optimizer=SGD)), edit="lower_rate"
    )
    done = apply(Path(stale), "overrides: [{layers: a, learning_rate: {multiply: 0.1}}]")
    (found,) = judge("rates.of_file", path=str(done.path), cycles=0)
    check_updates(found["updates"], {"*": (0.5, 0), "a/*": (0.05, 0)})


@in_groups
def test_a_plateau_lowers_every_rate_and_keras_saves_that(
    make_model: MakeModel, judge: Judge, apply: Apply
) -> None:
    done = apply(
        make_model("sequential", optimizer=SGD),
        "overrides: [{layers: a, learning_rate: {multiply: 0.1}}]",
    )
    found = judge("rates.plateau", path=str(done.path))
    assert found["before"] == found["after"]


def test_without_an_optimizer_there_is_no_rate(
    make_model: MakeModel, refused: Callable[..., Any]
) -> None:
    model = make_model("sequential", optimizer=None)
    (problem,) = refused(model, "overrides:\n  - layers: a\n    learning_rate: 0.1")
    assert problem.code == "not-compiled"
    assert problem.source.line in (3, 4)


def test_a_frozen_layer_has_nothing_to_rate(
    make_model: MakeModel, refused: Callable[..., Any]
) -> None:
    model = make_model("sequential", optimizer=SGD, frozen=["a"])
    (problem,) = refused(
        model, "overrides:\n  - {layers: a, learning_rate: 0.1}\n  - {layers: b, weight_decay: 0}"
    )
    assert problem.code == "rate-without-variables"
    assert problem.source.line == 3


def test_a_glob_over_variables_that_no_layer_has_rates_nothing(
    make_model: MakeModel, refused: Callable[..., Any]
) -> None:
    model = make_model("sequential", optimizer=SGD)
    (problem,) = refused(model, "overrides: [{layers: a, variables: gamma, learning_rate: 0.1}]")
    assert problem.code == "rate-without-variables"


def test_two_layers_of_one_name_cannot_have_different_rates(
    make_model: MakeModel, refused: Callable[..., Any]
) -> None:
    model = make_model("nested", optimizer=SGD)
    (problem,) = refused(
        model, "overrides:\n  - {layers: head, learning_rate: 1}\n"
        "  - {layers: /a, learning_rate: 0.1}"
    )  # fmt: skip
    assert problem.code == "indistinguishable-variables"
    assert "'bb/a/kernel'" in problem.message
    assert problem.source.line == 4


@pytest.mark.parametrize("rate", ["weight_decay: {multiply: 2}"])
def test_nothing_cannot_be_multiplied(
    make_model: MakeModel, refused: Callable[..., Any], rate: str
) -> None:
    model = make_model("sequential", optimizer=SGD)
    problems = refused(model, f"overrides: [{{layers: a, {rate}}}]")
    assert {problem.code for problem in problems} == {"not-scalable"}
    assert len(problems) == 1


@in_groups
def test_what_means_something_else_by_groups_is_said(
    make_model: MakeModel, apply: Apply, facts: Callable[..., Any]
) -> None:
    model = make_model(
        "sequential",
        optimizer={
            "class_name": "SGD",
            "config": {"learning_rate": 0.5, "global_clipnorm": 1.0,
                       "gradient_accumulation_steps": 2},
        },
    )  # fmt: skip
    done = apply(model, "overrides: [{layers: a, learning_rate: {multiply: 0.1}}]")
    assert done.warned == ["clips-by-group", "accumulates-by-group", "several-learning-rates"]
    assert facts(done.path)["warnings"] == []


def test_one_rate_for_all_needs_no_groups_and_warns_of_none(
    make_model: MakeModel, apply: Apply, facts: Callable[..., Any]
) -> None:
    model = make_model("sequential", optimizer=SGD)
    for factor in (1, 0.5):
        done = apply(model, f"overrides: [{{layers: '*', learning_rate: {{multiply: {factor}}}}}]")
        optimizer = facts(done.path)["optimizers"][""]
        assert optimizer["class"] == "SGD"
        assert optimizer["rate"] == 0.5 * factor
        assert "several-learning-rates" not in done.warned


@pytest.mark.needs_keras("<3.15.1")
def test_an_older_keras_is_told_what_it_lacks(
    make_model: MakeModel, refused: Callable[..., Any]
) -> None:
    model = make_model("sequential", optimizer=SGD)
    (problem,) = refused(model, "overrides:\n  - {layers: a, learning_rate: 0.1}")
    assert problem.code == "keras-too-old"
    assert problem.source.line == 3
    assert "3.15.1 or newer" in str(problem.help)
