"""Laws of comparing configs, on made-up models; and the pairing of layers, case by case."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.diffing.pairing import Side, is_made_up, out_of_order
from kover.diffing.patch import patch
from kover.diffing.trees import TreeDiff, compare_trees
from kover.modelconfig.tree import read_tree

NAMES = ["a", "b", "c", "dense", "dense_1", "dense_2", "dropout", "dropout_3"]


def dense(name: str, **more: Any) -> dict[str, Any]:
    return {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {"name": name, "trainable": True, "units": 3, **more},
        "registered_name": None,
    }


def holder(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    module = "keras" if class_name in ("Sequential", "Functional") else "keras.layers"
    return {
        **dense(name),
        "module": module,
        "class_name": class_name,
        "config": config | {"name": name},
    }


def model(*layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return holder("Sequential", "net", layers=list(layers), **more)


def compared(before: dict[str, Any], after: dict[str, Any]) -> TreeDiff:
    return compare_trees(Side(read_tree(before)), Side(read_tree(after)))


def kinds(found: TreeDiff) -> list[tuple[str, str, str | None]]:
    return [(each.layer, each.kind, each.renamed_from) for each in found.layers]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(width=32) | st.sampled_from(NAMES),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def records(draw: st.DrawFn, name: str, depth: int) -> dict[str, Any]:
    kind = draw(
        st.sampled_from(["Dense", "Dropout", "Sequential", "TimeDistributed"][: 4 if depth else 2])
    )
    config = draw(
        st.dictionaries(st.sampled_from(["units", "rate", "extra", "module"]), values, max_size=3)
    )
    if kind == "Sequential":
        config["layers"] = draw(siblings(depth - 1))
    if kind == "TimeDistributed":
        config["layer"] = draw(records(draw(st.sampled_from(NAMES)), depth - 1))
    record = holder(kind, name, **config)
    if draw(st.booleans()):
        record["name"] = name
        record["inbound_nodes"] = [[[draw(st.sampled_from(NAMES)), 0, 0, {}]]]
    if draw(st.booleans()):
        record["build_config"] = {"input_shape": draw(st.lists(st.integers(1, 3), max_size=2))}
    return record


@st.composite
def siblings(draw: st.DrawFn, depth: int) -> list[dict[str, Any]]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    return [draw(records(name, depth)) for name in names]


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    more = draw(st.dictionaries(st.sampled_from(["trainable", "dtype"]), values, max_size=2))
    return {
        **holder(
            "Sequential", draw(st.sampled_from(["net", "other"])), layers=draw(siblings(2)), **more
        ),
        "compile_config": draw(st.dictionaries(st.sampled_from(["loss", "metrics"]), values)),
    }


def text(config: object) -> str:
    return json.dumps(config, sort_keys=True)


@given(models())
def test_a_model_does_not_differ_from_its_copy(config: dict[str, Any]) -> None:
    found = compared(config, json.loads(json.dumps(config)))
    assert not found.layers
    assert not found.model
    assert not found.patch.edits
    assert not found.patch.added
    assert not found.patch.origins


@given(models(), models())
def test_the_patch_turns_one_config_exactly_into_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    originals = text(before), text(after)
    assert text(patch(before, compared(before, after).patch)) == originals[1]
    assert (text(before), text(after)) == originals


@given(models(), models())
def test_what_is_added_one_way_is_removed_the_other_way(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    there, back = compared(before, after), compared(after, before)
    paired = {(one, other) for other, one in there.pairing.before.items()}
    if paired == {(one, other) for one, other in back.pairing.before.items()}:
        added = sorted(each.layer for each in there.layers if each.kind == "added")
        assert added == sorted(each.layer for each in back.layers if each.kind == "removed")
    by_path = {path for path in there.pairing.before if path in there.pairing.after}
    assert by_path <= set(back.pairing.before) | set(back.pairing.after)


@given(models(), models())
def test_every_exact_edit_of_a_setting_is_shown_or_means_nothing(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    found = compared(before, after)
    shown = {layer.layer: {change.attribute for change in layer.changes} for layer in found.layers}
    for layer, edits in found.patch.edits.items():
        for edit in edits:
            if (
                layer
                and edit.pointer == ("config", "units")
                and type(edit.before) is type(edit.after)
            ):
                different = edit.before != edit.after and edit.before == edit.before
                assert not different or isinstance(edit.before, float) or "units" in shown[layer]


def test_a_nested_layers_change_is_told_once_at_its_own_path() -> None:
    before = model(holder("TimeDistributed", "td", layer=dense("inner")))
    after = copy.deepcopy(before)
    after["config"]["layers"][0]["config"]["layer"]["config"]["units"] = 4
    found = compared(before, after)
    assert kinds(found) == [("td/inner", "changed", None)]
    assert [change.attribute for change in found.layers[0].changes] == ["units"]


def test_an_argument_of_a_call_that_is_none_is_as_good_as_absent() -> None:
    def functional(kwargs: dict[str, Any]) -> dict[str, Any]:
        call = {"args": [["a", 0, 0]], "kwargs": kwargs}
        second = {**dense("b"), "name": "b", "inbound_nodes": [call]}
        first = {**dense("a"), "name": "a", "inbound_nodes": []}
        return holder("Functional", "net", layers=[first, second])

    assert not compared(functional({"mask": None}), functional({})).layers
    assert compared(functional({"mask": None}), functional({"mask": True})).layers


def test_layers_of_a_renamed_model_pair_up() -> None:
    inner = [dense("stem"), dense("deep", units=5)]
    found = compared(
        model(holder("Sequential", "backbone", layers=inner)),
        model(holder("Sequential", "encoder", layers=inner)),
    )
    assert kinds(found) == [("encoder", "renamed", "backbone")]


def test_a_renamed_layer_takes_its_references_along() -> None:
    def functional(name: str) -> dict[str, Any]:
        layers = [
            {**dense(name, units=9), "name": name, "inbound_nodes": []},
            {**dense("next"), "name": "next", "inbound_nodes": [[[name, 0, 0, {}]]]},
        ]
        return holder(
            "Functional",
            "net",
            layers=layers,
            input_layers=[[name, 0, 0]],
            output_layers=[["next", 0, 0]],
        )

    found = compared(functional("old"), functional("new"))
    assert kinds(found) == [("new", "renamed", "old")]
    assert not found.model


def test_another_config_under_another_name_is_no_renaming() -> None:
    found = compared(model(dense("a", units=1)), model(dense("b", units=2)))
    assert kinds(found) == [("b", "added", None), ("a", "removed", None)]


def test_weights_tell_renamed_layers_from_new_ones() -> None:
    trees = read_tree(model(dense("a"), dense("b"))), read_tree(model(dense("c"), dense("d")))
    sides = (
        Side(trees[0], {"a": "one", "b": "two"}.__getitem__),
        Side(trees[1], {"c": "two", "d": "three"}.__getitem__),
    )
    found = compare_trees(*sides)
    assert kinds(found) == [("c", "renamed", "b"), ("d", "added", None), ("a", "removed", None)]


def test_made_up_names_pair_in_order_whatever_changed() -> None:
    found = compared(
        model(dense("dense_4", units=1), dense("dense_5")),
        model(dense("dense_7", units=2), dense("dense_8")),
    )
    assert kinds(found) == [("dense_7", "renamed", "dense_4"), ("dense_8", "renamed", "dense_5")]


def test_a_layer_that_changes_places_has_moved() -> None:
    layers = [dense(name) for name in "abcd"]
    found = compared(model(*layers), model(layers[3], *layers[:3]))
    assert kinds(found) == [("d", "moved", None)]


def test_a_layer_that_goes_into_another_model_has_moved() -> None:
    found = compared(
        model(dense("a", units=7), holder("Sequential", "box", layers=[])),
        model(holder("Sequential", "box", layers=[dense("a", units=7)])),
    )
    assert kinds(found) == [("box/a", "moved", "a")]


def test_what_an_added_model_holds_went_along_with_it() -> None:
    found = compared(model(), model(holder("Sequential", "box", layers=[dense("a"), dense("b")])))
    assert [(each.layer, each.holds, each.within) for each in found.layers] == [
        ("box", 2, None),
        ("box/a", 0, "box"),
        ("box/b", 0, "box"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"units": 3.0},
        {
            "dtype": {
                "module": "keras",
                "class_name": "DTypePolicy",
                "config": {"name": "float32"},
                "registered_name": None,
            }
        },
        {"rate": 0.10000000149011612},
    ],
)
def test_noise_is_no_change(change: dict[str, Any]) -> None:
    plain = {"units": 3, "dtype": "float32", "rate": 0.1}
    found = compared(model(dense("a", **plain)), model(dense("a", **plain | change)))
    assert not found.layers
    assert found.patch.edits


def test_absent_is_not_null_and_true_is_not_one() -> None:
    found = compared(model(dense("a", x=None, y=1)), model(dense("a", y=True)))
    assert [(each.attribute, repr(each.after)) for each in found.layers[0].changes] == [
        ("x", "MISSING"),
        ("y", "True"),
    ]


@pytest.mark.parametrize(
    ("name", "class_name", "expected"),
    [
        ("dense_12", "Dense", True),
        ("max_pooling2d", "MaxPooling2D", True),
        ("input_3", "InputLayer", True),
        ("dense_input", "InputLayer", True),
        ("adamw", "AdamW", True),
        ("conv1", "Conv2D", False),
        ("dense_head", "Dense", False),
    ],
)
def test_names_that_keras_makes_up_are_known(name: str, class_name: str, expected: bool) -> None:
    assert is_made_up(name, class_name) is expected


@given(st.permutations(range(8)))
def test_what_stays_in_order_is_as_long_as_can_be(positions: list[int]) -> None:
    left_out = out_of_order(positions)
    kept = [value for place, value in enumerate(positions) if place not in left_out]
    assert kept == sorted(kept)
    best = [1] * 8
    for place, value in enumerate(positions):
        best[place] += max((best[i] for i in range(place) if positions[i] < value), default=0)
    assert len(kept) == max(best)
