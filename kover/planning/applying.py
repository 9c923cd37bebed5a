"""The complete new `config.json`: the old one, with the net changes written into it.

Only the containers on the way to a change are copied. An object that Keras shares between several
places (`shared_object_id`) is one that an edit takes out of the sharing: with its id, Keras would
return the first object of that id and never read the edited copy. The other places keep the id;
the first of them that Keras meets makes the object for all of them, each record being complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from kover.modelconfig.edit import Pointer, value_at
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.values import JSON, MISSING, Missing

Edits = Mapping[Pointer, JSON | Missing]
_ID = "shared_object_id"


def applied(root: Mapping[str, JSON], edits: Edits) -> dict[str, JSON]:
    """`root` with a value at each pointer; MISSING removes the key. Pointers hold no other."""
    branches: dict[str | int, object] = {}
    for pointer, value in edits.items():
        branch = branches
        for step in pointer[:-1]:
            branch = cast("dict[str | int, object]", branch.setdefault(step, {}))
        branch[pointer[-1]] = _Leaf(value)
    return cast("dict[str, JSON]", _grafted(dict(root), branches))


class _Leaf:
    """A value to put, as opposed to a branch that leads on."""

    def __init__(self, value: JSON | Missing) -> None:
        self.value = value


def _grafted(container: JSON, branches: dict[str | int, object]) -> JSON:
    if isinstance(container, list):
        items: list[JSON] = list(container)
        for step, branch in branches.items():
            new = _grown(items[cast("int", step)], branch)
            items[cast("int", step)] = None if new is MISSING else new
        return items
    entries: dict[str, JSON] = dict(container) if isinstance(container, dict) else {}
    for step, branch in branches.items():
        key = cast("str", step)
        new = _grown(entries.get(key), branch)
        if new is MISSING:
            entries.pop(key, None)
        else:
            entries[key] = new
    return entries


def _grown(old: JSON, branch: object) -> JSON | Missing:
    if isinstance(branch, _Leaf):
        return branch.value
    return _grafted(old, cast("dict[str | int, object]", branch))


def unshared(root: JSON, edited: Iterable[Pointer]) -> Iterator[Pointer]:
    """Where the ids are that must go: of every object that holds an edited place."""
    seen: set[Pointer] = set()
    for pointer in edited:
        value = root
        for length, step in enumerate(pointer):
            around = pointer[:length]
            if isinstance(value, dict) and _ID in value and around not in seen:
                seen.add(around)
                yield (*around, _ID)
            below = value_at(value, (step,))
            if below is MISSING:
                break
            value = below


def unshared_layers(tree: ModelTree, edited: Iterable[LayerNode]) -> tuple[LayerNode, ...]:
    """The layers, among those edited and those around them, that were shared objects."""
    found: dict[str, LayerNode] = {}
    for start in edited:
        node: LayerNode | None = start
        while node is not None:
            if node.shared_object_id is not None:
                found.setdefault(node.path, node)
            node = None if node.parent is None else tree.get(node.parent)
    return tuple(found.values())
