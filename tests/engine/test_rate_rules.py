"""Rates as numbers and schedules; no Keras."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.engine import rate_patterns, rates
from kover.engine.identity import VariableKey
from kover.planning.plan import LayerRate
from kover.problems import Problem
from kover.source import Source
from kover.spec.document import Rate
from kover.values import JSON

WHERE = Source("spec.yaml", 4, 5)


def times(factor: float) -> Rate:
    return Rate(absolute=None, multiply=factor, source=WHERE)


def absolute(value: float) -> Rate:
    return Rate(absolute=value, multiply=None, source=WHERE)


@pytest.mark.parametrize(
    ("rate", "own", "expected"),
    [
        (absolute(1e-5), 0.001, 1e-5),
        (absolute(0), None, 0.0),
        (times(0.1), 0.001, 1e-4),
        (times(0.1), 0.0010000000474974513, 1e-4),
        (times(0.75), 3e-4, 2.25e-4),
        (times(0), 0.001, 0.0),
        (times(2), 1, 2.0),
    ],
)
def test_a_rate_is_a_short_decimal(rate: Rate, own: JSON, expected: float) -> None:
    assert rates._resolved(rate, own) == expected


@pytest.mark.parametrize("own", [None, True, "fast", {"class_name": "Mine", "config": {}}])
def test_what_is_no_number_is_not_multiplied(own: JSON) -> None:
    problem = rates._resolved(times(0.1), own)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.source) == ("not-scalable", WHERE)


def test_a_custom_schedule_that_is_called_like_one_of_keras_is_not_scaled() -> None:
    record: JSON = {
        "class_name": "ExponentialDecay",
        "registered_name": "mine>ExponentialDecay",
        "config": {"initial_learning_rate": 0.1},
    }
    assert isinstance(rates._resolved(times(0.1), record), Problem)


def test_the_rates_of_a_schedule_are_scaled_and_nothing_else() -> None:
    record: JSON = {
        "class_name": "CosineDecay",
        "registered_name": None,
        "config": {"initial_learning_rate": 0.1, "warmup_target": None, "alpha": 0.5,
                   "decay_steps": 100},
    }  # fmt: skip
    assert rates._resolved(times(0.5), record) == {
        **record,
        "config": {"initial_learning_rate": 0.05, "warmup_target": None, "alpha": 0.5,
                   "decay_steps": 100},
    }  # fmt: skip
    steps: JSON = {
        "class_name": "PiecewiseConstantDecay",
        "config": {"boundaries": [5, 10], "values": [1.0, 0.5, 0.1]},
    }
    assert rates._resolved(times(0.1), steps) == {
        "class_name": "PiecewiseConstantDecay",
        "config": {"boundaries": [5, 10], "values": [0.1, 0.05, 0.01]},
    }


@given(st.floats(1e-8, 1e3), st.floats(1e-6, 1e3))
def test_a_product_is_right_to_many_digits(rate: float, factor: float) -> None:
    import math

    assert math.isclose(rates._product(rate, factor), rate * factor, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("layer", "globs", "covered"),
    [
        ("bb/a", (), True),
        ("bb", (), True),
        ("b", (), False),
        ("bb/a/more", (), False),
        ("bb", ("kernel",), True),
        ("bb", ("bias",), False),
        ("bb", ("query_dense/*",), True),
    ],
)
def test_a_rule_speaks_of_a_layer_and_all_within(
    layer: str, globs: tuple[str, ...], covered: bool
) -> None:
    rule = LayerRate(layer, globs, WHERE, absolute(1))
    assert rate_patterns.is_meant(rule, VariableKey("bb/a", "query_dense", "kernel")) is covered


def test_two_optimizers_that_differ_in_name_alone_are_one() -> None:
    one: dict[str, JSON] = {"class_name": "SGD", "config": {"name": "x", "learning_rate": 1.0}}
    other: dict[str, JSON] = {"class_name": "SGD", "config": {"name": "y", "learning_rate": 1.0}}
    third: dict[str, JSON] = {"class_name": "SGD", "config": {"name": "x", "learning_rate": 2.0}}
    assert rates._identity(one) == rates._identity(other) != rates._identity(third)
