"""The settings of a layer that matter: what its class requires, and what is not the default."""

from __future__ import annotations

from collections.abc import Mapping

from kover.catalogue import Entry
from kover.modelconfig.keras_values import shorten
from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.planning.layer_classes import layer_entry
from kover.planning.meaning import same_as_default
from kover.values import JSON, as_mapping

_ELSEWHERE = frozenset({"name", "trainable", "build_input_shape"})  # columns of their own
_INPUT = frozenset({"batch_shape", "batch_input_shape", "sparse", "ragged"})
_ALWAYS = ("units", "filters", "kernel_size", "rate", "activation")
_FLOAT32 = "float32"


def settings_that_matter(tree: ModelTree, node: LayerNode) -> Mapping[str, JSON]:
    """Attribute -> value in short form, the most telling first."""
    entry = layer_entry(node)
    attributes = {
        name: value
        for name, value in tree.attributes(node).items()
        if name not in _ELSEWHERE and not (name in _INPUT and node.class_name == "InputLayer")
    }
    told = [name for name in attributes if _matters(name, attributes[name], entry)]
    told.sort(key=lambda name: _ALWAYS.index(name) if name in _ALWAYS else len(_ALWAYS))
    return {name: _compact(name, shorten(attributes[name])) for name in told}


def _matters(name: str, value: JSON, entry: Entry | None) -> bool:
    if name == "dtype":
        return shorten(value) != _FLOAT32
    if entry is None:
        return value not in (None, [], {})
    argument = entry.arguments.get(name)
    if argument is None:
        return False  # written by an older Keras, and read no more
    if name in _ALWAYS:
        return value is not None and not (name == "activation" and shorten(value) == "linear")
    return argument.required or not same_as_default(value, argument)


def _compact(name: str, value: JSON) -> JSON:
    """`3` for a kernel of `[3, 3]`: as a person writes it."""
    sizes = ("kernel_size", "pool_size", "strides", "size", "dilation_rate")
    if name in sizes and isinstance(value, list) and value and value == [value[0]] * len(value):
        return value[0]
    return value


def whole_config(tree: ModelTree, node: LayerNode) -> tuple[Mapping[str, JSON], frozenset[str]]:
    """Every attribute in short form, and the names of those that have their default."""
    entry = layer_entry(node)
    attributes = {
        name: value for name, value in tree.attributes(node).items() if name != "build_input_shape"
    }
    defaults = {
        name
        for name, value in attributes.items()
        if entry is not None and same_as_default(value, entry.arguments.get(name))
    }
    return {name: _held(shorten(value)) for name, value in attributes.items()}, frozenset(defaults)


def _held(value: JSON) -> JSON:
    """A short value whose object has no name left stands as it is."""
    return dict(as_mapping(value)) if isinstance(value, dict) else value
