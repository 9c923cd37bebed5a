"""Pure edits of `config.json`: a new root for every change, sharing what did not change.

A place is a pointer: the keys and list positions from the root down. Nothing here knows layers.
"""

from __future__ import annotations

from collections.abc import Mapping

from kover.modelconfig.nodes import LayerNode
from kover.values import JSON, MISSING, Missing

Pointer = tuple[str | int, ...]


def value_at(root: JSON | Mapping[str, JSON], pointer: Pointer) -> JSON | Missing:
    """The value at `pointer`, or MISSING where the path ends earlier."""
    value = _as_json(root)
    for step in pointer:
        below = _item(value, step)
        if below is MISSING:
            return MISSING
        value = below
    return value


def replaced(root: Mapping[str, JSON], pointer: Pointer, value: JSON | Missing) -> dict[str, JSON]:
    """`root` with `value` at `pointer`; MISSING removes the key that stands there.

    Only the containers on the way are copied. A key that is new goes to the end of its mapping;
    removing a key that is not there changes nothing.

    Args:
        root: the parsed `config.json`; it is not modified.
        pointer: where; everything but the last step must exist.
        value: what, or MISSING.

    Raises:
        LookupError: the path does not lead there, or an item of a list would be removed.
    """
    new: JSON | Missing = value
    containers = _containers(root, pointer)
    if value is MISSING and pointer and _item(containers[-1], pointer[-1]) is MISSING:
        if isinstance(containers[-1], dict) and isinstance(pointer[-1], str):
            return _as_dict(root)
        raise LookupError(f"nothing to remove at {json_path(pointer)}")
    for container, step in zip(reversed(containers), reversed(pointer), strict=True):
        new = _with_item(container, step, new)
    if not isinstance(new, dict):
        raise LookupError("the root of a config is a mapping")
    return new


def layer_config(root: Mapping[str, JSON], node: LayerNode) -> Mapping[str, JSON]:
    """The layer's `config` as it is in `root`, which may be an edited copy of the node's own."""
    config = value_at(root, node.config_pointer)
    return config if isinstance(config, dict) else {}


def with_layer_config(
    root: Mapping[str, JSON], node: LayerNode, new_config: Mapping[str, JSON]
) -> dict[str, JSON]:
    """`root` with another `config` in the layer's record."""
    return replaced(root, node.config_pointer, dict(new_config))


def _as_dict(root: Mapping[str, JSON]) -> dict[str, JSON]:
    return root if isinstance(root, dict) else dict(root)


def _as_json(value: JSON | Mapping[str, JSON]) -> JSON:
    return _as_dict(value) if isinstance(value, Mapping) else value


def _item(container: JSON, step: str | int) -> JSON | Missing:
    if isinstance(container, dict) and isinstance(step, str):
        return container.get(step, MISSING)
    if isinstance(container, list) and isinstance(step, int) and 0 <= step < len(container):
        return container[step]
    return MISSING


def _containers(root: Mapping[str, JSON], pointer: Pointer) -> list[JSON]:
    """The root and every container below it, one for each step."""
    containers: list[JSON] = []
    value: JSON | Missing = _as_dict(root)
    for position, step in enumerate(pointer):
        if not isinstance(value, (dict, list)):
            raise LookupError(f"nothing to edit at {json_path(pointer[:position])}")
        containers.append(value)
        value = _item(value, step)
    return containers


def _with_item(container: JSON, step: str | int, value: JSON | Missing) -> JSON:
    if isinstance(container, dict) and isinstance(step, str):
        if value is MISSING:
            return {key: item for key, item in container.items() if key != step}
        return {**container, step: value}
    if isinstance(container, list) and isinstance(step, int) and 0 <= step < len(container):
        if value is not MISSING:
            return [*container[:step], value, *container[step + 1 :]]
        raise LookupError("an item of a list cannot be removed")
    raise LookupError(f"nothing to edit at step {step!r}")


def json_path(pointer: Pointer) -> str:
    """A pointer as text: `config.layers[3].config.units`."""
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in pointer]
    return "".join(parts).removeprefix(".") or "the root"
