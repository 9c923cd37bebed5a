"""Output shapes, as far as the config tells them without running anything.

What a consumer was built on is what its producer gives: Keras writes the shape of every tensor
into a Functional's config, and of every input into `build_config`. What is left follows from the
class, for those whose rule is one line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import pairwise

from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.modelconfig.records import model_kind
from kover.modelconfig.wiring import inputs_of, outputs_of, tensors_in
from kover.values import JSON, as_mapping

_LIKE_INPUT = frozenset({
    "Activation", "ActivityRegularization", "AlphaDropout", "BatchNormalization", "Dropout",
    "ELU", "GaussianDropout", "GaussianNoise", "GroupNormalization", "Identity",
    "LayerNormalization", "LeakyReLU", "Masking", "Normalization", "PReLU", "RMSNormalization",
    "ReLU", "Rescaling", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
    "UnitNormalization",
})  # fmt: skip
_WINDOWS = re.compile(r"(Conv|MaxPooling|AveragePooling|MaxPool|AvgPool)([123])[Dd]")
_UNITS_LAST = frozenset({"Dense"})
_RECURRENT = frozenset({"GRU", "LSTM", "SimpleRNN"})


def output_shapes(tree: ModelTree) -> Mapping[str, JSON]:
    """Layer path -> output shape, or a list of shapes for a layer with several outputs."""
    found: dict[str, JSON] = {}
    for holder in (None, *(node for node in tree.layers if tree.children(node.path))):
        _from_consumers(tree, holder, found)
    feeding = inputs_of(tree)
    for node in tree.layers:
        if node.path not in found:
            given = [found.get(path) for path in feeding.get(node.path, ())]
            shape = _own(tree, node, given[0] if len(given) == 1 else None)
            if shape is not None:
                found[node.path] = shape
    for node in reversed(tree.layers):  # inner models first: theirs is that of their last layer
        if node.path not in found and node.is_model:
            outputs = [found.get(path) for path in outputs_of(tree, node)]
            if len(outputs) == 1 and outputs[0] is not None:
                found[node.path] = outputs[0]
    return found


def _from_consumers(tree: ModelTree, holder: LayerNode | None, found: dict[str, JSON]) -> None:
    """Shapes that the layers of one model tell of each other."""
    record = tree.root if holder is None else tree.record(holder)
    layers = tree.children(None if holder is None else holder.path)
    if model_kind(record) == "sequential":
        for producer, consumer in pairwise(layers):
            if (shape := _built_on(tree, consumer)) is not None:
                found.setdefault(producer.path, shape)
        return
    paths = {layer.name: layer.path for layer in layers}
    told: dict[str, dict[int, list[JSON]]] = {}
    for layer in layers:
        for tensor in tensors_in(tree.record(layer).get("inbound_nodes")):
            if tensor.shape is not None and tensor.call == 0 and tensor.producer in paths:
                told.setdefault(paths[tensor.producer], {})[tensor.index] = tensor.shape
    for path, shapes in told.items():
        if shapes.keys() == {0}:
            found.setdefault(path, shapes[0])
        elif sorted(shapes) == list(range(len(shapes))):
            found.setdefault(path, [list(shapes[index]) for index in sorted(shapes)])


def _built_on(tree: ModelTree, node: LayerNode) -> list[JSON] | None:
    """The single shape that the layer was built on."""
    built = as_mapping(tree.record(node).get("build_config")).get("input_shape")
    return built if _is_shape(built) else None  # type: ignore[return-value]  # just checked


def _is_shape(value: JSON) -> bool:
    return isinstance(value, list) and all(item is None or type(item) is int for item in value)


def _own(tree: ModelTree, node: LayerNode, given: JSON | None) -> JSON | None:
    """What the layer makes of its one input, `given` or that which it was built on."""
    config = tree.config(node)
    batch = config.get("batch_shape", config.get("batch_input_shape"))
    if node.class_name == "InputLayer" and _is_shape(batch):
        return batch
    built = _built_on(tree, node) or given
    if not _is_shape(built) or not built or node.registered_name not in (None, node.class_name):
        return None
    assert isinstance(built, list)
    return _of_class(node.class_name, config, built)


def _of_class(class_name: str, config: Mapping[str, JSON], built: list[JSON]) -> JSON | None:
    if class_name in _LIKE_INPUT:
        return built
    units = config.get("units")
    if class_name in _UNITS_LAST and type(units) is int:
        return [*built[:-1], units]
    if class_name in _RECURRENT and config.get("return_state") is False and type(units) is int:
        return [*built[:-1], units] if config.get("return_sequences") else [built[0], units]
    if class_name == "Flatten":
        sizes = [size for size in built[1:] if type(size) is int]
        return [built[0], math.prod(sizes) if len(sizes) == len(built) - 1 else None]
    if class_name in ("GlobalAveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling1D"):
        last = config.get("data_format") in (None, "channels_last")
        return [built[0], built[-1]] if last and config.get("keepdims") is not True else None
    match = _WINDOWS.fullmatch(class_name)
    return _windowed(int(match[2]), config, built) if match else None


def _windowed(rank: int, config: Mapping[str, JSON], built: list[JSON]) -> JSON | None:
    """Convolutions and pools: how often the window fits."""
    windows = _each(config.get("kernel_size", config.get("pool_size")), rank)
    strides = _each(config.get("strides"), rank) or windows
    dilation = _each(config.get("dilation_rate", 1), rank)
    padding = config.get("padding")
    if not (windows and strides and dilation) or len(built) != rank + 2:
        return None
    if config.get("data_format") not in (None, "channels_last") or padding not in ("valid", "same"):
        return None
    sizes: list[JSON] = []
    for place, size in enumerate(built[1:-1]):
        if type(size) is not int:
            sizes.append(None)
        elif padding == "same":
            sizes.append(-(-size // strides[place]))
        else:
            reach = (windows[place] - 1) * dilation[place] + 1
            sizes.append((size - reach) // strides[place] + 1)
    return [built[0], *sizes, config.get("filters", built[-1])]


def _each(value: JSON, rank: int) -> list[int]:
    """A size for each dimension, empty where that is not what is written."""
    listed = value if isinstance(value, list) else [value] * rank
    sizes = [size for size in listed if type(size) is int and size > 0]
    return sizes if len(sizes) == rank else []
