"""What people try, what it does, and that kover does what they wanted.

Each test shows with Keras alone that the usual way fails, and then that a file written by kover,
loaded by Keras alone, is as it was meant to be.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras
in_groups = pytest.mark.needs_keras(">=3.15.1")  # the first with MultiOptimizer

Judge = Callable[..., Any]
Apply = Callable[..., Any]
Facts = Callable[..., Any]
MakeModel = Callable[..., Path]

ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.01}}
SGD = {"class_name": "SGD", "config": {"learning_rate": 0.01}}


@pytest.fixture(scope="module")
def model(make_model: MakeModel) -> Path:
    """Two hidden layers `a` and `b`, and a head; trained with Adam."""
    return make_model("sequential", optimizer=ADAM)


def moved(facts: Any) -> dict[str, float]:
    """How far each variable moved in a step."""
    return {
        name: max(abs(x - y) for x, y in zip(flat(old), flat(facts["after"][name]), strict=True))
        for name, old in facts["values"].items()
    }


def flat(value: Any) -> list[float]:
    return [x for each in value for x in flat(each)] if isinstance(value, list) else [value]


def kept(before: Any, after: Any) -> int:
    """How many slots are what they were; fresh ones are zero."""
    for name, slot in after["slots"].items():
        assert slot == before["slots"].get(name) or not any(flat(slot)), name
    return sum(slot == before["slots"].get(name) for name, slot in after["slots"].items())


@in_groups
def test_scaling_the_optimizers_weights_fails_and_a_rate_for_the_layer_scales_its_steps(
    make_model: MakeModel, judge: Judge, apply: Apply, facts: Facts
) -> None:
    model = make_model("sequential", optimizer=SGD)
    said = judge("traps.scale_optimizer_weights", path=model)
    assert "has no attribute 'get_weights'" in said
    slower = facts(apply(model, "overrides: [{layers: a, learning_rate: {multiply: 0.1}}]").path)
    before, after = moved(facts(model)), moved(slower)
    assert slower["warnings"] == []
    for name in ("a/kernel", "a/bias"):
        assert after[name] == pytest.approx(0.1 * before[name], rel=1e-2)
    for name in ("b/kernel", "head/kernel", "head/bias"):
        assert after[name] == pytest.approx(before[name], rel=1e-4)


def test_setting_a_regularizer_does_nothing_until_a_save_and_load_and_kovers_counts_at_once(
    model: Path, judge: Judge, apply: Apply, facts: Facts
) -> None:
    trap = judge("traps.set_regularizer", path=model)
    assert trap == {"set": 0, "compiled": 0, "config": True, "loaded": 1}
    done = facts(
        apply(model, "overrides: [{layers: a, set: {kernel_regularizer: {l1: 0.01}}}]").path
    )
    before = facts(model)
    assert done["warnings"] == before["losses"] == []
    penalty = 0.01 * sum(map(abs, flat(before["values"]["a/kernel"])))
    assert done["losses"] == pytest.approx([penalty], rel=1e-5)
    assert kept(before, done) == 12
    assert done["values"] == before["values"]


@pytest.mark.needs_backend("tensorflow", "jax")  # torch traces nothing
def test_setting_an_activation_leaves_predict_as_it_was_and_kovers_reaches_predict(
    model: Path, judge: Judge, apply: Apply, facts: Facts
) -> None:
    trap = judge("traps.set_activation", path=model)
    assert trap["eager"] > 0.01
    assert trap["predict"] == 0
    done = apply(model, "overrides: [{layers: head, set: {activation: sigmoid}}]").path
    predicted = judge("traps.predicted", path=done)
    assert predicted == facts(done)["outputs"]
    assert sum(predicted[0]) != pytest.approx(sum(facts(model)["outputs"][0]), abs=1e-3)
    assert kept(facts(model), facts(done)) == 12


def test_setting_the_rate_of_an_idle_dropout_fails_in_training_and_kovers_drops(
    make_model: MakeModel, judge: Judge, apply: Apply, facts: Facts
) -> None:
    model = make_model("nested", optimizer=ADAM)
    assert "no attribute 'seed_generator'" in judge("traps.set_rate", path=model)
    done = apply(model, "overrides: [{layers: drop, set: {rate: 0.5}}]").path
    assert judge("traps.dropped", path=model) == 0
    assert 0.45 < judge("traps.dropped", path=done) < 0.55
    assert facts(done)["warnings"] == []
    assert kept(facts(model), facts(done)) == 16


@pytest.mark.needs_backend("tensorflow")  # JAX refuses to train such a model, torch freezes it
def test_freezing_without_compile_trains_on_and_kovers_stands_still(
    model: Path, judge: Judge, apply: Apply, facts: Facts
) -> None:
    trap = judge("traps.set_trainable", path=model)
    assert trap["set"] > 0
    assert trap["compiled"] == 0
    done = facts(apply(model, "overrides: [{layers: a, set: {trainable: false}}]").path)
    still = {name for name, distance in moved(done).items() if distance == 0}
    assert still == {"a/kernel", "a/bias"}


@pytest.mark.parametrize("verify", ["none", "build", "load"])
def test_a_learning_rate_in_the_config_loads_as_the_old_one_and_kovers_is_the_new_one(
    model: Path, judge: Judge, apply: Apply, facts: Facts, verify: str
) -> None:
    trap = judge("traps.after_edit", path=str(model), edit="lower_rate", steps=0)
    assert trap["warnings"] == []
    assert trap["optimizers"][""]["rate"] == pytest.approx(0.01)
    spec = "compile: {optimizer: {learning_rate: 1e-5}}"
    done = facts(apply(model, spec, verify=verify).path)
    assert done["warnings"] == []
    assert done["optimizers"][""]["rate"] == pytest.approx(1e-5, rel=1e-6)
    assert kept(facts(model), done) == 12
    assert max(moved(done).values()) < 1.1e-5 < max(moved(facts(model)).values())


def test_freezing_in_the_config_resets_the_optimizer_and_kovers_resets_nothing(
    model: Path, judge: Judge, apply: Apply, facts: Facts
) -> None:
    trap = judge("traps.after_edit", path=str(model), edit="freeze_a")
    assert "Skipping variable loading" in trap["warnings"][0]
    assert trap["optimizers"][""]["iterations"] == 0
    assert kept(facts(model), trap) == 0
    done = facts(apply(model, "overrides: [{layers: a, set: {trainable: false}}]").path)
    assert done["warnings"] == []
    assert done["optimizers"][""]["iterations"] == 3
    assert kept(facts(model), done) == len(done["slots"]) == 8


def test_slots_of_a_frozen_layer_go_to_another_of_the_same_shapes_and_kover_starts_them_fresh(
    make_model: MakeModel, judge: Judge, apply: Apply, facts: Facts
) -> None:
    model = make_model("sequential", optimizer=ADAM, frozen=["a"])
    before = facts(model)
    trap = judge("traps.after_edit", path=str(model), edit="freeze_b_and_thaw_a")
    assert trap["warnings"] == []
    assert trap["slots"]["a/kernel momentum"] == before["slots"]["b/kernel momentum"]
    done = facts(
        apply(
            model,
            "overrides: [{layers: a, set: {trainable: true}}, "
            "{layers: b, set: {trainable: false}}]",
        ).path
    )
    assert done["warnings"] == []
    assert not any(flat(done["slots"]["a/kernel momentum"]))
    assert kept(before, done) == 4


@pytest.mark.parametrize(
    ("kind", "name", "flag"), [("stacked", "inner", True), ("nested", "bb", False)]
)
def test_freezing_a_nested_model_in_the_config_freezes_nothing_and_kovers_freezes_all_of_it(
    make_model: MakeModel,
    judge: Judge,
    apply: Apply,
    facts: Facts,
    kind: str,
    name: str,
    flag: bool,
) -> None:
    model = make_model(kind, optimizer=ADAM)
    edit = f"freeze_{name}"
    trap = judge("traps.after_edit", path=str(model), edit=edit)
    assert judge("traps.trainable_flag", path=str(model), edit=edit, name=name) is flag
    assert trap["trainable"] == facts(model)["trainable"]
    assert min(moved(trap).values()) > 0
    done = facts(apply(model, f"overrides: [{{layers: {name}, set: {{trainable: false}}}}]").path)
    inside = {each for each in done["values"] if each.startswith(f"{name}/")}
    assert len(inside) == 4
    assert {each for each, distance in moved(done).items() if distance == 0} == inside
    assert set(done["trainable"]) == done["values"].keys() - inside
    assert kept(facts(model), done) == len(done["slots"])


@pytest.mark.needs_backend("tensorflow", "jax")  # torch has classes of its own
@pytest.mark.parametrize(
    ("edit", "said", "cls"),
    [("adamw", "weight_decay", "AdamW"), ("nadam", "amsgrad", "Nadam")],
)
def test_another_optimizer_class_in_the_config_fails_to_load_and_kovers_loads_with_its_state(
    model: Path, judge: Judge, apply: Apply, facts: Facts, edit: str, said: str, cls: str
) -> None:
    assert said in judge("traps.failure", path=str(model), edit=edit)
    done = facts(
        apply(model, f"compile: {{optimizer: {{class: {cls}, learning_rate: 0.001}}}}").path
    )
    assert done["warnings"] == []
    assert done["optimizers"][""] == {
        **done["optimizers"][""],
        "class": cls,
        "iterations": 3,
        "rate": pytest.approx(0.001),
    }
    assert kept(facts(model), done) == 12


@pytest.mark.parametrize(
    ("edit", "spec"),
    [
        (
            "schedule",
            "compile: {optimizer: {learning_rate: {class: ExponentialDecay, "
            "initial_learning_rate: 0.01, decay_steps: 100, decay_rate: 0.9}}}",
        ),
        ("moving_average", "compile: {optimizer: {use_ema: true}}"),
        ("amsgrad", "compile: {optimizer: {amsgrad: true}}"),
        pytest.param(
            "two_optimizers", "overrides: [{layers: a, learning_rate: 0.001}]", marks=in_groups
        ),
    ],
)
def test_a_setting_that_adds_or_removes_optimizer_variables_loses_all_and_kover_none(
    model: Path, judge: Judge, apply: Apply, facts: Facts, edit: str, spec: str
) -> None:
    before = facts(model)
    trap = judge("traps.after_edit", path=str(model), edit=edit)
    assert "Skipping variable loading" in trap["warnings"][0]
    assert {each["iterations"] for each in trap["optimizers"].values()} == {0}
    lost = [n for n in before["slots"] if trap["slots"].get(n) == before["slots"][n]]
    assert lost == []
    done = facts(apply(model, spec).path)
    assert done["warnings"] == []
    assert {each["iterations"] for each in done["optimizers"].values()} == {3}
    assert [n for n in before["slots"] if done["slots"].get(n) != before["slots"][n]] == []


def test_other_units_in_the_config_fail_to_load_and_kovers_head_is_new_in_an_old_model(
    model: Path, judge: Judge, apply: Apply, facts: Facts, refused: Callable[..., Any]
) -> None:
    assert "objects could not be loaded" in judge(
        "traps.failure", path=str(model), edit="fewer_units"
    )
    without = refused(model, "overrides: [{layers: head, set: {units: 5}}]")
    assert [problem.code for problem in without] == ["needs-reinitialize"]
    assert "(4, 3) becomes (4, 5)" in without[0].message
    done = facts(
        apply(model, "overrides: [{layers: head, set: {units: 5}, reinitialize: true}]").path
    )
    before = facts(model)
    assert done["warnings"] == []
    assert len(done["outputs"][0]) == 5
    same = {name for name, value in done["values"].items() if value == before["values"][name]}
    assert same == {"a/kernel", "a/bias", "b/kernel", "b/bias"}
    assert [n for n, slot in done["slots"].items() if slot != before["slots"][n]] == [
        n for n in done["slots"] if n.startswith("head/")
    ]


@in_groups
def test_exclusion_from_weight_decay_is_not_saved_and_kovers_is_after_every_save(
    judge: Judge, apply: Apply, folder: Path
) -> None:
    model, target = folder / "decaying.keras", folder / "excluded.keras"
    trap = judge("traps.exclude_biases", path=model, target=target)
    assert trap["built"] == 0
    assert trap["loaded"] > 0.01
    done = apply(model, "overrides: [{layers: '*', variables: bias, weight_decay: 0}]").path
    for each in judge("traps.decay_of_file", path=str(done)).values():
        assert each["warnings"] == []
        assert each["bias"] == 0
        assert each["kernel"] > 0.01


def test_a_clone_forgets_all_that_was_learned_and_kovers_output_forgets_nothing(
    model: Path, judge: Judge, apply: Apply, facts: Facts
) -> None:
    trap = judge("traps.clone", path=model)
    assert trap == {"values equal": False, "iterations": [3, 0]}
    done = facts(apply(model, "overrides: [{layers: a, set: {activation: relu}}]").path)
    before = facts(model)
    assert done["values"] == before["values"]
    assert done["slots"] == before["slots"]
    assert done["optimizers"] == before["optimizers"]


def test_keras_own_editor_sees_no_difference_and_writes_no_archive_and_kover_does(
    model: Path, judge: Judge, apply: Apply
) -> None:
    done = apply(model, "overrides: [{layers: a, set: {kernel_regularizer: {l1: 0.01}}}]")
    trap = judge("traps.file_editor", one=str(model), other=str(done.path))
    assert trap["status"] == "success"
    assert trap["matches"] > trap["stored"]
    assert "expected a `.weights.h5` extension" in trap["refusal"]
    assert not trap["exists"]
    (layer,) = done.report.diff.layers
    assert (layer.layer, [change.attribute for change in layer.changes]) == (
        "a",
        ["kernel_regularizer"],
    )
    assert done.report.diff.weights.equal == 6
