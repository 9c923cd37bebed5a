"""What the layers' classes take: Keras' own from the catalogue, custom ones from their configs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

from kover.catalogue import Argument, Entry, argument_from_saved, catalogue
from kover.modelconfig.records import keras_package
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.values import JSON, MISSING, Missing

_LAYER_PACKAGES = frozenset({"", "layers", "models", "engine"})
_WIRING = frozenset({"layers", "input_layers", "output_layers"})


class Configs(Protocol):
    """Where layers' configs are read: a tree, or the edits made to one so far."""

    def config(self, node: LayerNode) -> Mapping[str, JSON]:
        """The layer's `config`."""

    def attributes(self, node: LayerNode) -> Mapping[str, JSON]:
        """The layer's `config` without the layers it holds."""


def layer_entry(node: LayerNode) -> Entry | None:
    """The catalogue's entry of the layer's class; None for a custom class.

    Operations stand among a model's layers as well (`keras.src.ops.numpy.Add`, for `x + 1`), some
    under the name of a layer: of these, too, only the saved config tells.
    """
    if node.module is not None and keras_package(node.module) not in _LAYER_PACKAGES:
        return None
    return _layer_entry(node.class_name, node.registered_name)


@lru_cache(maxsize=1024)
def _layer_entry(class_name: str, registered_name: str | None) -> Entry | None:
    return catalogue().layer(class_name, registered_name)


def layer_argument(
    node: LayerNode, attribute: str, saved: JSON | Missing = MISSING
) -> Argument | None:
    """What is known of an attribute (no dots) of the layer.

    Args:
        node: the layer.
        attribute: its attribute.
        saved: the attribute's value in the layer's config; of a custom class it shows the kind.
    """
    entry = layer_entry(node)
    if entry is not None and attribute in entry.arguments:
        return entry.arguments[attribute]
    if saved is MISSING or "." in attribute:
        return None
    return _first_such(argument_from_saved(attribute, saved))


@lru_cache(maxsize=1024)
def _first_such(argument: Argument) -> Argument:
    """One object for all equal ones, so that a checked value can be remembered by it."""
    return argument


def record_entry(record: Mapping[str, JSON]) -> Entry | None:
    """The catalogue's entry of a serialised object of Keras' own; None for a custom one."""
    return catalogue().entry_for_record(dict(record))


def takes(configs: Configs, node: LayerNode, attribute: str) -> bool:
    """Whether the layer has the attribute (no dots): its class takes it, or its config shows it.

    An input layer's constructor takes `trainable` like any other, but there is nothing to train
    and Keras never saves it: such a layer counts as one without.
    """
    if attribute in configs.config(node):
        return True
    entry = layer_entry(node)
    argument = entry.arguments.get(attribute) if entry is not None else None
    return argument is not None and (argument.saved or attribute != "trainable")


def attribute_names(configs: Configs, node: LayerNode) -> set[str]:
    """The attributes of the layer that a spec can set."""
    entry = layer_entry(node)
    known = [name for name in entry.arguments if takes(configs, node, name)] if entry else []
    return {*known, *configs.attributes(node)} - {"name"}


def holds_layers(tree: ModelTree, node: LayerNode, attribute: str) -> bool:
    """Whether the attribute is where the layer keeps other layers, or how a model wires them."""
    if node.is_model and attribute in _WIRING:
        return True
    return attribute in tree.holders(node)
