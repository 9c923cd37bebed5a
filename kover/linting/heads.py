"""The heads of a model: for each output the layer that makes it, its activation and its loss.

Only what the config says for certain; what a head does not tell is None, and rules leave it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kover.catalogue import catalogue
from kover.modelconfig.keras_values import is_record, shorten
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.values import JSON, as_mapping

_PASSING_ON = frozenset({"Activation", "Softmax", "Dropout", "ReLU", "LeakyReLU"})
_DEEPEST = 8


@dataclass(frozen=True)
class Loss:
    """A loss of Keras' own.

    Attributes:
        name: lower case, without underscores: `binarycrossentropy`.
        from_logits: whether it expects logits; None where it takes no such argument.
    """

    name: str
    from_logits: bool | None


@dataclass(frozen=True)
class Head:
    """One output.

    Attributes:
        layer: the layer that makes it.
        activation: its name; None when not known.
        units: the size of its last axis; None when not known.
        units_layer: the layer that has `units`.
        loss: None for none, or one that is not Keras' own.
    """

    layer: LayerNode
    activation: str | None
    units: int | None
    units_layer: LayerNode | None
    loss: Loss | None


def heads(tree: ModelTree) -> Iterator[Head]:
    """The outputs of a Sequential or Functional model."""
    outputs = list(_outputs(tree.model_config, tree, None))
    losses = tree.compile_config.get("loss")
    for position, (name, layer) in enumerate(outputs):
        made = _units(layer, tree)
        units = tree.config(made).get("units") if made is not None else None
        yield Head(
            layer,
            _activation(layer, tree),
            units if isinstance(units, int) else None,
            made,
            _loss(_loss_of(losses, position, name, len(outputs))),
        )


def _outputs(
    config: Mapping[str, JSON], tree: ModelTree, parent: str | None, depth: int = 0
) -> Iterator[tuple[str, LayerNode]]:
    """The name of each output and the innermost layer that makes it."""
    children = {node.name: node for node in tree.children(parent)}
    if "output_layers" in config:
        names = list(_wired(config["output_layers"]))
    else:
        names = list(children)[-1:] if "layers" in config else []
    for name in names:
        layer = children.get(name)
        if layer is None:
            continue
        if layer.is_model and depth < _DEEPEST:
            inner = list(_outputs(tree.config(layer), tree, layer.path, depth + 1))
            if len(inner) == 1:
                yield name, inner[0][1]
        else:
            yield name, layer


def _wired(wiring: JSON) -> Iterator[str]:
    if isinstance(wiring, dict):
        wiring = list(wiring.values())
    if isinstance(wiring, list):
        if len(wiring) == 3 and isinstance(wiring[0], str):
            yield wiring[0]
        else:
            for item in wiring:
                yield from _wired(item)


def _activation(layer: LayerNode, tree: ModelTree) -> str | None:
    if layer.class_name == "Softmax":
        return "softmax"
    if layer.class_name not in ("Dense", "Activation", "EinsumDense"):
        return None
    value = shorten(tree.config(layer).get("activation"))
    return "linear" if value is None else value if isinstance(value, str) else None


def _units(layer: LayerNode, tree: ModelTree) -> LayerNode | None:
    """The Dense layer whose units the output has, through layers that pass them on."""
    found: LayerNode | None = layer
    for _ in range(_DEEPEST):
        if found is None or found.class_name == "Dense":
            return found
        if found.class_name not in _PASSING_ON:
            return None
        found = _before(found, tree)
    return None


def _before(layer: LayerNode, tree: ModelTree) -> LayerNode | None:
    siblings = tree.children(layer.parent)
    inbound = tree.record(layer).get("inbound_nodes")
    if inbound:
        names = [name for name in _histories(inbound) if name != layer.name]
        return next((node for node in siblings if names and node.name == names[0]), None)
    at = siblings.index(layer)
    return siblings[at - 1] if at > 0 else None


def _histories(value: JSON, depth: int = 0) -> Iterator[str]:
    if isinstance(value, dict):
        history = value.get("keras_history")
        if isinstance(history, list) and history and isinstance(history[0], str):
            yield history[0]
        value = list(value.values())
    if isinstance(value, list) and depth < _DEEPEST:
        for item in value:
            yield from _histories(item, depth + 1)


def _loss_of(losses: JSON, position: int, name: str, count: int) -> JSON:
    if isinstance(losses, list):
        return losses[position] if position < len(losses) else None
    if isinstance(losses, dict) and not is_record(losses):
        return losses.get(name)
    return losses if count == 1 else None


def _loss(value: JSON) -> Loss | None:
    short = shorten(value)
    name = short.get("class") if isinstance(short, dict) else short
    if not isinstance(name, str):
        return None
    entry = catalogue().entry("loss", name)
    if entry is None:
        return None
    kind = entry.class_name.replace("_", "").lower()
    takes_it = "from_logits" in entry.arguments or kind in _CROSSENTROPIES
    given = as_mapping(short).get("from_logits", False) if takes_it else None
    return Loss(kind, given if isinstance(given, bool) else None)


BINARY = frozenset({"binarycrossentropy", "binaryfocalcrossentropy"})
CATEGORICAL = frozenset({
    "categoricalcrossentropy", "categoricalfocalcrossentropy", "sparsecategoricalcrossentropy",
})  # fmt: skip
_CROSSENTROPIES = BINARY | CATEGORICAL
