"""What a changed shape makes stale: the build configs of the layers downstream.

A layer's record says for which input shape it was built, and Keras builds it for that shape
before it is called. After `units: 10 -> 7` the next layer would be built for 10 and then refuse
the 7. Left out, it is built by its first call, for the shape that really comes.

Source: keras 3.15.1 serialization_lib.deserialize_keras_object, `build_from_config`; pinned by
tests/planning/test_planner_keras.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kover.modelconfig.edit import Pointer
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.layer_classes import layer_argument
from kover.planning.layer_edits import Net
from kover.values import JSON, MISSING, Missing, as_mapping

_SHAPELESS_KINDS = frozenset(
    {"activation", "regularizer", "initializer", "constraint", "dtype", "dtype_policy", "number"}
)
_SHAPELESS = frozenset(
    {"name", "trainable", "seed", "lora_rank", "lora_alpha", "quantization_config", "noise_shape"}
)
_SHAPING_FLAGS = ("return_", "keepdims")


def stale_build_configs(
    tree: ModelTree, changes: Iterable[Net]
) -> Iterator[tuple[Pointer, JSON | Missing]]:
    """The edits that keep the build configs true after `changes`."""
    shaped = [net for net in changes if may_change_shape(net)]
    for net in shaped:
        if net.attribute == "batch_shape":
            yield from _input_shapes(tree, net)
    for node in _downstream(tree, [net.node for net in shaped if net.node.path]):
        yield from _left_out(tree, node)


def may_change_shape(net: Net) -> bool:
    """Whether the layer's output may have another shape; when unsure, yes."""
    name = net.attribute
    if name in _SHAPELESS:
        return False
    if name == "class":
        return True
    argument = layer_argument(net.node, name)
    kind = argument.kind if argument is not None else ""
    if kind == "bool" or (not kind and isinstance(net.value, bool)):
        return name.startswith(_SHAPING_FLAGS)
    if kind and kind != "any":
        return kind not in _SHAPELESS_KINDS
    return not (net.value is None or isinstance(net.value, (float, dict)))


def _left_out(tree: ModelTree, node: LayerNode) -> Iterator[tuple[Pointer, JSON | Missing]]:
    """A model that starts with an input layer has its shape from there, not from a build."""
    if node.is_model:
        first = tree.children(node.path)[:1]
        if not first or first[0].class_name == "InputLayer":
            return
        if "build_input_shape" in tree.config(node):
            yield (*node.config_pointer, "build_input_shape"), MISSING
    if "build_config" in tree.record(node):
        yield (*node.pointer, "build_config"), MISSING


def _downstream(tree: ModelTree, changed: Iterable[LayerNode]) -> Iterator[LayerNode]:
    """The layers that the outputs of `changed` reach, in their models and in those around."""
    origins: dict[str | None, dict[str, LayerNode]] = {}
    for start in changed:
        node: LayerNode | None = start
        while node is not None and node.path not in origins.setdefault(node.parent, {}):
            origins[node.parent][node.path] = node
            node = None if node.parent is None else tree.get(node.parent)
    for parent, nodes in origins.items():
        for sibling in _after(tree.children(parent), nodes, tree):
            yield sibling
            yield from tree.descendants(sibling.path)


def _after(
    siblings: tuple[LayerNode, ...], origins: Mapping[str, LayerNode], tree: ModelTree
) -> list[LayerNode]:
    """The siblings downstream: by the wiring of a Functional model, else those that follow."""
    consumers: dict[str, list[LayerNode]] = {}
    for sibling in siblings:
        for name in _inputs(tree.record(sibling)):
            consumers.setdefault(name, []).append(sibling)
    if not consumers:
        first = min(at for at, sibling in enumerate(siblings) if sibling.path in origins)
        return list(siblings[first + 1 :])
    reached: dict[str, LayerNode] = {}
    pending = list(origins.values())
    while pending:
        for sibling in consumers.get(pending.pop().name, ()):
            if sibling.path not in reached:
                reached[sibling.path] = sibling
                pending.append(sibling)
    return list(reached.values())


def _inputs(record: Mapping[str, JSON]) -> set[str]:
    """Names of the layers whose outputs the layer is called on, in new files and old ones."""
    found: set[str] = set()
    pending: list[JSON] = [record.get("inbound_nodes")]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            history = as_mapping(value.get("config")).get("keras_history")
            pending += (
                [history] if value.get("class_name") == "__keras_tensor__" else value.values()
            )
        elif isinstance(value, list):
            name, *rest = value or [None]
            if isinstance(name, str) and len(rest) >= 2 and isinstance(rest[0], int):
                found.add(name)
            pending += value
    return found


def _input_shapes(tree: ModelTree, net: Net) -> Iterator[tuple[Pointer, JSON | Missing]]:
    """The model's own notes of its input shape, where they say what the input layer said."""
    old = tree.config(net.node).get("batch_shape", MISSING)
    parent = None if net.node.parent is None else tree.get(net.node.parent)
    pointer = () if parent is None else parent.pointer
    record = tree.root if parent is None else tree.record(parent)
    if old is MISSING or net.value is MISSING:
        return
    if as_mapping(record.get("config")).get("build_input_shape", MISSING) == old:
        yield (*pointer, "config", "build_input_shape"), net.value
    if as_mapping(record.get("build_config")).get("input_shape", MISSING) == old:
        yield (*pointer, "build_config", "input_shape"), net.value
