from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.modelconfig.edit import (
    json_path,
    layer_config,
    replaced,
    value_at,
    with_layer_config,
)
from kover.modelconfig.tree import read_tree
from kover.values import MISSING

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)
ROOTS = st.dictionaries(st.text(max_size=3), VALUES, min_size=1)


def pointers(value: Any) -> list[tuple[Any, ...]]:
    """Every place below a value."""
    steps: Any = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    found: list[tuple[Any, ...]] = []
    for step, item in steps:
        found += [(step,), *((step, *rest) for rest in pointers(item))]
    return found


@st.composite
def places(draw: Any) -> tuple[Any, tuple[Any, ...]]:
    root = draw(ROOTS)
    return root, draw(st.sampled_from(pointers(root)))


@given(places(), VALUES)
def test_what_was_put_is_got(place: Any, value: Any) -> None:
    root, pointer = place
    assert value_at(replaced(root, pointer, value), pointer) == value


@given(places())
def test_putting_what_is_there_changes_nothing(place: Any) -> None:
    root, pointer = place
    assert replaced(root, pointer, value_at(root, pointer)) == root


@given(places(), VALUES, VALUES)
def test_the_last_put_wins(place: Any, one: Any, two: Any) -> None:
    root, pointer = place
    assert replaced(replaced(root, pointer, one), pointer, two) == replaced(root, pointer, two)


@given(places(), VALUES)
def test_the_old_root_stays_and_what_did_not_change_is_shared(place: Any, value: Any) -> None:
    root, pointer = place
    before = copy.deepcopy(root)
    new = replaced(root, pointer, value)
    assert root == before
    for key, item in root.items():
        if key != pointer[0]:
            assert new[key] is item


@given(places())
def test_missing_removes_a_key(place: Any) -> None:
    root, pointer = place
    if isinstance(pointer[-1], int):
        with pytest.raises(LookupError):
            replaced(root, pointer, MISSING)
        return
    without = replaced(root, pointer, MISSING)
    assert value_at(without, pointer) is MISSING
    assert replaced(without, pointer, value_at(root, pointer)) == root
    assert replaced(without, pointer, MISSING) == without


def test_a_new_key_goes_to_the_end() -> None:
    assert list(replaced({"b": 1, "c": 2}, ("a",), 3)) == ["b", "c", "a"]
    assert list(replaced({"b": 1, "c": 2}, ("b",), 3)) == ["b", "c"]


@pytest.mark.parametrize(
    "pointer", [("x", "y"), ("a", 2), ("a", -1), ("a", "0"), ("b", "c"), ("a", 0, "z"), (0,), ()]
)
def test_a_place_that_is_not_there_cannot_be_edited(pointer: Any) -> None:
    with pytest.raises(LookupError):
        replaced({"a": [1, 2], "b": None}, pointer, 5)
    assert pointer == () or value_at({"a": [1, 2], "b": None}, pointer) is MISSING


def test_a_layers_config_is_replaced_where_the_layer_is(record: Any) -> None:
    inner = record.sequential("inner", record.layer("Dense", "d", units=3))
    root = record.sequential("net", record.layer("Dense", "d", units=9), inner)
    node = read_tree(root).node("inner/d")
    new = with_layer_config(root, node, {**layer_config(root, node), "units": 4})
    assert layer_config(new, node)["units"] == 4
    assert layer_config(root, node)["units"] == 3
    assert new["config"]["layers"][0] is root["config"]["layers"][0]  # type: ignore[index,call-overload]  # JSON by hand
    assert [n.path for n in read_tree(new).layers] == ["d", "inner", "inner/d"]


def test_a_pointer_reads_like_a_path() -> None:
    assert json_path(("config", "layers", 3, "config", "units")) == "config.layers[3].config.units"
    assert json_path(()) == "the root"
