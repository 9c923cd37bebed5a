"""Models of classes of their own: what their config holds, and rates for what it does not hold."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras
in_groups = pytest.mark.needs_keras(">=3.15.1")  # the first with MultiOptimizer

Judge = Callable[..., Any]
Apply = Callable[..., Any]

CODE = (str(Path(__file__).parent / "plain" / "subclassed.py"),)


@pytest.fixture(scope="module")
def net(folder: Path, judge: Judge) -> Path:
    path = folder / "subclassed.keras"
    judge("subclassed.make", path=path)
    return path


@in_groups
@pytest.mark.parametrize(
    ("variables", "meant"),
    [
        ("blocks/0/up/*", ["blocks/0/up/*"]),
        ("blocks/*", ["blocks/*"]),
        ("blocks/*/up/kernel", ["blocks/*/up/kernel"]),
        ("[stem/*, head/*, 'blocks/1/norm/*']", ["stem/*", "head/*", "blocks/1/norm/*"]),
    ],
)
def test_rates_hold_in_any_process_where_names_do(
    variables: str, meant: list[str], net: Path, judge: Judge, apply: Apply
) -> None:
    """The judge made other layers before, so that Keras' numbers are not those of the file."""
    done = apply(
        net,
        f"overrides: [{{layers: net, variables: {variables}, learning_rate: 0.0625}}]",
        imports=CODE,
    )
    assert "told-apart-by-number" not in done.warned
    for rates in judge("subclassed.rates", path=str(done.path), fresh=False):
        assert rates
        for name, rate in rates.items():
            slow = any(fnmatchcase(name, glob) for glob in meant)
            assert rate == pytest.approx(0.0625 if slow else 0.5, rel=1e-6), name


@in_groups
def test_what_only_numbers_tell_apart_holds_in_a_fresh_process_and_is_told(
    net: Path, judge: Judge, apply: Apply
) -> None:
    done = apply(
        net,
        "overrides: [{layers: net, variables: 'stem/*', learning_rate: 0.0625}]",
        imports=CODE,
    )
    (warning,) = (each for each in done.report.applied.warnings if "number" in each.code)
    assert warning.code == "told-apart-by-number"
    assert "'stem/kernel'" in warning.message
    for rates in judge("subclassed.rates", path=str(done.path), fresh=True):
        assert {name for name, rate in rates.items() if rate < 0.1} == {"stem/kernel", "stem/bias"}


def test_the_models_own_arguments_are_attributes(net: Path, judge: Judge, apply: Apply) -> None:
    done = apply(net, "overrides: [{layers: {class: Net}, set: {rate: 0.25}}]", imports=CODE)
    assert done.report.applied.verified["", "rate"] is True
    assert judge("subclassed.fit", path=str(done.path)) == {
        "classes": 3, "rate": 0.25, "moved": 14, "trainable": 14, "iterations": 2,
    }  # fmt: skip


def test_another_head_takes_consent_and_leaves_the_rest(
    net: Path, judge: Judge, apply: Apply, refused: Callable[..., list[Any]]
) -> None:
    (problem,) = refused(net, "overrides: [{layers: net, set: {classes: 7}}]", imports=CODE)
    assert problem.code == "needs-reinitialize"
    assert "head/kernel (6, 3) becomes (6, 7)" in problem.message
    done = apply(
        net,
        "overrides: [{layers: net, set: {classes: 7}, reinitialize: true, variables: 'head/*'}]",
        imports=CODE,
    )
    fresh = {each.variable for each in done.report.applied.weights.reinitialized}
    assert fresh == {"head/kernel", "head/bias"}
    assert judge("subclassed.fit", path=str(done.path))["classes"] == 7


def test_a_frozen_model_does_not_move(net: Path, judge: Judge, apply: Apply) -> None:
    done = apply(net, "overrides: [{layers: net, set: {trainable: false}}]", imports=CODE)
    found = judge("subclassed.fit", path=str(done.path))
    assert (found["trainable"], found["moved"]) == (0, 0)


def test_variables_that_the_class_does_not_make_are_a_problem(
    net: Path, refused: Callable[..., list[Any]]
) -> None:
    (problem,) = refused(
        net, "overrides: [{layers: net, variables: 'stm/*', learning_rate: 0.1}]", imports=CODE
    )
    assert problem.code == "rate-without-variables"
