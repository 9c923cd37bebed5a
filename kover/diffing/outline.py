"""The layers of both models in one list, for a picture: that after, with what was removed."""

from __future__ import annotations

from collections.abc import Mapping

from kover.diffing.model_diff import OutlineLayer
from kover.diffing.pairing import Pairing
from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.modelconfig.wiring import inputs_of


def outline(before: ModelTree, after: ModelTree, pairing: Pairing) -> tuple[OutlineLayer, ...]:
    """Every layer after, each followed by the layers that stood behind it and are gone."""
    wires = inputs_of(after)
    old_wires = inputs_of(before)
    gone = _gone(before, old_wires, pairing)
    found = [*gone.pop(None, [])]
    for node in after.layers:
        found.append(
            OutlineLayer(
                node.path,
                node.name,
                node.class_name,
                pairing.before.get(node.path),
                node.parent,
                wires.get(node.path, ()),
                _former(old_wires.get(pairing.before.get(node.path, ""), ()), pairing),
                is_model=node.is_model,
            )
        )
        found += gone.pop(pairing.before.get(node.path, ""), [])
    return tuple(found)


def _former(inputs: tuple[str, ...], pairing: Pairing) -> tuple[str, ...]:
    return tuple(path for path in inputs if path not in pairing.after)


def _gone(
    before: ModelTree, wires: Mapping[str, tuple[str, ...]], pairing: Pairing
) -> dict[str | None, list[OutlineLayer]]:
    """The removed layers, by the path before of the last layer ahead of them that has stayed."""
    found: dict[str | None, list[OutlineLayer]] = {}
    last: str | None = None
    for node in before.layers:
        if node.path in pairing.after:
            last = node.path
        else:
            found.setdefault(last, []).append(_removed(node, wires.get(node.path, ()), pairing))
    return found


def _removed(node: LayerNode, inputs: tuple[str, ...], pairing: Pairing) -> OutlineLayer:
    parent = None if node.parent is None else pairing.after.get(node.parent, node.parent)
    return OutlineLayer(
        node.path,
        node.name,
        node.class_name,
        node.path,
        parent,
        tuple(pairing.after.get(path, path) for path in inputs),
        removed=True,
        is_model=node.is_model,
    )
