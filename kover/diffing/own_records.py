"""A layer's own record: its record with references where the layers it holds stand.

Comparing own records says each thing once: at the layer it belongs to. Keys, values and order
survive, so a tree can be taken apart and put together again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from kover.diffing.model_diff import Pointer
from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.values import JSON, MISSING, Missing

Record = dict[str, JSON]


@dataclass(frozen=True)
class LayerReference:
    """Stands in an own record for the layer at `path`; `gone`: a path of the model before."""

    path: str
    gone: bool = False


def own_record(tree: ModelTree, node: LayerNode | None) -> Record:
    """The record of `node`, or of the model, with references for the layers it holds."""
    base: Pointer = node.pointer if node else ()
    record = dict(tree.record(node) if node else tree.root)
    held = {
        child.pointer[len(base) :]: LayerReference(child.path)
        for child in tree.children(node.path if node else None)
    }
    return cast(Record, _with_references(record, held)) if held else record


def _with_references(value: JSON, held: Mapping[Pointer, LayerReference]) -> JSON:
    if () in held:
        return cast(JSON, held[()])
    below: dict[str | int, dict[Pointer, LayerReference]] = {}
    for pointer, reference in held.items():
        below.setdefault(pointer[0], {})[pointer[1:]] = reference
    if isinstance(value, dict):
        return {
            key: _with_references(item, below[key]) if key in below else item
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _with_references(item, below[position]) if position in below else item
            for position, item in enumerate(value)
        ]
    return value


def map_references(value: JSON, replace: Callable[[LayerReference], object]) -> JSON:
    """`value` with every reference replaced."""
    if isinstance(value, LayerReference):
        return cast(JSON, replace(value))
    if isinstance(value, dict):
        return {key: map_references(item, replace) for key, item in value.items()}
    if isinstance(value, list):
        return [map_references(item, replace) for item in value]
    return value


def without_references(value: JSON | Missing) -> JSON | Missing:
    """`value` without its references: a list loses those items, a mapping those keys."""
    if isinstance(value, LayerReference):
        return MISSING
    if isinstance(value, dict):
        kept = {key: without_references(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if not isinstance(item, Missing)}
    if isinstance(value, list):
        items = [without_references(item) for item in value]
        return [item for item in items if not isinstance(item, Missing)]
    return value


def entries(record: Mapping[str, JSON]) -> dict[Pointer, JSON]:
    """The parts of an own record that are compared one by one."""
    parts: dict[Pointer, JSON] = {}
    for key, value in record.items():
        if key == "config" and isinstance(value, dict):
            parts.update({("config", name): item for name, item in value.items()})
        else:
            parts[(key,)] = value
    return parts


def renamed(value: JSON, names: Mapping[str, str]) -> JSON:
    """`value` with the layer names in its tensor references (`[name, 0, 0]`) replaced."""
    if not names:
        return value
    if isinstance(value, dict):
        return {key: renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        items = [renamed(item, names) for item in value]
        if is_tensor_reference(items):
            items[0] = names.get(cast(str, items[0]), items[0])
        return items
    return value


def is_tensor_reference(value: JSON) -> bool:
    """Whether `value` is what Keras writes for a tensor: layer name, node index, tensor index."""
    return (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and all(isinstance(item, int) and not isinstance(item, bool) for item in value[1:3])
    )


WIRING = frozenset({("inbound_nodes",), ("config", "input_layers"), ("config", "output_layers")})
"""Where tensor references stand in an own record."""


def follow_names(
    record: Record,
    name: str | None,
    around: Mapping[str, str],
    inside: Mapping[str, str],
) -> Record:
    """An own record after layers were renamed: its own name, and the names it refers to.

    Args:
        record: the own record before.
        name: the layer's new name, None to leave it.
        around: old to new names of its siblings and itself (`inbound_nodes`).
        inside: old to new names of the layers it holds (`input_layers`, `output_layers`).
    """
    if name is None and not around and not inside:
        return record
    result = dict(record)
    config = result.get("config")
    if isinstance(config, dict):
        config = dict(config)
        if name is not None and "name" in config:
            config["name"] = name
        for key in ("input_layers", "output_layers"):
            if key in config:
                config[key] = renamed(config[key], inside)
        result["config"] = config
    if name is not None and "name" in result:
        result["name"] = name
    if "inbound_nodes" in result:
        result["inbound_nodes"] = renamed(result["inbound_nodes"], around)
    return result
