"""YAML 1.2 core scalars, where they differ from YAML 1.1 and where they do not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.errors import UsageError
from kover.spec.yaml_nodes import parse_scalar
from kover.spec.yaml_scalars import ScalarError, resolve_plain, resolve_tagged

VALUES = [
    # numbers that YAML 1.1 reads otherwise
    ("1e-4", 0.0001),
    ("1E5", 100000.0),
    ("010", 10),
    ("-010", -10),
    ("0o17", 15),
    ("0x1F", 31),
    (".5", 0.5),
    ("-.5", -0.5),
    ("5.", 5.0),
    ("1.e3", 1000.0),
    ("+7", 7),
    ("-0", 0),
    ("0.0", 0.0),
    # words and dates that YAML 1.1 does not leave alone
    *[(word, word) for word in ("yes", "No", "on", "OFF", "y", "n", "2020-01-01", "12:30")],
    *[(word, word) for word in ("1_000", "0b11", "0o8", "0xG", "017:00", "1.2.3", "e5", ".", "-")],
    *[(word, word) for word in ("tRue", "nULL", "None", "nan", "inf", "Infinity", "-", "+", "+.")],
    *[(word, word) for word in ("=", "<<", "conv*", "1e", "1e+", "0x", "--1", "1 2")],
    # the few words with a meaning
    *[(word, True) for word in ("true", "True", "TRUE")],
    *[(word, False) for word in ("false", "False", "FALSE")],
    *[(word, None) for word in ("", "~", "null", "Null", "NULL")],
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_a_plain_scalar_has_its_core_value_and_type(text: str, value: object) -> None:
    found = resolve_plain(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("text", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e999", "-1e999"])
def test_a_number_that_is_not_finite_is_refused(text: str) -> None:
    with pytest.raises(ScalarError, match="number"):
        resolve_plain(text)


@pytest.mark.parametrize("text", ["9" * 5000, "-" + "1" * 101, "0." + "1" * 5000, "0x" + "f" * 200])
def test_an_endless_number_is_refused_and_not_converted(text: str) -> None:
    with pytest.raises(ScalarError, match="too long"):
        resolve_plain(text)


@given(st.integers(-(10**30), 10**30))
def test_every_integer_reads_back(number: int) -> None:
    assert resolve_plain(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_reads_back(number: float) -> None:
    found = resolve_plain(repr(number))
    assert isinstance(found, float)
    assert math.copysign(1, found) == math.copysign(1, number)
    assert found == number


@given(st.text())
def test_any_text_has_a_value_or_is_refused_properly(text: str) -> None:
    try:
        found = resolve_plain(text)
    except ScalarError:
        return
    assert found is None or isinstance(found, bool | int | float | str)


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [("str", "12", "12"), ("float", "3", 3.0), ("int", "010", 10), ("bool", "true", True)],
)
def test_a_core_tag_fixes_the_type(tag: str, text: str, value: object) -> None:
    found = resolve_tagged(tag, text, plain=True)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(("tag", "text"), [("int", "x"), ("int", "1.5"), ("bool", "yes")])
def test_a_core_tag_on_another_value_is_refused(tag: str, text: str) -> None:
    with pytest.raises(ScalarError, match=f"!!{tag}"):
        resolve_tagged(tag, text, plain=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-4", 0.0003),
        ("no", "no"),
        ("a: b # c", "a: b # c"),
        ("[1, 2.5, x]", [1, 2.5, "x"]),
        ("{class: AdamW}", {"class": "AdamW"}),
        ("'5'", "5"),
        ('"\\t"', "\t"),
        ("*", "*"),
        ("", None),
    ],
)
def test_a_parameter_on_the_command_line_is_typed_as_in_a_spec(text: str, value: object) -> None:
    assert parse_scalar(text) == value


@pytest.mark.parametrize("text", ["[1", "{a: 1, a: 2}", "'x", ".nan", "9" * 200, "[!!binary x]"])
def test_a_parameter_without_a_value_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_scalar(text)
    assert {problem.code for problem in caught.value.problems} == {"bad-parameter"}
    assert all(problem.help for problem in caught.value.problems)
