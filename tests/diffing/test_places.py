"""Layers renamed and changed at once: paired where their weights or their place make it clear."""

from __future__ import annotations

from typing import Any

import pytest

from kover.diffing.pairing import Side
from kover.diffing.patch import patch
from kover.diffing.trees import compare_trees
from kover.modelconfig.tree import read_tree

Layer = dict[str, Any]


def layer(class_name: str, name: str, *inputs: str, **config: Any) -> Layer:
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, "trainable": True, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [[[each, 0, 0, {}] for each in inputs]] if inputs else [],
    }


def functional(*layers: Layer, name: str = "net") -> Layer:
    config = {
        "layers": list(layers),
        "input_layers": [[layers[0]["name"], 0, 0]],
        "output_layers": [[layers[-1]["name"], 0, 0]],
    }
    return layer("Functional", name) | {"config": {"name": name, **config}, "module": "keras"}


def sequential(*layers: Layer) -> Layer:
    return layer("Sequential", "net") | {
        "config": {"name": "net", "layers": list(layers)},
        "module": "keras",
    }


def kinds(
    before: Layer, after: Layer, stored: dict[str, str] | None = None
) -> set[tuple[Any, ...]]:
    """What became of the layers; `stored` tells what is stored by layer, as digests."""

    def digest(path: str) -> str:
        return (stored or {}).get(path, "")

    found = compare_trees(Side(read_tree(before), digest), Side(read_tree(after), digest))
    assert patch(before, found.patch) == after
    return {
        (each.renamed_from, each.layer, each.kind, *(change.attribute for change in each.changes))
        for each in found.layers
    }


def dense(name: str, *inputs: str, units: int = 4) -> Layer:
    return layer("Dense", name, *inputs, units=units)


def drop(name: str, *inputs: str, rate: float = 0.1) -> Layer:
    return layer("Dropout", name, *inputs, rate=rate)


def test_a_layer_between_the_same_layers_was_renamed_and_changed() -> None:
    before = sequential(dense("stem"), drop("old"), dense("head"))
    after = sequential(dense("stem"), drop("new", rate=0.5), dense("head"))
    assert kinds(before, after) == {("old", "new", "renamed", "rate")}


def test_a_file_of_such_layers_is_followed_from_both_ends() -> None:
    before = sequential(dense("stem"), dense("a"), drop("b"), dense("c"), dense("head"))
    after = sequential(
        *(dense("stem"), dense("x", units=5), drop("y", rate=0.5), dense("z", units=6)),
        dense("head"),
    )
    assert kinds(before, after) == {
        ("a", "x", "renamed", "units"),
        ("b", "y", "renamed", "rate"),
        ("c", "z", "renamed", "units"),
    }


def test_the_last_layer_of_a_model_has_a_place_as_well() -> None:
    before = functional(dense("stem"), dense("head", "stem"))
    after = functional(dense("stem"), dense("classes", "stem", units=9))
    assert kinds(before, after) == {("head", "classes", "renamed", "units")}


def test_two_that_could_be_meant_are_not_guessed_between() -> None:
    def model(*names: str, units: int) -> Layer:
        branches = (dense(name, "stem", units=units + place) for place, name in enumerate(names))
        return functional(dense("stem"), *branches, layer("Add", "sum", *names))

    assert kinds(model("a", "b", units=1), model("c", "d", units=5)) >= {
        (None, "a", "removed"),
        (None, "b", "removed"),
        (None, "c", "added"),
        (None, "d", "added"),
    }


def test_of_two_branches_what_they_store_tells_which_is_which() -> None:
    def model(*names: str, units: int) -> Layer:
        branches = (dense(name, "stem", units=units) for name in names)
        return functional(dense("stem"), *branches, layer("Add", "sum", *names))

    found = kinds(
        model("a", "b", units=1),
        model("c", "d", units=5),
        {"a": "one", "b": "two", "c": "two", "d": "one"},
    )
    assert {("b", "c"), ("a", "d")} <= {pair[:2] for pair in found}


def test_the_same_weights_twice_tell_nothing() -> None:
    before = functional(dense("a"), layer("Flatten", "x", "a"), dense("b", "x"))
    after = functional(dense("c", units=5), layer("Reshape", "y", "c"), dense("d", "y", units=6))
    same = dict.fromkeys("abcd", "one")
    assert {kind for _, _, kind, *_ in kinds(before, after, same)} == {"added", "removed"}


def test_another_class_in_the_place_is_another_layer() -> None:
    before = sequential(dense("stem"), drop("old"), dense("head"))
    after = sequential(dense("stem"), layer("GaussianDropout", "new", rate=0.5), dense("head"))
    assert kinds(before, after) == {(None, "old", "removed"), (None, "new", "added")}


def test_a_layer_that_is_gone_is_not_the_next_one_that_changed() -> None:
    before = sequential(dense("stem"), dense("gone"), dense("kept"), dense("head", units=1))
    after = sequential(dense("stem"), dense("new", units=7), dense("head", units=1))
    assert {kind for _, _, kind, *_ in kinds(before, after)} == {"added", "removed"}


@pytest.mark.parametrize("role", ["layer", "forward_layer"])
def test_a_wrapper_has_a_place_for_its_layer(role: str) -> None:
    before, after = (
        sequential(
            layer("Wrapper", "w", **{role: dense(name, units=units)}),
            dense("head"),
        )
        for name, units in (("old", 1), ("new", 2))
    )
    assert kinds(before, after) == {("w/old", "w/new", "renamed", "units")}


def test_what_a_renamed_and_changed_model_holds_is_paired_with_it() -> None:
    def model(name: str, *, trainable: bool) -> Layer:
        inner = functional(dense("stem"), dense("deep", "stem"), name=name)
        inner["config"]["trainable"] = trainable
        inner["inbound_nodes"] = [[["stem", 0, 0, {}]]]
        return functional(dense("stem"), inner, dense("head", name))

    found = kinds(model("backbone", trainable=True), model("encoder", trainable=False))
    assert found == {("backbone", "encoder", "renamed", "trainable")}
