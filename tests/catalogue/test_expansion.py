from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.catalogue import Argument, argument_from_saved, catalogue
from kover.catalogue.model import OBJECT_KINDS
from kover.catalogue.values import expand, expand_arguments


def record(
    module: str | None, name: str, config: dict[str, Any], registered: str | None = None
) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": registered,
    }


SEEDED = {"seed": None, "input_axes": None, "output_axes": None}
L2 = record("keras.regularizers", "L2", {"l2": 1e-4})


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("activation", "relu", "relu"),
        ("activation", "swish", "silu"),
        ("activation", {"class": "relu"}, "relu"),
        ("activation", None, None),
        ("activation", "pkg>gate", record(None, "gate", {}, "pkg>gate")),
        ("regularizer", {"l2": 1e-4}, L2),
        ("regularizer", {"class": "L2", "l2": 1e-4}, L2),
        ("regularizer", {"class": "l2", "l2": 1e-4}, L2),
        ("regularizer", {"class_name": "L2", "config": {"l2": 1e-4}}, L2),
        ("regularizer", L2, L2),
        ("regularizer", "l2", record("keras.regularizers", "L2", {"l2": 0.01})),
        ("regularizer", {"l1": 1}, record("keras.regularizers", "L1", {"l1": 1})),
        (
            "regularizer",
            {"l1": 1, "l2": 2},
            record("keras.regularizers", "L1L2", {"l1": 1, "l2": 2}),
        ),
        ("initializer", "he_normal", record("keras.initializers", "HeNormal", SEEDED)),
        (
            "constraint",
            "max_norm",
            record("keras.constraints", "MaxNorm", {"max_value": 2, "axis": 0}),
        ),
        (
            "dtype_policy",
            "mixed_bfloat16",
            record("keras", "DTypePolicy", {"name": "mixed_bfloat16"}),
        ),
        (
            "dtype_policy",
            "int8_from_float32",
            record(
                "keras.dtype_policies",
                "QuantizedDTypePolicy",
                {"mode": "int8", "source_name": "float32"},
            ),
        ),
        ("dtype", "float16", "float16"),
        (
            "constraint",
            {"class": "my_pkg>Clip", "limit": 3},
            record(None, "Clip", {"limit": 3}, "my_pkg>Clip"),
        ),
        (
            "constraint",
            {
                "module": "mine",
                "class_name": "Clip",
                "config": {"limit": 3},
                "registered_name": "my_pkg>Clip",
            },
            record("mine", "Clip", {"limit": 3}, "my_pkg>Clip"),
        ),
        ("loss", "mse", "mse"),
        (
            "loss",
            {"class": "mse"},
            {
                "module": "builtins",
                "class_name": "function",
                "config": "mean_squared_error",
                "registered_name": "function",
            },
        ),
        ("losses", "ce", "ce"),
        ("metrics", ["acc", "mae"], ["acc", "mae"]),
        ("bool", True, True),
        ("learning_rate", 1, 1.0),
        ("float", 1, 1.0),
        ("any", {"a": [1, None]}, {"a": [1, None]}),
    ],
)
def test_short_forms_become_what_keras_saves(kind: str, data: Any, expected: Any) -> None:
    expanded = expand(Argument("value", kind), data)
    assert expanded == expected
    assert type(expanded) is type(expected)


def test_arguments_left_out_are_filled_in_the_order_of_get_config() -> None:
    optimizer = catalogue().compile_arguments["optimizer"]
    expanded: Any = expand(optimizer, {"class": "SGD", "momentum": 1, "learning_rate": 0.5})
    assert list(expanded["config"])[:3] == ["name", "learning_rate", "weight_decay"]
    assert expanded["config"]["learning_rate"] == 0.5
    assert expanded["config"]["momentum"] == 1.0
    assert isinstance(expanded["config"]["momentum"], float)
    assert expanded["config"]["nesterov"] is False


def test_a_learning_rate_schedule_is_a_record_inside_the_optimizer() -> None:
    schedule = {"class": "CosineDecay", "initial_learning_rate": 1e-3, "decay_steps": 1000}
    optimizer = catalogue().compile_arguments["optimizer"]
    expanded: Any = expand(optimizer, {"class": "Adam", "learning_rate": schedule})
    rate = expanded["config"]["learning_rate"]
    assert rate["module"] == "keras.optimizers.schedules"
    assert rate["config"]["alpha"] == 0.0


def test_an_integer_becomes_the_list_that_the_config_holds() -> None:
    conv = catalogue().layer("Conv2D")
    assert conv is not None
    assert expand(conv.arguments["kernel_size"], 3) == [3, 3]
    assert expand(conv.arguments["kernel_size"], [3]) == [3, 3]
    assert expand(conv.arguments["kernel_size"], [3, 5]) == [3, 5]


def test_metrics_of_one_class_get_different_names() -> None:
    metrics = catalogue().compile_arguments["metrics"]
    expanded: Any = expand(metrics, ["mae", {"class": "AUC"}, {"class": "AUC"}])
    assert [item["config"]["name"] for item in expanded[1:]] == ["auc", "auc_1"]
    expanded = expand(metrics, {"head": ["auc"], "other": [{"class": "AUC"}]})
    assert expanded["other"][0]["config"]["name"] == "auc_1"


def test_names_that_only_kover_knows_become_records() -> None:
    loss: Any = expand(Argument("loss", "losses"), "CategoricalGeneralizedCrossEntropy")
    assert loss["class_name"] == "CategoricalGeneralizedCrossEntropy"
    assert loss["module"] == "keras.losses"


def test_merging_fills_nothing_in() -> None:
    adam = catalogue().entry("optimizer", "Adam")
    assert adam is not None
    assert expand_arguments(adam, {"learning_rate": 1, "beta_1": 0.5}) == {
        "learning_rate": 1.0,
        "beta_1": 0.5,
    }


def test_the_result_shares_nothing_with_the_catalogue() -> None:
    argument = Argument("kernel_initializer", "initializer")
    first: Any = expand(argument, "he_normal")
    first["config"]["seed"] = 7
    second: Any = expand(argument, "he_normal")
    assert second["config"]["seed"] is None


NAMES = [
    (kind, name)
    for kind in OBJECT_KINDS
    if kind not in {"layer", "dtype_policy"}
    for name in catalogue().names(kind)
]


@given(st.sampled_from(NAMES))
def test_expanding_twice_is_expanding_once(kind_and_name: tuple[str, str]) -> None:
    kind, name = kind_and_name
    argument = Argument("value", "learning_rate" if kind == "schedule" else kind)
    once = expand(argument, name)
    assert expand(argument, once) == once


@pytest.mark.parametrize(
    ("name", "saved", "kind"),
    [
        ("kernel_regularizer", None, "regularizer"),
        ("gate_activation", "relu", "activation"),
        ("gate_activation", {"gain": 2}, "any"),
        ("embedding_initializer", record("keras.initializers", "Zeros", {}), "initializer"),
        ("kernel_initializer", record("keras.layers", "Dense", {}), "any"),
        ("my_constraint", record("mine", "Clip", {}, "p>Clip"), "constraint"),
        ("dtype", "float32", "dtype"),
        ("dtype", record("keras", "DTypePolicy", {"name": "float32"}), "dtype_policy"),
        ("shift", True, "bool"),
        ("shift", 3, "any"),
        ("activation_count", 3, "any"),
    ],
)
def test_arguments_of_custom_classes_are_guessed_with_care(
    name: str, saved: Any, kind: str
) -> None:
    argument = argument_from_saved(name, saved)
    assert argument.kind == kind
    assert argument.nullable
