from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kover.catalogue import Argument, catalogue
from kover.catalogue.values import check_arguments, check_value
from kover.spec.document import Value

Placed = Callable[[Any], Value]


def layer_argument(class_name: str, name: str) -> Argument:
    entry = catalogue().layer(class_name)
    assert entry is not None
    return entry.arguments[name]


ACCEPTED: list[tuple[str, str, Any]] = [
    ("Dropout", "rate", 0),
    ("Dropout", "rate", 1),
    ("Dropout", "rate", 0.3),
    ("Dropout", "seed", None),
    ("Dense", "units", 1),
    ("Dense", "units", 10**6),
    ("Dense", "use_bias", False),
    ("Dense", "activation", "relu"),
    ("Dense", "activation", "swish"),
    ("Dense", "activation", None),
    ("Dense", "activation", "my_pkg>gate"),
    ("Dense", "activation", {"class": "LeakyReLU", "negative_slope": 0.1}),
    ("Dense", "kernel_regularizer", None),
    ("Dense", "kernel_regularizer", "l2"),
    ("Dense", "kernel_regularizer", {"l2": 1e-4}),
    ("Dense", "kernel_regularizer", {"l1": 0, "l2": 1e-4}),
    ("Dense", "kernel_regularizer", {"class": "l1_l2", "l1": 1e-5}),
    ("Dense", "kernel_regularizer", {"class": "my_pkg>Mine", "anything": [1, {"a": None}]}),
    ("Dense", "kernel_regularizer", {"class_name": "L2", "config": {"l2": 0.1}}),
    ("Dense", "kernel_initializer", {"class": "TruncatedNormal", "stddev": 0.02}),
    ("Dense", "kernel_constraint", {"class": "MaxNorm", "max_value": 3, "axis": [0, 1]}),
    ("Dense", "dtype", "mixed_float16"),
    ("Dense", "dtype", "int8_from_float32"),
    ("Dense", "dtype", {"class": "DTypePolicy", "name": "bfloat16"}),
    ("Dense", "lora_rank", 8),
    ("Conv2D", "kernel_size", 3),
    ("Conv2D", "kernel_size", [3, 5]),
    ("Conv2D", "padding", "same"),
    ("Conv2D", "data_format", None),
    ("ZeroPadding2D", "padding", [[0, 1], [1, 0]]),
    ("LSTM", "use_cudnn", "auto"),
    ("LSTM", "use_cudnn", True),
    ("BatchNormalization", "momentum", 0.9),
    ("Rescaling", "scale", [0.1, 0.2, 0.3]),
    ("RandomRotation", "factor", [-0.2, 0.3]),
    ("Dropout", "seed", {"class_name": "SeedGenerator", "config": {"seed": 1}}),
    ("StringLookup", "vocabulary", {"class_name": "__numpy__", "config": {"value": ["a"]}}),
]


@pytest.mark.parametrize(("class_name", "name", "data"), ACCEPTED)
def test_good_values_pass(placed: Placed, class_name: str, name: str, data: Any) -> None:
    assert check_value(layer_argument(class_name, name), placed(data), name) == []


