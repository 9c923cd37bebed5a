"""A model's layers by name, path and class, so that naming one of 10,000 costs no search.

Layers are spoken of by their position in the tree: depth first, in the model's order.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from kover.modelconfig.records import is_operation, model_kind
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.globs import CompiledGlob

_SUGGESTIONS = 20


class LayerIndex:
    """Look-ups over one tree. Nothing in it changes, but for what it remembers."""

    def __init__(self, tree: ModelTree, layers: tuple[LayerNode, ...] | None = None) -> None:
        self.tree = tree
        self.layers: tuple[LayerNode, ...] = tree.layers if layers is None else layers
        self._matches: dict[CompiledGlob, frozenset[int]] = {}
        self._named: dict[CompiledGlob, frozenset[int]] = {}
        self._suggested = 0

    @cached_property
    def model(self) -> LayerIndex | None:
        """The model itself as if it were a layer, where it has a config of its own."""
        root = self.tree.root_node
        return None if root is None else LayerIndex(self.tree, (root,))

    @cached_property
    def everything(self) -> frozenset[int]:
        """The position of every layer."""
        return frozenset(range(len(self.layers)))

    @cached_property
    def position(self) -> dict[str, int]:
        """Position by path."""
        return {node.path: at for at, node in enumerate(self.layers)}

    @cached_property
    def by_name(self) -> dict[str, frozenset[int]]:
        """Positions by name."""
        return _grouped((node.name, at) for at, node in enumerate(self.layers))

    @cached_property
    def by_class(self) -> dict[str, frozenset[int]]:
        """Positions by class name, and by registered name where there is one."""
        names = [(node.class_name, at) for at, node in enumerate(self.layers)]
        registered = [
            (node.registered_name, at)
            for at, node in enumerate(self.layers)
            if node.registered_name
        ]
        return _grouped([*names, *registered])

    @cached_property
    def top_level(self) -> tuple[int, ...]:
        """Positions of the model's own layers, in its order: what `model.layers` holds in Keras.

        A Functional's operations are not among them, nor is a Sequential's InputLayer.
        Source: keras 3.15 `Functional.layers`, `Sequential.layers`.
        """
        own = [node for node in self.layers if node.index is not None]
        own = [node for node in own if not is_operation(self.tree.record(node))]
        if model_kind(self.tree.root) == "sequential" and own[:1]:
            own = own[1:] if own[0].class_name == "InputLayer" else own
        return tuple(self.position[node.path] for node in own)

    def matching(self, glob: CompiledGlob) -> frozenset[int]:
        """The layers whose name (no slash) or whole path (slash) matches."""
        if glob.by_name:
            return self.named(glob)
        return self.at_path(glob)

    def named(self, glob: CompiledGlob) -> frozenset[int]:
        """The layers whose name matches."""
        if glob not in self._named:
            self._named[glob] = self._look_up(glob, self.by_name)
        return self._named[glob]

    def of_class(self, glob: CompiledGlob) -> frozenset[int]:
        """The layers whose class or registered name matches."""
        return self._look_up(glob, self.by_class)

    def at_path(self, glob: CompiledGlob) -> frozenset[int]:
        """The layers whose whole path matches."""
        if glob.literal is not None:
            at = self.position.get(glob.literal)
            return frozenset() if at is None else frozenset({at})
        if glob not in self._matches:
            found = (at for path, at in self.position.items() if glob.matches_path(path))
            self._matches[glob] = frozenset(found)
        return self._matches[glob]

    def inside(self, at: int) -> range:
        """The positions of a layer and of all that it holds: they follow it directly."""
        path = self.layers[at].path
        return range(at, at + 1 + len(self.tree.descendants(path)))

    def may_suggest(self) -> bool:
        """Whether there is time for another did-you-mean: each one looks at every name."""
        self._suggested += 1
        return self._suggested <= _SUGGESTIONS

    @staticmethod
    def _look_up(glob: CompiledGlob, names: dict[str, frozenset[int]]) -> frozenset[int]:
        if glob.literal is not None:
            return names.get(glob.literal, frozenset())
        return frozenset().union(*map(names.__getitem__, glob.among(names)))


def _grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, frozenset[int]]:
    groups: dict[str, set[int]] = {}
    for name, at in pairs:
        groups.setdefault(name, set()).add(at)
    return {name: frozenset(found) for name, found in groups.items()}
