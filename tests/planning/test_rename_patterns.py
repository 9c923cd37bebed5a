"""The patterns of a MultiOptimizer after a `rename`: kover's own follow, others must not change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.modelconfig.tree import ModelTree, read_tree
from kover.planning.plan import Plan
from kover.planning.renamed_patterns import _matcher, _Spelled, follow_patterns

PlanIt = Callable[..., Plan]
CONFIGS = Path(__file__).with_name("configs")


@pytest.fixture
def tree() -> Callable[[str], ModelTree]:
    return lambda name: read_tree(json.loads((CONFIGS / f"{name}.json").read_text()))


@pytest.mark.parametrize(
    ("model", "names", "pattern", "expected"),
    [
        ("flowers", {"hidden": "h2"},
         "(?:flowers/)?hidden/kernel|(?:flowers/)?predictions/bias",
         "(?:flowers/)?h2/kernel|(?:flowers/)?predictions/bias"),
        ("flowers", {"backbone/conv1": "c.1"},
         "(?:flowers/)?(?:backbone/)?conv1/kernel", r"(?:flowers/)?(?:backbone/)?c\.1/kernel"),
        ("flowers", {"backbone": "the trunk"},
         "(?:flowers/)?(?:backbone/)?conv1/kernel",
         r"(?:flowers/)?(?:the\ trunk/)?conv1/kernel"),
        ("flowers", {"backbone": "b", "backbone/conv1": "c"},
         "(?:flowers/)?(?:backbone/)?conv1/kernel", "(?:flowers/)?(?:b/)?c/kernel"),
        ("mixed", {"bi": "both", "bi/forward_lstm": "forward_x"},
         "(?:mixed/)?(?:bi/)?forward_lstm/lstm_cell/kernel",
         "(?:mixed/)?(?:both/)?forward_x/lstm_cell/kernel"),
        ("mixed", {"/d": "e"}, "(?:mixed/)?d/kernel", "(?:mixed/)?d/kernel"),
        ("mixed", {"bb/d": "e"}, "(?:mixed/)?d/kernel|(?:mixed/)?(?:bb/)?d/bias",
         "(?:mixed/)?d/kernel|(?:mixed/)?(?:bb/)?e/bias"),
        ("flowers", {"hidden": "dropout_2"}, ".*/bias", ".*/bias"),
        ("flowers", {"hidden": "dense"}, "backbone/.*", "backbone/.*"),
    ],
)  # fmt: skip
def test_a_pattern_follows_as_far_as_it_names_a_layer(
    tree: Callable[[str], ModelTree],
    model: str,
    names: dict[str, str],
    pattern: str,
    expected: str,
) -> None:
    assert follow_patterns([pattern], tree(model), names).patterns == {pattern: expected}


@pytest.mark.parametrize(
    ("names", "patterns", "misled"),
    [
        ({"hidden": "h2"}, ["(?:flowers/)?hidden/kernel"], []),
        ({"hidden": "h2"}, ["(?:flowers/)?hidden/bias", ".*/kernel"], []),
        ({"hidden": "h2"}, ["hidden/kernel"], ["hidden/kernel"]),
        ({"hidden": "h2"}, ["hidden/.*", "pre.*"], ["hidden/.*"]),
        ({"hidden": "prelude"}, ["hidden/.*", "pre.*"], ["hidden/.*", "pre.*"]),
        ({"hidden": "hide"}, ["hid.*"], []),
        ({"hidden": "h2"}, ["(?!hidden).*"], ["(?!hidden).*"]),
        ({"backbone": "trunk"}, ["backbone/.*"], ["backbone/.*"]),
        ({"backbone": "trunk"}, ["conv.*"], []),
        # Another model's name before it: not what kover writes for this one.
        ({"hidden": "h2"}, ["(?:other/)?hidden/kernel"], ["(?:other/)?hidden/kernel"]),
        # Two layers of one name cannot be told apart in a loaded model.
        ({"hidden": "conv1"}, ["(?:flowers/)?hidden/kernel"], ["(?:flowers/)?hidden/kernel"]),
        ({"hidden": "conv1"}, ["(?:flowers/)?(?:backbone/)?conv1/kernel"],
         ["(?:flowers/)?(?:backbone/)?conv1/kernel"]),
        # What cannot be matched in no time is not matched at all.
        ({"hidden": "h2"}, ["(.*)*x"], ["(.*)*x"]),
        ({"hidden": "h2"}, ["a?a?a?a?a?aaaaa"], ["a?a?a?a?a?aaaaa"]),
        ({"hidden": "h2"}, ["("], ["("]),
    ],
)  # fmt: skip
def test_a_pattern_that_would_mean_other_variables_is_found(
    tree: Callable[[str], ModelTree], names: dict[str, str], patterns: list[str], misled: list[str]
) -> None:
    assert list(follow_patterns(patterns, tree("flowers"), names).misled) == misled


STEPS = st.lists(st.sampled_from(["m", "a", "b.", "c"]), min_size=1, max_size=4)


@given(st.lists(st.tuples(STEPS, STEPS), min_size=1, max_size=3), st.lists(STEPS, max_size=5))
def test_a_spelled_out_pattern_is_matched_as_keras_matches_it(
    spelled: list[tuple[list[str], list[str]]], paths: list[list[str]]
) -> None:
    found = tuple(_Spelled(tuple(around), tuple(path)) for around, path in spelled)
    pattern = "|".join(map(str, found))
    matches = _matcher(pattern, found)
    assert matches is not None
    whole = ["/".join([*around, *path]) for around, path in spelled]
    for path in [*whole, *map("/".join, paths)]:
        assert matches(path) == (re.fullmatch(pattern, path) is not None)


def test_a_hostile_pattern_costs_no_time(tree: Callable[[str], ModelTree]) -> None:
    pattern = "(?:" * 50 + "h" + "+)" * 50
    found = follow_patterns([pattern, "(?:h/)?" * 40 + "x"], tree("flowers"), {"hidden": "h" * 90})
    assert len(found.misled) == 2


def grouped(model: dict[str, Any], *patterns: str, scaled: bool = False) -> dict[str, Any]:
    """The config, compiled with a MultiOptimizer."""

    def record(class_name: str, **config: Any) -> dict[str, Any]:
        module = "keras.optimizers"
        return {"module": module, "class_name": class_name, "config": config,
                "registered_name": None}  # fmt: skip

    groups = {p: record("Adam", name=f"group_{n}") for n, p in enumerate(patterns)}
    of_map = record("OptimizerMap", default_optimizer=record("SGD"), optimizer_map=groups)
    optimizer = record("MultiOptimizer", optimizer_map=of_map, name="multi")
    if scaled:
        optimizer = record("LossScaleOptimizer", inner_optimizer=optimizer)
    return {**model, "compile_config": {**model["compile_config"], "optimizer": optimizer}}


@pytest.mark.parametrize("scaled", [False, True])
def test_the_optimizer_of_the_plan_has_the_new_patterns(
    plan: PlanIt, config: Callable[[str], dict[str, Any]], scaled: bool
) -> None:
    patterns = ("(?:flowers/)?hidden/kernel|(?:flowers/)?hidden/bias", ".*gamma")
    model = grouped(config("flowers"), *patterns, scaled=scaled)
    made: Any = plan(model, "overrides:\n- {layers: hidden, rename: h2}")
    optimizer = made.after["compile_config"]["optimizer"]["config"]
    optimizer = optimizer["inner_optimizer"]["config"] if scaled else optimizer
    groups = optimizer["optimizer_map"]["config"]["optimizer_map"]
    assert list(groups) == ["(?:flowers/)?h2/kernel|(?:flowers/)?h2/bias", ".*gamma"]
    assert [group["config"]["name"] for group in groups.values()] == ["group_0", "group_1"]
    (change,) = made.compile_changes
    inner = ".inner_optimizer" if scaled else ""
    assert (change.attribute, change.source.line) == (f"optimizer{inner}.optimizer_map", 3)
    back = plan(made.after, "overrides:\n- {layers: h2, rename: hidden}")
    assert back.after == model


def test_an_optimizer_that_is_replaced_cannot_be_misled(plan: PlanIt) -> None:
    text = "overrides:\n- {layers: a, rename: z}\ncompile: {optimizer: {class: AdamW}}"
    made: Any = plan("multi", text)
    assert made.renamed == {"a": "z"}
    assert made.after["compile_config"]["optimizer"]["class_name"] == "AdamW"
    assert [change.attribute for change in made.compile_changes] == ["optimizer"]
