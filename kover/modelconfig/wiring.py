"""Which layer feeds which, as `inbound_nodes` and the order of a Sequential tell.

Keras 3 writes the tensors a layer is called with, their shapes included; Keras 2 wrote
`[layer, node, tensor, arguments]`. Both are read; what has neither form tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.modelconfig.records import model_kind
from kover.values import JSON, as_mapping

_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that a layer is called with.

    Attributes:
        producer: name of the sibling layer that makes it.
        call: which of the producer's calls.
        index: which of that call's outputs.
        shape: as the config has it, None where it does not.
    """

    producer: str
    call: int
    index: int
    shape: list[JSON] | None = None


def tensors_in(value: JSON, depth: int = _DEEPEST) -> Iterator[Tensor]:
    """Every tensor reference in a part of a config, in order."""
    if depth == 0 or not isinstance(value, (dict, list)):
        return
    found = _tensor(value)
    if found is not None:
        yield found
        return
    for item in value.values() if isinstance(value, dict) else value:
        yield from tensors_in(item, depth - 1)


def _tensor(value: dict[str, JSON] | list[JSON]) -> Tensor | None:
    if isinstance(value, dict):
        if value.get("class_name") != "__keras_tensor__":
            return None
        config = as_mapping(value.get("config"))
        found = _history(config.get("keras_history"))
        shape = config.get("shape")
        if found is None or not isinstance(shape, list):
            return found
        return Tensor(found.producer, found.call, found.index, shape)
    return _history(value)


def _history(value: JSON) -> Tensor | None:
    if not isinstance(value, list) or len(value) < 3:
        return None
    name, call, index = value[:3]
    if not isinstance(name, str) or not _is_int(call) or not _is_int(index):
        return None
    return Tensor(name, int(str(call)), int(str(index)))


def _is_int(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def inputs_of(tree: ModelTree) -> Mapping[str, tuple[str, ...]]:
    """Layer path -> paths of the siblings that feed it, each once."""
    found: dict[str, tuple[str, ...]] = {}
    for holder in (None, *(node for node in tree.layers if tree.children(node.path))):
        found.update(_within(tree, holder))
    return found


def _within(tree: ModelTree, holder: LayerNode | None) -> Mapping[str, tuple[str, ...]]:
    record = tree.root if holder is None else tree.record(holder)
    layers = tree.children(None if holder is None else holder.path)
    kind = model_kind(record)
    if kind == "sequential":
        return {
            layer.path: (layers[place - 1].path,) if place else ()
            for place, layer in enumerate(layers)
        }
    if kind != "functional":
        return {}
    paths = {layer.name: layer.path for layer in layers}
    return {
        layer.path: tuple(
            dict.fromkeys(
                paths[tensor.producer]
                for tensor in tensors_in(tree.record(layer).get("inbound_nodes"))
                if tensor.producer in paths
            )
        )
        for layer in layers
    }


def outputs_of(tree: ModelTree, holder: LayerNode | None) -> tuple[str, ...]:
    """Paths of the layers whose outputs are those of the model at `holder`."""
    record = tree.root if holder is None else tree.record(holder)
    layers = tree.children(None if holder is None else holder.path)
    if model_kind(record) == "sequential":
        return (layers[-1].path,) if layers else ()
    paths = {layer.name: layer.path for layer in layers}
    wired = tensors_in(as_mapping(record.get("config")).get("output_layers"))
    return tuple(dict.fromkeys(paths[each.producer] for each in wired if each.producer in paths))
