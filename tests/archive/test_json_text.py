"""JSON that must not be edited is refused where it stands; the rest survives as it is."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.archive.json_text import read_json, read_json_object
from kover.archive.limits import Limits
from kover.errors import InputError
from kover.problems import Problem

LIMITS = Limits()
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('abc\\"é'), inner),
)


def problem_of(data: bytes) -> Problem:
    with pytest.raises(InputError) as caught:
        read_json(data, "m.keras", "config.json", LIMITS)
    return caught.value.problems[0]


def code_of(data: bytes) -> str | None:
    try:
        read_json(data, "m", "c", LIMITS)
    except InputError as error:
        return error.problems[0].code
    return None


@given(VALUES)
def test_what_json_writes_is_read_back(value: object) -> None:
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)
        assert read_json(text.encode(), "m", "c", LIMITS) == value


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        (b"", (1, 1), "not JSON"),
        (b'{"a": 1,\n  "b": }', (2, 8), "not JSON"),
        (b'{"a": 1} x', (1, 10), "Extra data"),
        (b'{"a": "\x01"}', (1, 8), "control character"),
        (b'{"a": "\x00"}', (1, 8), "control character"),
        (b'\xef\xbb\xbf{"a": 1}', (1, 1), "byte order mark"),
        ('{"a": 1}'.encode("utf-16"), (1, 1), "UTF-16"),
        (b'{\n"a": "\xff"}', (2, 7), "not UTF-8"),
        (b'{"a": 1,\n "b": {"a": 2, "a": 3}}', (2, 16), "repeats the key 'a'"),
        (b'{"\\u0061": 1, "a": 2}', (1, 15), "repeats the key"),
        (b'{"a": [1, 1e999]}', (1, 11), "1e999"),
        (b'{"a": -1e999}', (1, 7), "1e999"),
        (b'{"a": ' + b"9" * 400 + b"}", (1, 7), "integer too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", (1, 7), "integer too large"),
        (b'{"a": "\\ud800"}', (1, 7), "surrogate"),
        (b'{"\\udfff": 1}', (1, 2), "surrogate"),
        (b"[" * 101 + b"]" * 101, (1, 101), "levels deep"),
        (b"[" * 200_000, (1, 101), "levels deep"),
        (b'{"a":' * 90_000 + b"1" + b"}" * 90_000, (1, 501), "levels deep"),
    ],
)
def test_faults_have_a_line_and_a_column(data: bytes, place: tuple[int, int], words: str) -> None:
    problem = problem_of(data)
    assert problem.code == "broken-json"
    assert words in problem.message
    assert "config.json" in problem.message
    assert problem.source is not None
    assert (problem.source.line, problem.source.column) == place
    assert problem.source.inside == "config.json"


def test_nan_and_infinity_that_keras_writes_survive() -> None:
    value = read_json(b'{"a": [NaN, Infinity, -Infinity]}', "m", "c", LIMITS)
    assert json.dumps(value) == '{"a": [NaN, Infinity, -Infinity]}'
    with pytest.raises(InputError, match="1e400"):
        read_json(b'{"a": [Infinity, 1e400]}', "m", "c", LIMITS)


def test_numbers_within_a_float_survive() -> None:
    assert read_json(b"[0, -0.0, 1e308, 123456789012345678901234567890]", "m", "c", LIMITS) == [
        0,
        -0.0,
        1e308,
        123456789012345678901234567890,
    ]
    assert math.copysign(1, read_json(b"-0.0", "m", "c", LIMITS)) == -1  # type: ignore[arg-type]


def test_surrogate_pairs_are_characters() -> None:
    assert read_json(b'"\\ud83d\\ude00"', "m", "c", LIMITS) == "\N{GRINNING FACE}"


def test_one_hundred_levels_are_fine() -> None:
    read_json(b"[" * 100 + b"]" * 100, "m", "c", LIMITS)


@pytest.mark.parametrize("data", [b"[]", b"null", b'"text"', b"1"])
def test_a_member_that_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="object"):
        read_json_object(data, "m", "c", LIMITS)


def test_a_long_string_full_of_escapes_takes_no_quadratic_time() -> None:
    data = b'{"a": "' + b'\\"' * 500_000 + b'", "a": 1}'
    assert "repeats" in problem_of(data).message
    assert problem_of(b'{"a": "' + b'\\"' * 500_000).code == "broken-json"


@given(st.binary(max_size=60))
def test_no_bytes_escape_as_another_error(data: bytes) -> None:
    assert code_of(data) in {None, "broken-json"}


@given(st.text('[]{}:,"\\u0aN-1eE.+ \nf', max_size=40))
def test_no_text_escapes_as_another_error(text: str) -> None:
    assert code_of(text.encode()) in {None, "broken-json"}