REFUSED: list[tuple[str, str, Any, str, str]] = [
    # class, argument, value, code, place within the value
    ("Dropout", "rate", 1.5, "out-of-domain", ""),
    ("Dropout", "rate", -0.1, "out-of-domain", ""),
    ("Dropout", "rate", True, "wrong-type", ""),
    ("Dropout", "rate", "0.5", "wrong-type", ""),
    ("Dropout", "rate", None, "wrong-type", ""),
    ("Dropout", "rate", float("nan"), "out-of-domain", ""),
    ("Dropout", "rate", [0.5], "wrong-type", ""),
    ("Dense", "units", 0, "out-of-domain", ""),
    ("Dense", "units", -1, "out-of-domain", ""),
    ("Dense", "units", "ten", "wrong-type", ""),
    ("Dense", "units", 10.5, "wrong-type", ""),
    ("Dense", "units", True, "wrong-type", ""),
    ("Dense", "use_bias", 3, "wrong-type", ""),
    ("Dense", "use_bias", "yes", "wrong-type", ""),
    ("Dense", "use_bias", None, "wrong-type", ""),
    ("Dense", "activation", "rellu", "unknown-name", ""),
    ("Dense", "activation", 3, "wrong-type", ""),
    ("Dense", "activation", ["relu"], "wrong-type", ""),
    ("Dense", "activation", {"class": "NoSuch"}, "unknown-name", "class"),
    ("Dense", "kernel_regularizer", {"l2": -1}, "out-of-domain", "l2"),
    ("Dense", "kernel_regularizer", {"class": "L1L2", "l1": -1}, "out-of-domain", "l1"),
    ("Dense", "kernel_regularizer", {"class": "L2", "l2": "big"}, "wrong-type", "l2"),
    ("Dense", "kernel_regularizer", {"class": "L2", "l3": 1}, "unknown-argument", "l3"),
    ("Dense", "kernel_regularizer", {"l3": 1}, "missing-argument", ""),
    ("Dense", "kernel_regularizer", {}, "missing-argument", ""),
    ("Dense", "kernel_regularizer", {"class": None}, "missing-argument", ""),
    ("Dense", "kernel_regularizer", "he_normal", "unknown-name", ""),
    ("Dense", "kernel_regularizer", 0.01, "wrong-type", ""),
    (
        "Dense",
        "kernel_regularizer",
        {"class_name": "L2", "config": {"l2": -1}},
        "out-of-domain",
        "config.l2",
    ),
    ("Dense", "dtype", "floaty", "unknown-name", ""),
    ("Dense", "dtype", 16, "wrong-type", ""),
    ("Conv2D", "padding", "sme", "out-of-domain", ""),
    ("Conv2D", "padding", "causal", "out-of-domain", ""),
    ("Conv2D", "kernel_size", [3, 3, 3], "out-of-domain", ""),
    ("Conv2D", "kernel_size", [], "out-of-domain", ""),
    ("Conv2D", "kernel_size", [3, 0], "out-of-domain", "1"),
    ("Conv2D", "kernel_size", "3x3", "wrong-type", ""),
    ("Conv2D", "data_format", "NHWC", "out-of-domain", ""),
    ("Rescaling", "scale", [0.1, float("inf")], "out-of-domain", "1"),
    ("Dense", "units", {"a": 1}, "wrong-type", ""),
]


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_one_problem_at_the_part_that_is_wrong(
    placed: Placed, case: tuple[str, str, Any, str, str]
) -> None:
    class_name, name, data, code, inside = case
    problems = check_value(layer_argument(class_name, name), placed(data), name)
    assert [problem.code for problem in problems] == [code]
    assert problems[0].source is not None
    assert problems[0].source.inside == inside
    assert problems[0].message.startswith(name)


def test_messages_name_the_part_the_bound_and_the_value(placed: Placed) -> None:
    (problem,) = check_value(layer_argument("Dropout", "rate"), placed(1.5), "rate")
    assert problem.message == "rate must be at most 1, not 1.5"
    assert problem.help == "what is taken: 0 <= rate <= 1"
    regularizer = layer_argument("Dense", "kernel_regularizer")
    (problem,) = check_value(regularizer, placed({"l2": -1}), "kernel_regularizer")
    assert problem.message == "kernel_regularizer.l2 must be at least 0, not -1"


def test_a_misspelt_name_is_answered_with_the_nearest(placed: Placed) -> None:
    (problem,) = check_value(layer_argument("Dense", "activation"), placed("rellu"), "activation")
    assert problem.help is not None
    assert problem.help.startswith("did you mean 'relu'")


def test_an_argument_that_the_class_does_not_take_points_at_its_key(placed: Placed) -> None:
    value = placed({"class": "MaxNorm", "max_valu": 3})
    (problem,) = check_value(layer_argument("Dense", "kernel_constraint"), value, "constraint")
    assert problem.source is not None
    assert problem.source.column == 1
    assert problem.help == "did you mean 'max_value'?"


