"""Changes of shapes and dtypes: what is lost is said, and what is not said is kept bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

Apply = Callable[..., Any]
Facts = Callable[..., Any]
MakeModel = Callable[..., Path]
Refused = Callable[..., Any]

ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.01}}


@pytest.fixture(scope="module")
def model(make_model: MakeModel) -> Path:
    return make_model("sequential", optimizer=ADAM)


@pytest.fixture(scope="module")
def many(zoo: Mapping[str, Path]) -> Path:
    """A model of many kinds of layers."""
    return zoo["Nadam"]


def other(before: Any, after: Any, what: str = "values") -> set[str]:
    """The names whose values differ, or that are on one side alone."""
    old, new = before[what], after[what]
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def test_a_bias_that_goes_needs_consent_and_one_that_comes_does_not(
    model: Path, apply: Apply, facts: Facts, refused: Refused
) -> None:
    (problem,) = refused(model, "overrides:\n  - layers: b\n    set: {use_bias: false}")
    assert problem.code == "needs-reinitialize"
    assert "bias (4,) goes" in problem.message
    assert problem.source.line in (3, 4)
    without = apply(
        model,
        "overrides: [{layers: b, set: {use_bias: false}, variables: bias, reinitialize: true}]",
    ).path
    again = apply(without, "overrides: [{layers: b, set: {use_bias: true}}]").path
    before, between, after = facts(model), facts(without), facts(again)
    assert between["warnings"] == after["warnings"] == []
    assert other(before, between) == {"b/bias"} == other(between, after)
    assert after["values"]["b/bias"] == [0, 0, 0, 0]
    assert other(before, between, "slots") == {"b/bias momentum", "b/bias velocity"}
    assert after["slots"]["b/bias momentum"] == [0, 0, 0, 0]
    assert after["slots"]["b/kernel momentum"] == before["slots"]["b/kernel momentum"]


def test_every_layer_that_loses_values_is_named_with_both_shapes(
    model: Path, apply: Apply, facts: Facts, refused: Refused
) -> None:
    spec = "overrides:\n  - layers: a\n    set: {units: 6}\n"
    (problem,) = refused(model, spec)
    assert "'a' (kernel (4, 4) becomes (4, 6), bias (4,) becomes (6,))" in problem.message
    assert "'b' (kernel (4, 4) becomes (6, 4))" in problem.message
    assert "'a', 'b'" in problem.help
    (problem,) = refused(model, f"{spec}    reinitialize: true\n")
    assert "'a'" not in problem.message
    assert "'b' (kernel (4, 4) becomes (6, 4))" in problem.message
    assert problem.source.line in (3, 4)
    both = f"{spec}    reinitialize: true\n  - {{layers: b, variables: kernel, reinitialize: true}}"
    before, after = facts(model), facts(apply(model, both).path)
    assert after["warnings"] == []
    assert other(before, after) == {"a/kernel", "a/bias", "b/kernel"}
    assert {name.split()[0] for name in other(before, after, "slots")} == other(before, after)


def test_a_shape_inside_a_backbone_reaches_what_is_behind_it(
    make_model: MakeModel, refused: Refused
) -> None:
    model = make_model("nested", optimizer=ADAM)
    (problem,) = refused(model, "overrides: [{layers: bb/b, set: {units: 5}}]")
    assert "'bb/b' (kernel (4, 4) becomes (4, 5), bias (4,) becomes (5,))" in problem.message
    assert "'a' (kernel (4, 4) becomes (5, 4))" in problem.message
    assert "'bb/a'" not in problem.message


RESHAPING = {
    "conv": ("kernel_size: 3", "(2, 2, 3, 3) becomes (3, 3, 3, 3)"),
    "heads": ("num_heads: 4", "(8, 2, 4) becomes (8, 4, 4)"),
    "lstm": ("units: 5", "(8, 12) becomes (8, 20)"),
}


def test_other_shapes_are_made_by_consent(many: Path, apply: Apply, refused: Refused) -> None:
    overrides = [f"layers: {name}, set: {{{setting}}}" for name, (setting, _) in RESHAPING.items()]
    (problem,) = refused(many, f"overrides: [{', '.join(f'{{{each}}}' for each in overrides)}]")
    assert problem.code == "needs-reinitialize"
    assert [shapes for _, shapes in RESHAPING.values() if shapes not in problem.message] == []
    assert "attention_output/bias" not in problem.message
    consented = ", ".join(f"{{{each}, reinitialize: true}}" for each in overrides)
    done = apply(many, f"overrides: [{consented}]", verify="load")
    fresh = {each.layer for each in done.report.applied.weights.reinitialized}
    assert fresh == RESHAPING.keys()


def test_mixed_precision_leaves_every_variable_as_it_was(
    model: Path, apply: Apply, facts: Facts
) -> None:
    done = apply(model, "overrides: [{layers: [a, b, head], set: {dtype: mixed_float16}}]")
    before, after = facts(model), facts(done.path)
    assert after["warnings"] == []
    assert after["values"] == before["values"]
    assert after["slots"] == before["slots"]
    assert set(after["dtypes"].values()) == {"float32"}
    assert after["outputs"] != before["outputs"]


@pytest.mark.parametrize(
    "dtype",
    [
        "float16",
        "bfloat16",
        pytest.param("float64", marks=pytest.mark.needs_backend("tensorflow", "torch")),
    ],  # JAX has no float64 unless it is told to
)
def test_a_policy_of_another_variable_dtype_casts_variables_and_slots(
    model: Path, apply: Apply, facts: Facts, dtype: str
) -> None:
    import ml_dtypes
    import numpy as np

    done = apply(model, f"overrides: [{{layers: [a, b], set: {{dtype: {dtype}}}}}]")
    before, after = facts(model), facts(done.path)
    assert after["warnings"] == []
    assert {n for n, found in after["dtypes"].items() if found == dtype} == {
        "a/kernel", "a/bias", "b/kernel", "b/bias",
    }  # fmt: skip
    kind = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    for what in ("values", "slots"):
        for name, value in before[what].items():
            expected = np.array(value)
            if not name.startswith("head"):
                expected = expected.astype("float32").astype(kind).astype("float64")
            assert np.array_equal(np.array(after[what][name]), expected), name
    back = facts(apply(done.path, "overrides: [{layers: [a, b], set: {dtype: float32}}]").path)
    assert back["warnings"] == []
    assert set(back["dtypes"].values()) == {"float32"}


def test_adapters_need_no_consent_and_kover_says_that_keras_leaves_them_idle(
    model: Path, apply: Apply, facts: Facts
) -> None:
    done = apply(model, "overrides: [{layers: [a, b], set: {lora_rank: 2}}]")
    before, after = facts(model), facts(done.path)
    assert done.warned.count("idle-adapters") == 2
    assert after["warnings"] == []
    assert {n: v for n, v in after["values"].items() if "lora" not in n} == before["values"]
    assert set(after["trainable"]) == {
        "a/bias", "a/lora_kernel_a", "a/lora_kernel_b",
        "b/bias", "b/lora_kernel_a", "b/lora_kernel_b", "head/kernel", "head/bias",
    }  # fmt: skip
    shared = after["slots"].keys() & before["slots"].keys()
    assert len(shared) == 8
    assert [n for n in shared if after["slots"][n] != before["slots"][n]] == []
    assert not any(map(any, after["after"]["a/lora_kernel_a"]))


@pytest.mark.needs_keras(">=3.15.1")  # the first with MultiOptimizer
def test_an_adapted_model_can_be_changed_again(model: Path, apply: Apply, facts: Facts) -> None:
    adapted = apply(model, "overrides: [{layers: a, set: {lora_rank: 2}}]").path
    done = apply(
        adapted,
        "overrides: [{layers: b, set: {activation: relu}}, {layers: a, learning_rate: 0.001}]",
    )
    before, after = facts(adapted), facts(done.path)
    assert after["warnings"] == []
    assert after["values"] == before["values"]
    assert after["slots"] == before["slots"]
    without = facts(apply(adapted, "overrides: [{layers: a, set: {lora_rank: null}}]").path)
    assert without["warnings"] == []
    assert without["values"] == facts(model)["values"]


def test_the_line_of_the_layer_that_keras_refuses_is_to_blame(many: Path, refused: Refused) -> None:
    (problem,) = refused(
        many,
        "overrides:\n"
        "  - {layers: dense, set: {activation: relu}}\n"
        "  - {layers: conv, set: {groups: 2}}\n"
        "  - {layers: dropout, set: {rate: 0.1}}\n",
    )
    assert problem.code == "keras-refuses-layer"
    assert "'conv'" in problem.message
    assert problem.source.line == 4


def test_each_refused_layer_is_named(many: Path, refused: Refused) -> None:
    problems = refused(
        many,
        "overrides:\n"
        "  - {layers: transposed, set: {padding: causal}}\n"
        "  - {layers: conv, set: {groups: 2}}\n",
    )
    assert {problem.source.line for problem in problems} <= {3, 4}
    assert len(problems) >= 1


def test_layers_that_are_fine_alone_and_do_not_fit_together_are_all_named(
    many: Path, refused: Refused
) -> None:
    (problem,) = refused(
        many,
        "overrides:\n"
        "  - {layers: gru, set: {activation: relu}}\n"
        "  - {layers: shared, set: {units: 5}, reinitialize: true}\n",
    )
    assert problem.code == "keras-refuses-model"
    assert {problem.source.line, *(each.line for each in problem.related)} == {3, 4}
