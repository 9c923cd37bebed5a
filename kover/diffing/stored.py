"""The arrays of one archive, each under its layer and variable."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from kover.archive.weights import StoredArray, WeightsFile
from kover.diffing.variable_names import is_parameter, is_trained, variable_name
from kover.modelconfig.nodes import ModelTree
from kover.modelconfig.storage import storage_map
from kover.values import JSON

Key = tuple[str, str]
"""A layer's path and a variable's name; the path is `""` for what belongs to no layer."""

OPTIMIZER = "optimizer/"


@dataclass(frozen=True)
class StoredModel:
    """Who owns what in a weights file.

    Attributes:
        tree: the model.
        weights: the file, None where the archive has none.
        arrays: every array outside the optimizer.
        optimizer: the optimizer's arrays by HDF5 path.
    """

    tree: ModelTree
    weights: WeightsFile | None
    arrays: Mapping[Key, StoredArray]
    optimizer: Mapping[str, StoredArray]

    def digest(self, path: str) -> str | None:
        """A digest of what the layer at `path` and the layers in it store; "" if nothing."""
        if self.weights is None:
            return None
        hasher = hashlib.blake2b(digest_size=16)
        keys = self._within.get(path, ())
        for layer, variable in keys:
            array = self.arrays[layer, variable]
            head = (layer[len(path) :], variable, array.shape, array.dtype)
            hasher.update(repr(head).encode("utf-8", "surrogatepass"))
            for piece in self.weights.chunks(array):
                hasher.update(piece)
        return hasher.hexdigest() if keys else ""

    @cached_property
    def _within(self) -> Mapping[str, list[Key]]:
        """The arrays of each layer and of the layers in it, by path."""
        found: dict[str, list[Key]] = {}
        for layer, variable in self.arrays:
            end = 0
            while end >= 0:
                end = layer.find("/", end + 1)
                found.setdefault(layer if end < 0 else layer[:end], []).append((layer, variable))
        return found

    def parameters(self) -> int | None:
        """How many numbers the layers hold, without seeds and counters."""
        if self.weights is None:
            return None
        return sum(
            math.prod(array.shape)
            for (layer, variable), array in self.arrays.items()
            if layer and is_parameter(self.tree.node(layer).class_name, variable)
        )

    def trainable_parameters(self) -> int | None:
        """How many of them training changes; None where a custom layer leaves that open.

        Keras asks each variable's own layer and the model, and none of the nested models and
        wrappers on the way.
        """
        if self.weights is None:
            return None
        if self.tree.model_config.get("trainable", True) is False:
            return 0
        total = 0
        for (layer, variable), array in self.arrays.items():
            trained = self._is_trained(layer, variable)
            if trained is None:
                return None
            total += math.prod(array.shape) if trained else 0
        return total

    def _is_trained(self, layer: str, variable: str) -> bool | None:
        node = self.tree.get(layer)
        if node is None:
            return None if not layer and variable.startswith("vars/") else False
        if self.tree.config(node).get("trainable", True) is False:
            return False
        return is_trained(node.class_name, variable)


def stored_model(tree: ModelTree, weights: WeightsFile | None) -> StoredModel:
    """Sort the arrays of `weights` by the layers of `tree`."""
    if weights is None:
        return StoredModel(tree, None, {}, {})
    arrays: dict[Key, StoredArray] = {}
    optimizer: dict[str, StoredArray] = {}
    for key, array in _owned(tree, weights):
        if not key[0] and array.path.startswith(OPTIMIZER):
            optimizer[array.path] = array
        else:
            arrays[key if key not in arrays else (key[0], array.path)] = array
    return StoredModel(tree, weights, arrays, optimizer)


def _owned(tree: ModelTree, weights: WeightsFile) -> Iterator[tuple[Key, StoredArray]]:
    owners = storage_map(tree, weights.names, weights.arrays)
    configs: dict[str, Mapping[str, JSON]] = {}
    for array in weights.arrays.values():
        layer, inside = owners.owner_of(array.path)
        if not layer:
            yield ("", array.path), array
            continue
        node = tree.node(layer)
        config = configs.setdefault(layer, tree.config(node))
        yield (layer, variable_name(node.class_name, config, inside)), array
