"""Values as YAML: what is written is what a spec reads."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kover.drafting.checking import read_text
from kover.values import JSON, normal, same
from kover.yaml_text import flow

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(TEXTS.filter(bool), inner, max_size=3)
    ),
    max_leaves=6,
)


def read_back(text: str) -> JSON:
    spec = read_text(f"version: 1\noverrides:\n  - layers: a\n    set:\n      key: {text}\n")
    value = spec.overrides[0].set[0].value
    assert value is not None
    return value.data


@given(VALUES)
def test_a_spec_reads_what_was_written(value: JSON) -> None:
    text = flow(value, literal=True)
    assert text.isprintable()
    assert same(read_back(text), normal(value))


@given(VALUES)
def test_readers_of_older_yaml_read_the_same(value: JSON) -> None:
    assert same(yaml.safe_load(flow(value)), normal(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("relu", "relu"),
        ("my_pkg>Clip", "my_pkg>Clip"),
        ("no", '"no"'),
        ("1e-4", '"1e-4"'),
        ("a: b", '"a: b"'),
        ("", '""'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("\u202e", '"\\u202e"'),
        (1e-07, "1.0e-7"),
        (0.0010000000474974513, "0.001"),
        ({"class": "L2", "l2": 0.01}, "{class: L2, l2: 0.01}"),
        ([None, True], "[null, true]"),
    ],
)
def test_people_can_read_it(value: JSON, text: str) -> None:
    assert flow(value) == text


def test_a_dollar_is_a_dollar() -> None:
    assert flow("${x}") == '"${x}"'
    assert read_back(flow("${x} $${y}", literal=True)) == "${x} $${y}"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_yaml_cannot_hold_is_refused(value: JSON) -> None:
    with pytest.raises(ValueError, match=r"finite|surrogate"):
        flow(value)
