"""The tree of a model's layers, as values. `kover.modelconfig.tree` builds it.

A layer's path is the names from the model down, joined by `/`; the model itself is not part of
it. Layers are listed depth first in the model's order, so what a layer holds follows it directly.
A model of a class of its own has a config of its own as well: its node has the path "".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kover.problems import Problem
from kover.values import JSON, as_mapping


@dataclass(frozen=True, slots=True)
class LayerNode:
    """One serialised layer.

    Attributes:
        path: the names from the model down: `backbone/conv1`. Unique in its tree.
        name: the layer's own name. Where two siblings outside a model's layer list share a name,
            it is still the name, while their paths carry the place: `block/dense@heads.0`.
        class_name: the class as Keras wrote it.
        registered_name: for custom classes, such as `my_package>Clip`.
        module: where the class lives.
        pointer: where the layer's record is in `config.json`.
        parent: path of the layer that holds this one; None at the top.
        index: position in the model's own top-level order; None below the top.
        is_model: a nested Sequential, Functional or subclassed model.
        is_wrapper: holds layers but is no model: Bidirectional, RNN, a Dense with a layer as its
            activation.
        shared_object_id: Keras' mark of a layer object that stands in several places; the first
            of them does not carry it.
    """

    path: str
    name: str
    class_name: str
    registered_name: str | None
    module: str | None
    pointer: tuple[str | int, ...]
    parent: str | None
    index: int | None
    is_model: bool
    is_wrapper: bool
    shared_object_id: int | None = None

    @property
    def config_pointer(self) -> tuple[str | int, ...]:
        """Where the layer's `config` is in `config.json`."""
        return (*self.pointer, "config")


@dataclass(frozen=True)
class ModelTree:
    """A model's layers, with what its `config.json` says of the model itself.

    Attributes:
        root: the parsed `config.json`. Never modified.
        name: the model's name.
        class_name: the model's class.
        layers: every layer, depth first, in the model's order.
        model_config: the root's `config`, `{}` where a subclassed model has none.
        compile_config: `{}` for a model saved uncompiled.
        root_is_model: False for a single layer that was saved like a model.
        root_node: the model itself, where its config is more than a list of layers: one of a class
            of its own, with constructor arguments. It is not among `layers`; its path is "".
        warnings: what is odd, though readable.
    """

    root: Mapping[str, JSON]
    name: str
    class_name: str
    layers: tuple[LayerNode, ...]
    model_config: Mapping[str, JSON]
    compile_config: Mapping[str, JSON]
    root_is_model: bool = True
    root_node: LayerNode | None = None
    warnings: tuple[Problem, ...] = ()
    _positions: Mapping[str, int] = field(init=False, repr=False, compare=False)
    _children: Mapping[str | None, tuple[LayerNode, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        children: dict[str | None, list[LayerNode]] = {}
        for node in self.layers:
            children.setdefault(node.parent, []).append(node)
        positions = {node.path: position for position, node in enumerate(self.layers)}
        frozen = {parent: tuple(nodes) for parent, nodes in children.items()}
        object.__setattr__(self, "_positions", positions)
        object.__setattr__(self, "_children", frozen)

    @property
    def top_level(self) -> tuple[LayerNode, ...]:
        """The model's own layers, in its order."""
        return self.children(None)

    def node(self, path: str) -> LayerNode:
        """The layer at `path`; KeyError where there is none."""
        if path == "" and self.root_node is not None:
            return self.root_node
        return self.layers[self._positions[path]]

    def get(self, path: str) -> LayerNode | None:
        """The layer at `path`, or None."""
        if path == "":
            return self.root_node
        position = self._positions.get(path)
        return None if position is None else self.layers[position]

    def children(self, path: str | None) -> tuple[LayerNode, ...]:
        """The layers that the layer at `path` holds directly; None or "" is the model."""
        return self._children.get(path or None, ())

    def descendants(self, path: str | None) -> tuple[LayerNode, ...]:
        """All layers inside the layer at `path`, depth first; None or "" is the model."""
        if not path:
            return self.layers
        found: list[LayerNode] = []
        pending = list(reversed(self.children(path)))
        while pending:
            node = pending.pop()
            found.append(node)
            pending.extend(reversed(self.children(node.path)))
        return tuple(found)

    def record(self, node: LayerNode) -> Mapping[str, JSON]:
        """The layer's record: `class_name`, `config`, `inbound_nodes`, ..."""
        value: JSON | Mapping[str, JSON] = self.root
        for step in node.pointer:
            value = value[step]  # type: ignore[index]  # the pointer was read here
        return as_mapping(value)

    def config(self, node: LayerNode) -> Mapping[str, JSON]:
        """The layer's `config`, `{}` where it is null."""
        return as_mapping(self.record(node).get("config"))

    def holders(self, node: LayerNode) -> tuple[str, ...]:
        """The keys of the layer's `config` that lead to the layers it holds."""
        depth = len(node.pointer) + 1
        keys = (child.pointer[depth] for child in self.children(node.path))
        return tuple(dict.fromkeys(key for key in keys if isinstance(key, str)))

    def attributes(self, node: LayerNode) -> Mapping[str, JSON]:
        """The layer's `config` without the layers it holds, and without a model's wiring.

        What is left is the layer's own: `name`, `trainable`, `dtype`, `units`, ...
        """
        config = self.config(node)
        left_out = set(self.holders(node))
        if node.is_model:
            left_out |= {"layers"} | ({"input_layers", "output_layers"} & config.keys())
        return {key: value for key, value in config.items() if key not in left_out}
