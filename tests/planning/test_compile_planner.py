"""The compile sections: what becomes of the compile config."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kover.planning.plan import Plan
from kover.values import MISSING

PlanIt = Callable[..., Plan]
Refusals = Callable[..., list[str]]


def changed(made: Plan) -> dict[str, tuple[Any, Any]]:
    return {item.attribute: (item.before, item.after) for item in made.compile_changes}


def compiled(made: Plan) -> Any:
    return made.after["compile_config"]


@pytest.mark.parametrize(
    ("model", "section", "expected"),
    [
        ("mixed", "{optimizer: {learning_rate: 1e-4}}",
         {"optimizer.learning_rate": (0.001, 0.0001)}),
        ("mixed", "{optimizer: {learning_rate: 1e-4, clipnorm: 1, weight_decay: 0.004}}",
         {"optimizer.learning_rate": (0.001, 0.0001), "optimizer.clipnorm": (None, 1)}),
        ("mixed", "{optimizer: {class: AdamW, learning_rate: 0.1}}",
         {"optimizer.learning_rate": (0.001, 0.1)}),
        ("flowers", "{optimizer: {momentum: 0.5}}", {"optimizer.momentum": (0.9, 0.5)}),
        ("flowers", "{optimizer: {learning_rate: {decay_steps: 7, alpha: 0.5}}}",
         {"optimizer.learning_rate.decay_steps": (1000, 7),
          "optimizer.learning_rate.alpha": (0.0, 0.5)}),
        ("loss_scale", "{optimizer: {learning_rate: 1, initial_scale: 2.0}}",
         {"optimizer.inner_optimizer.learning_rate": (0.001, 1),
          "optimizer.initial_scale": (32768.0, 2.0)}),
        ("flowers", "{loss: mse}", {"loss": ("sparse_categorical_crossentropy", "mse")}),
        ("flowers", "{loss: {predictions: mse}}",
         {"loss": ("sparse_categorical_crossentropy", {"predictions": "mse"})}),
        ("flowers", "{metrics: [accuracy, mae]}", {"metrics": (["accuracy"], ["accuracy", "mae"])}),
        ("flowers", "{metrics: null}", {"metrics": (["accuracy"], None)}),
        ("flowers", "{weighted_metrics: {predictions: [mse]}}",
         {"weighted_metrics": (None, {"predictions": ["mse"]})}),
        ("mixed", "{loss_weights: {yes: 2.0, which: 1}}",
         {"loss_weights": ({"yes": 1.0, "which": 0.5}, {"yes": 2.0, "which": 1})}),
        ("mixed", "{metrics: [[accuracy], [mae]]}", None),
        ("flowers", "{run_eagerly: true, steps_per_execution: 4, jit_compile: auto}",
         {"run_eagerly": (False, True), "steps_per_execution": (1, 4),
          "jit_compile": (False, "auto")}),
        ("flowers", "{auto_scale_loss: false}", {"auto_scale_loss": (MISSING, False)}),
        ("flowers", "{auto_scale_loss: true}", {}),
        ("flowers", "{loss: sparse_categorical_crossentropy, metrics: [accuracy]}", {}),
        ("flowers", "{optimizer: {momentum: 0.9, nesterov: false}}", {}),
    ],
)  # fmt: skip
def test_a_compile_section_changes_exactly_this(
    plan: PlanIt, model: str, section: str, expected: dict[str, tuple[Any, Any]] | None
) -> None:
    made = plan(model, f"compile: {section}")
    if expected is not None:
        assert changed(made) == expected
    if not expected and expected is not None:
        assert made.after == made.before
        assert made.unchanged
    before: Any = made.before
    named = {name.partition(".")[0] for name in changed(made)}
    for key, value in before["compile_config"].items():
        if key not in named:
            assert compiled(made)[key] == value


def test_another_class_starts_from_its_own_defaults(plan: PlanIt) -> None:
    made = plan("mixed", "compile: {optimizer: {class: SGD, momentum: 0.5}}")
    assert list(changed(made)) == ["optimizer"]
    optimizer = compiled(made)["optimizer"]
    assert optimizer["class_name"] == "SGD"
    assert optimizer["config"]["learning_rate"] == 0.01
    assert optimizer["config"]["momentum"] == 0.5
    assert "beta_1" not in optimizer["config"]


def test_a_name_is_an_optimizer_with_its_defaults(plan: PlanIt) -> None:
    made = plan("mixed", "compile: {optimizer: adamw}")
    assert changed(made) == {}
    made = plan("mixed", "compile: {optimizer: rmsprop}")
    assert compiled(made)["optimizer"]["class_name"] == "RMSprop"


def test_the_same_class_keeps_the_name_of_the_optimizer(
    plan: PlanIt, config: Callable[[str], dict[str, Any]]
) -> None:
    model = config("mixed")
    model["compile_config"]["optimizer"]["config"]["name"] = "mine"
    made = plan(model, "compile: {optimizer: {class: AdamW, learning_rate: 0.1}}")
    assert compiled(made)["optimizer"]["config"]["name"] == "mine"


def test_a_bare_name_in_the_archive_is_spelled_out_before_merging(
    plan: PlanIt, config: Callable[[str], dict[str, Any]]
) -> None:
    model = config("flowers")
    model["compile_config"]["optimizer"] = "adam"
    made = plan(model, "compile: {optimizer: {beta_1: 0.5}}")
    assert changed(made) == {"optimizer.beta_1": (0.9, 0.5)}
    assert compiled(made)["optimizer"]["config"]["learning_rate"] == 0.001


def test_the_place_of_a_change_is_that_of_its_value(plan: PlanIt) -> None:
    made = plan(
        "mixed",
        "compile:\n  optimizer: {class: AdamW,\n    learning_rate: 0.1}\n  loss_weights: null",
    )
    assert {c.attribute: c.source.line for c in made.compile_changes} == {
        "optimizer.learning_rate": 4,
        "loss_weights": 5,
    }


def test_a_rate_that_only_the_config_has_is_still_a_change(plan: PlanIt) -> None:
    """The effective rate is in the weights; the config may be stale."""
    for section in ("{learning_rate: 0.001}", "{class: AdamW}", "adamw"):
        made = plan("mixed", f"compile: {{optimizer: {section}}}", learning_rate=lambda: 1e-5)
        assert changed(made) == {"optimizer.learning_rate": (1e-5, 0.001)}
        assert plan(
            "mixed",
            f"compile: {{optimizer: {section}}}",
            learning_rate=lambda: 0.0010000000474974513,
        ).is_noop
    made = plan("mixed", "compile: {optimizer: {beta_1: 0.5}}", learning_rate=lambda: 1e-5)
    assert list(changed(made)) == ["optimizer.beta_1"]


def test_sections_of_several_specs_are_merged_key_by_key(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        "compile: {optimizer: {class: AdamW, learning_rate: 0.1}, loss: mse}",
        "compile: {optimizer: {beta_1: 0.5}, metrics: null, optimizer_state: reset}",
    )
    optimizer = compiled(made)["optimizer"]
    assert optimizer["class_name"] == "AdamW"
    assert (optimizer["config"]["learning_rate"], optimizer["config"]["beta_1"]) == (0.1, 0.5)
    assert set(changed(made)) == {"optimizer", "loss", "metrics"}
    assert made.optimizer_state == "reset"


@pytest.mark.parametrize("absent", [{}, None, "absent"])
def test_an_uncompiled_model_is_compiled_by_optimizer_and_loss(
    plan: PlanIt, config: Callable[[str], dict[str, Any]], absent: Any
) -> None:
    model = config("custom")
    del model["compile_config"]
    if absent != "absent":
        model["compile_config"] = absent
    made = plan(model, "compile: {optimizer: sgd, loss: mse}")
    assert set(compiled(made)) == {
        "optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly",
        "steps_per_execution", "jit_compile",
    }  # fmt: skip
    assert set(changed(made)) == {"optimizer", "loss"}
    assert plan(model, "compile: {optimizer: sgd, loss: null}").compile_changes


@pytest.mark.parametrize(
    ("model", "section", "expected"),
    [
        ("custom", "{optimizer: {learning_rate: 1}}", ["2:22 not-compiled "]),
        ("custom", "{optimizer: adam}", ["2:11 not-compiled "]),
        ("custom", "{loss: mse, metrics: [mae]}", ["2:11 not-compiled ", "2:22 not-compiled "]),
        ("mixed", "{optimizer: {learning_rat: 1, beta_1: 2}}",
         ["2:23 unknown-attribute the model's optimizer (AdamW) has no 'learning_rat' |"
          " did you mean 'learning_rate'?", "2:48 out-of-domain "]),
        ("mixed", "{optimizer: {momentum: 1}}",
         ["2:23 unknown-attribute the model's optimizer (AdamW) has no 'momentum' | "]),
        ("flowers", "{optimizer: {learning_rate: {decay_step: 7}}}",
         ["2:39 unknown-attribute 'optimizer.learning_rate' of the model's optimizer (CosineDecay)"
          " has no 'decay_step' | did you mean 'decay_steps'?"]),
        ("mixed", "{optimizer: {learning_rate: {decay_steps: 7}}}", ["2:38 missing-argument "]),
        ("mixed", "{optimizer: {class: Adamm}}", ["2:30 unknown-name "]),
        ("mixed", "{optimizer: {class: SGD, momentun: 1}}", ["2:35 unknown-argument "]),
        ("mixed", "{loss: {yes: mse, wich: mse}}",
         ["2:28 unknown-output loss: the model has no output 'wich' | did you mean 'which'?"]),
        ("shared", "{optimizer: adam, loss: {d: mse}}",
         ["2:35 unknown-output loss: the model has no output 'd' | known outputs: 'c'"]),
        ("mixed", "{metrics: {whom: mse}}", ["2:21 unknown-output metrics: "]),
        ("mixed", "{loss_weights: {whom: 1}}", ["2:26 unknown-output loss_weights: "]),
        ("mixed", "{metrics: {yes: [accurcy]}}", ["2:27 unknown-name "]),
        ("mixed", "{steps_per_execution: 0}", ["2:32 out-of-range "]),
    ],
)  # fmt: skip
def test_a_compile_section_that_does_not_fit_is_refused_at_its_place(
    refusals: Refusals, model: str, section: str, expected: list[str]
) -> None:
    found = refusals(model, f"compile: {section}")
    assert len(found) == len(expected), found
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start), line
