"""Parameters: types, text, what is undeclared and what is unused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from kover.errors import AnswerIsNo, UsageError
from kover.problems import Problem
from kover.spec.document import Spec
from kover.values import JSON

Load = Callable[..., Spec]
Faults = Callable[..., tuple[Problem, ...]]


def spec_with(parameters: str, value: str) -> str:
    return (
        f"version: 1\nparameters: {parameters}\noverrides:\n"
        f"  - layers: x\n    set:\n      a: {value}\n"
    )


def value_of(spec: Spec) -> JSON:
    value = spec.overrides[0].set[0].value
    assert value is not None
    return value.data


@pytest.mark.parametrize(
    ("default", "value"),
    [
        ("1e-3", 0.001),
        ("3", 3),
        ("true", True),
        ("null", None),
        ("relu", "relu"),
        ("'3'", "3"),
        ("[1, {b: 2}]", [1, {"b": 2}]),
        ("{class: L2}", {"class": "L2"}),
        ("[]", []),
        ("'$${x}'", "${x}"),
    ],
)
def test_a_parameter_that_stands_alone_keeps_its_type(
    load: Load, default: str, value: object
) -> None:
    found = value_of(load(spec_with(f"{{p: {default}}}", '"${p}"')))
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("default", "written", "value"),
    [
        ("3", "block${p}_*", "block3_*"),
        ("1e-3", "a${p}b${p}", "a0.001b0.001"),
        ("true", "is ${p}", "is true"),
        ("null", "${p}!", "null!"),
        ("relu", "${p}6", "relu6"),
        ("1", "$${p} ${p}", "${p} 1"),
        ("1", "$$${p}${p}", "$${p}1"),
        ("1", "$p {p} ${p}", "$p {p} 1"),
        ("'${'", "x", "x"),
    ],
)
def test_a_parameter_within_a_text_is_inserted_as_text(
    load: Load, default: str, written: str, value: str
) -> None:
    assert value_of(load(spec_with(f"{{p: {default}}}", f'"{written}"'))) == value


def test_a_value_given_wins_over_the_default(load: Load) -> None:
    spec = load(spec_with("{p: 1, q: 2}", '["${p}", "${q}"]'), {"p": "x"})
    assert value_of(spec) == ["x", 2]
    assert spec.parameters == {"p": "x", "q": 2}


def test_what_a_given_value_contains_is_not_substituted_again(load: Load) -> None:
    assert value_of(load(spec_with("{p: 1}", '"${p}"'), {"p": "${p}"})) == "${p}"


def test_keys_and_parameters_are_not_substituted(load: Load) -> None:
    text = "version: 1\nparameters: {p: 1}\ncompile: {loss: {'${p}': '${p}x'}}\n"
    compiled = load(text).compile
    assert compiled is not None
    assert compiled.arguments["loss"].data == {"${p}": "1x"}


def test_each_part_of_a_parameter_stands_where_the_parameter_is_used(load: Load) -> None:
    value = load(spec_with("{p: {b: [1]}}", '"${p}"')).overrides[0].set[0].value
    assert value is not None
    assert (value.source("b", 0).line, value.source("b", 0).column) == (6, 10)
    assert value.key_source("b").line == 6


def test_a_parameter_used_nowhere_is_a_warning(load: Load) -> None:
    (warning,) = load(spec_with("{p: 1, q: 2}", '"${p}"')).warnings
    assert (warning.code, warning.severity) == ("unused-parameter", "warning")
    assert warning.source is not None
    assert (warning.source.line, warning.source.column) == (2, 20)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("'${nope}'", (6, 11)),
        ("'ab $${x} ${p} ${nope}'", (6, 25)),
        ("[1, x, '${nope}']", (6, 18)),
        (">-\n        text\n        ${p} ${nope}", (8, 14)),
        ('"${p}\\t${nope}"', (6, 17)),
        ('"\\x24{nope}"', (6, 10)),
    ],
)
def test_an_undeclared_name_is_found_at_its_own_column(
    faults: Faults, written: str, place: tuple[int, int]
) -> None:
    (problem,) = faults(spec_with("{p: 1, nop: 2}", written))
    assert problem.code == "undeclared-parameter"
    assert problem.source is not None
    assert (problem.source.line, problem.source.column) == place
    assert problem.help == "did you mean 'nop'?"


def test_a_given_value_without_a_parameter_is_a_problem(faults: Faults) -> None:
    (problem,) = faults(spec_with("{rate: 1}", '"${rate}"'), {"rat": 2})
    assert problem.code == "undeclared-parameter"
    assert problem.source is not None
    assert (problem.source.line, problem.help) == (2, "did you mean 'rate'?")


def test_a_substituted_value_is_checked_where_it_is_used(faults: Faults) -> None:
    text = 'version: 1\nparameters: {n: x}\ncompile: {steps_per_execution: "${n}"}\n'
    (problem,) = faults(text)
    assert problem.source is not None
    assert (problem.code, problem.source.line, problem.source.column) == ("wrong-type", 3, 32)
    assert problem.help is not None
    assert "parameter 'n'" in problem.help


def test_a_literal_placeholder_is_no_number(faults: Faults) -> None:
    (problem,) = faults('version: 1\ncompile: {steps_per_execution: "$${n}"}\n')
    assert problem.code == "wrong-type"


def test_a_literal_placeholder_alone_is_no_parameter_for_the_schema(faults: Faults) -> None:
    text = 'version: 1\nparameters: {n: "$${n}"}\ncompile: {steps_per_execution: "${n}"}\n'
    assert [p.code for p in faults(text)] == ["wrong-type"]


@pytest.mark.parametrize(
    "given",
    [
        {"p": float("nan")},
        {"p": float("inf")},
        {"p": (1,)},
        {"p": {1: 2}},
        {"p": object()},
        {"p": "\udcff"},
        {"p": {"\udcff": 1}},
        {"p": [[[float("-inf")]]]},
    ],
)
def test_a_value_that_is_no_json_is_a_usage_error(load: Load, given: Mapping[str, Any]) -> None:
    with pytest.raises(UsageError, match="bad-parameter"):
        load(spec_with("{p: 1}", '"${p}"'), given)


def test_a_parameter_cannot_be_used_to_exhaust_memory(load: Load) -> None:
    wide = "[" + ", ".join(["1"] * 500) + "]"
    many = "[" + ", ".join(['"${p}"'] * 500) + "]"
    with pytest.raises(AnswerIsNo, match="spec-too-large"):
        load(spec_with(f"{{p: {wide}}}", many))
    with pytest.raises(AnswerIsNo, match="spec-too-large"):
        load(spec_with("{p: 1}", many.replace('"${p}"', '"${p}x"')), {"p": "y" * 100_000})
