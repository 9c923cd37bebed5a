"""Losses, metrics and weights by output name: the names must be the model's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kover.catalogue.forms import names_an_object
from kover.modelconfig.tree import ModelTree
from kover.problems import Problem
from kover.spec.document import Value
from kover.suggest import did_you_mean
from kover.values import JSON


def output_names(
    tree: ModelTree, renamed: Mapping[str, str] | None = None
) -> tuple[str, ...] | None:
    """The names that an output goes by, or None where the config does not tell.

    Keras names an output after the layer that makes it; in a model with a mapping of outputs, the
    mapping's keys serve as well.

    Args:
        tree: the model.
        renamed: new names of its own layers.
    """
    wired, new = tree.model_config.get("output_layers"), renamed or {}
    if wired is not None:
        return tuple(dict.fromkeys((*_keys(wired), *(new.get(n, n) for n in _layers(wired)))))
    if "layers" in tree.model_config and tree.top_level and tree.class_name == "Sequential":
        last = tree.top_level[-1].name
        return (new.get(last, last),)
    return None


def free_output_names(tree: ModelTree) -> frozenset[str]:
    """The names of outputs that are not those of layers: the keys of a mapping of outputs."""
    return frozenset(_keys(tree.model_config.get("output_layers")))


def _keys(wired: JSON) -> Iterator[str]:
    if isinstance(wired, dict):
        yield from wired
    for item in _items(wired):
        yield from _keys(item)


def _layers(wired: JSON) -> Iterator[str]:
    if isinstance(wired, list) and len(wired) == 3 and isinstance(wired[0], str):
        yield wired[0]
        return
    for item in _items(wired):
        yield from _layers(item)


def _items(wired: JSON) -> list[JSON]:
    if isinstance(wired, dict):
        return list(wired.values())
    return wired if isinstance(wired, list) else []


def unknown_outputs(
    tree: ModelTree, argument: str, value: Value, renamed: Mapping[str, str] | None = None
) -> list[Problem]:
    """The keys of a mapping by output name that name no output; `renamed` as in `output_names`."""
    if not isinstance(value.data, dict) or names_an_object(value.data):
        return []
    names = output_names(tree, renamed)
    if names is None:
        return []
    return [
        Problem(
            "unknown-output",
            f"{argument}: the model has no output '{key}'",
            value.key_source(key),
            did_you_mean(key, names, "outputs"),
        )
        for key in value.data
        if key not in names
    ]