def test_all_mistakes_of_a_value_are_found_at_once(placed: Placed) -> None:
    value = placed({"class": "Adam", "learning_rate": -1, "beta_1": 2, "epsilom": 1, "amsgrad": 1})
    problems = check_value(catalogue().compile_arguments["optimizer"], value, "optimizer")
    assert sorted(problem.code for problem in problems) == [
        "out-of-domain",
        "out-of-domain",
        "unknown-argument",
        "wrong-type",
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("optimizer", "adam"),
        ("optimizer", {"class": "AdamW", "learning_rate": 0, "weight_decay": 0.01}),
        (
            "optimizer",
            {
                "class": "SGD",
                "momentum": 1,
                "learning_rate": {
                    "class": "CosineDecay",
                    "initial_learning_rate": 1,
                    "decay_steps": 10,
                },
            },
        ),
        ("loss", "mse"),
        ("loss", None),
        ("loss", "crossentropy"),
        ("loss", ["mse", {"class": "Huber", "delta": 2}]),
        ("loss", {"head": "mse", "other": None}),
        ("metrics", ["acc", "accuracy", {"class": "AUC", "name": "auc"}]),
        ("metrics", {"head": ["mae", {"class": "Precision", "top_k": 3}], "other": "mse"}),
        ("metrics", [["mae"], ["mse"]]),
        ("metrics", [{"class": "my_pkg>F2"}]),
        ("loss_weights", {"head": 1, "other": 0.5}),
        ("loss_weights", [1, 2.0]),
        ("jit_compile", "auto"),
        ("jit_compile", False),
        ("steps_per_execution", 4),
    ],
)
def test_good_compile_values_pass(placed: Placed, name: str, data: Any) -> None:
    assert check_value(catalogue().compile_arguments[name], placed(data), name) == []


@pytest.mark.parametrize(
    ("name", "data", "code", "inside"),
    [
        ("optimizer", "adamm", "unknown-name", ""),
        ("optimizer", {"class": "Adamm"}, "unknown-name", "class"),
        ("optimizer", {"class": "Adam", "learning_rate": "fast"}, "unknown-name", "learning_rate"),
        ("optimizer", {"class": "Adam", "learning_rate": True}, "wrong-type", "learning_rate"),
        (
            "optimizer",
            {"class": "Adam", "learning_rate": {"class": "CosineDecay"}},
            "missing-argument",
            "learning_rate.class",
        ),
        ("loss", "msee", "unknown-name", ""),
        ("loss", {"head": "msee"}, "unknown-name", "head"),
        ("loss", {"head": {"class": "Huber", "delt": 1}}, "unknown-argument", "head.delt"),
        ("loss", 3, "wrong-type", ""),
        ("metrics", ["mae", "maee"], "unknown-name", "1"),
        ("metrics", {"head": ["maee"]}, "unknown-name", "head.0"),
        ("loss_weights", {"head": "heavy"}, "wrong-type", "head"),
        ("run_eagerly", 1, "wrong-type", ""),
        ("jit_compile", "yes", "out-of-domain", ""),
        ("steps_per_execution", 0, "out-of-domain", ""),
    ],
)
def test_mistakes_in_compile_are_found(
    placed: Placed, name: str, data: Any, code: str, inside: str
) -> None:
    problems = check_value(catalogue().compile_arguments[name], placed(data), name)
    codes = {problem.code for problem in problems}
    places = {problem.source.inside for problem in problems if problem.source}
    assert codes == {code}
    assert places == {inside}


def test_merged_arguments_ask_for_nothing_that_is_left_out(placed: Placed) -> None:
    schedule = catalogue().entry("schedule", "CosineDecay")
    assert schedule is not None
    assert check_arguments(schedule, placed({"alpha": 0.1}), "learning_rate") == []
    (problem,) = check_arguments(schedule, placed({"alpah": 0.1}), "learning_rate")
    assert problem.code == "unknown-argument"
    assert check_arguments(schedule, placed({"state": 1}), "x", own=("state",)) == []
