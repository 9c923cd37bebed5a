"""Keras reads what was planned: the live layer shows the value."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from kover.planning.plan import Plan

PlanIt = Callable[..., Plan]
Check = Callable[[Any], bool]

pytestmark = pytest.mark.keras


def live(made: Plan) -> Any:
    import keras

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return keras.models.model_from_json(json.dumps(made.after))


@pytest.mark.parametrize(
    ("model", "override", "shows"),
    [
        ("flowers", "{layers: dropout, set: {rate: 0.5}}",
         lambda m: m.get_layer("dropout").rate == 0.5),
        ("flowers", "{layers: hidden, set: {activation: tanh}}",
         lambda m: m.get_layer("hidden").activation.__name__ == "tanh"),
        ("flowers", "{layers: hidden, set: {kernel_regularizer: {l2: 0.25}}}",
         lambda m: float(m.get_layer("hidden").kernel_regularizer.l2) == 0.25),
        ("flowers", "{layers: hidden, set: {kernel_initializer: he_normal, dtype: mixed_float16}}",
         lambda m: m.get_layer("hidden").dtype_policy.name == "mixed_float16"
         and type(m.get_layer("hidden").kernel_initializer).__name__ == "HeNormal"),
        ("flowers", "{layers: conv1, set: {kernel_constraint: {class: MaxNorm, max_value: 3}}}",
         lambda m: m.get_layer("backbone").get_layer("conv1").kernel_constraint.max_value == 3),
        ("flowers", "{layers: conv1, set: {kernel_size: 5, filters: 6}}",
         lambda m: tuple(m.get_layer("backbone").get_layer("conv1").kernel.shape) == (5, 5, 3, 6)
         and tuple(m.get_layer("backbone").get_layer("conv2").kernel.shape) == (3, 5, 6, 4)),
        ("flowers", "{layers: conv2, set: {filters: 7}}",
         lambda m: tuple(m.get_layer("hidden").kernel.shape) == (7, 8)),
        ("flowers", "{layers: hidden, set: {units: 7, use_bias: false}}",
         lambda m: tuple(m.get_layer("predictions").kernel.shape) == (7, 5)
         and not m.get_layer("hidden").use_bias),
        ("flowers", "{layers: hidden, set: {lora_rank: 2}}",
         lambda m: m.get_layer("hidden").lora_enabled),
        ("flowers", "{layers: conv1, unset: [padding]}",
         lambda m: m.get_layer("backbone").get_layer("conv1").padding == "valid"),
        ("flowers", "{layers: backbone, set: {trainable: false}}",
         lambda m: len(m.trainable_variables) == 4),
        ("mixed", "{layers: bi, set: {trainable: false}}",
         lambda m: not m.get_layer("bi").trainable_variables),
        ("mixed", "{layers: {class: Bidirectional}, set: {merge_mode: sum}}",
         lambda m: m.get_layer("bi").merge_mode == "sum"
         and tuple(m.get_layer("rnn").cell.cells[0].kernel.shape) == (3, 8)),
        ("mixed", '{layers: ["bi/forward_lstm", "bi/backward_lstm"], set: {units: 5}}',
         lambda m: tuple(m.get_layer("rnn").cell.cells[0].kernel.shape) == (10, 8)),
        ("mixed", "{layers: {class: LSTMCell}, set: {units: 3}}",
         lambda m: tuple(m.get_layer("rnn").cell.cells[1].kernel.shape) == (3, 6)),
        ("shared", "{layers: {class: InputLayer}, set: {batch_shape: [null, 6]}}",
         lambda m: tuple(m.layers[0].kernel.shape) == (6, 3)),
        ("shared", "{layers: a, set: {units: 5}}",
         lambda m: tuple(m.layers[1].kernel.shape) == (5, 3)),
        ("shared", "{layers: a, set: {kernel_regularizer.l2: 0.5}}",
         lambda m: [float(layer.kernel_regularizer.l2) for layer in m.layers]
         == pytest.approx([0.5, 0.01, 0.01])),
        ("shared", "{layers: b, set: {kernel_regularizer.l2: 0.5}}",
         lambda m: [float(layer.kernel_regularizer.l2) for layer in m.layers]
         == pytest.approx([0.01, 0.5, 0.01])),
        ("shared", "{layers: c, set: {kernel_regularizer.l2: 0.5}}",
         lambda m: [float(layer.kernel_regularizer.l2) for layer in m.layers]
         == pytest.approx([0.01, 0.01, 0.5])),
    ],
)  # fmt: skip
def test_keras_builds_the_planned_model(
    plan: PlanIt, model: str, override: str, shows: Check
) -> None:
    assert shows(live(plan(model, f"overrides:\n- {override}")))


def test_a_layer_taken_out_of_a_freeze_is_the_one_that_trains(plan: PlanIt) -> None:
    made = plan(
        "mixed",
        """
        overrides:
        - {layers: "*", set: {trainable: false}}
        - {layers: ["bb/d", bi/forward_lstm, {class: LSTMCell}], set: {trainable: true}}
        """,
    )
    owners = {variable.path.rpartition("/")[0] for variable in live(made).trainable_variables}
    assert owners == {"d", "forward_lstm/lstm_cell", "lstm_cell"}


def twins(config: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """Two models in one that hold the same Dense, as Keras marks it from the second place on."""

    def sequential(name: str, layers: list[Any]) -> dict[str, Any]:
        return {
            "module": "keras",
            "class_name": "Sequential",
            "config": {"name": name, "trainable": True, "layers": layers},
            "registered_name": None,
        }

    image, dense, *_ = config("shared")["config"]["layers"]
    dense["config"]["units"] = 4
    shared = {**dense, "shared_object_id": 7}
    models = [sequential(name, [image, shared]) for name in ("one", "two", "three")]
    return sequential("outer", [image, *models])


def test_an_edited_shared_layer_is_read_and_the_others_stay_one(
    plan: PlanIt, config: Callable[[str], dict[str, Any]]
) -> None:
    """As `load_model` does it: within an ObjectSharingScope.

    Mirrors keras 3.15.1 serialization_lib.deserialize_keras_object, "is it a shared object?":
    the id is looked up before the config is read, and whoever comes first makes the object.
    """
    from keras.src.saving.serialization_lib import ObjectSharingScope

    for edited in ("one", "two", "three"):
        made = plan(
            twins(config),
            f"overrides:\n- {{layers: {edited}/a, set: {{kernel_regularizer.l2: 0.5}}}}",
        )
        assert [warning.code for warning in made.warnings] == ["shared-layer"]
        with ObjectSharingScope():
            model = live(made)
        dense = {inner.name: inner.layers[0] for inner in model.layers}
        assert float(dense.pop(edited).kernel_regularizer.l2) == 0.5
        one, other = dense.values()
        assert one is other
        assert float(one.kernel_regularizer.l2) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("model", "section", "shows"),
    [
        ("flowers", "{optimizer: {learning_rate: {decay_steps: 7}}}",
         lambda m: m.optimizer._learning_rate.decay_steps == 7),
        ("flowers", "{optimizer: {class: AdamW, learning_rate: 0.5, weight_decay: 0.1}}",
         lambda m: type(m.optimizer).__name__ == "AdamW" and float(m.optimizer.learning_rate) == 0.5
         and m.optimizer.weight_decay == 0.1),
        ("loss_scale", "{optimizer: {learning_rate: 0.5}}",
         lambda m: float(m.optimizer.inner_optimizer.learning_rate) == 0.5),
        ("mixed", "{loss: {yes: mse, which: {class: CategoricalCrossentropy, from_logits: true}}}",
         lambda m: m.loss["yes"] == "mse" and m.loss["which"].from_logits),
        ("mixed", "{metrics: {yes: [accuracy, {class: AUC, name: a}]}, steps_per_execution: 3}",
         lambda m: m.steps_per_execution == 3 and m._compile_metrics is not None),
        ("shared", "{optimizer: sgd, loss: mse, jit_compile: false, auto_scale_loss: false}",
         lambda m: type(m.optimizer).__name__ == "SGD" and m.loss == "mse"),
    ],
)  # fmt: skip
def test_keras_compiles_as_planned(plan: PlanIt, model: str, section: str, shows: Check) -> None:
    assert shows(live(plan(model, f"compile: {section}")))
