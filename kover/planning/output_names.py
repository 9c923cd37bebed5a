"""Losses, metrics and weights by output name: the names must be the model's."""

from __future__ import annotations

from collections.abc import Iterator

from kover.catalogue.forms import names_an_object
from kover.modelconfig.tree import ModelTree
from kover.problems import Problem
from kover.spec.document import Value
from kover.suggest import did_you_mean
from kover.values import JSON


def output_names(tree: ModelTree) -> tuple[str, ...] | None:
    """The names that an output goes by, or None where the config does not tell.

    Keras names an output after the layer that makes it; in a model with a mapping of outputs, the
    mapping's keys serve as well.
    """
    wired = tree.model_config.get("output_layers")
    if wired is not None:
        return tuple(dict.fromkeys(_names(wired)))
    if "layers" in tree.model_config and tree.top_level and tree.class_name == "Sequential":
        return (tree.top_level[-1].name,)
    return None


def _names(wired: JSON) -> Iterator[str]:
    if isinstance(wired, dict):
        for key, item in wired.items():
            yield key
            yield from _names(item)
    elif isinstance(wired, list):
        if len(wired) == 3 and isinstance(wired[0], str):
            yield wired[0]
        else:
            for item in wired:
                yield from _names(item)


def unknown_outputs(tree: ModelTree, argument: str, value: Value) -> list[Problem]:
    """The keys of a mapping by output name that name no output."""
    if not isinstance(value.data, dict) or names_an_object(value.data):
        return []
    names = output_names(tree)
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
