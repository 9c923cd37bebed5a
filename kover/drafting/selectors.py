"""The shortest glob that means one layer and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kover.modelconfig.nodes import LayerNode, ModelTree

_SPECIAL = frozenset("*?[\\")


class Selectors:
    """Selectors for the layers of one model."""

    def __init__(self, tree: ModelTree) -> None:
        self._names = Counter(node.name for node in tree.layers)

    def of(self, node: LayerNode) -> str:
        """Its name where no other layer has it, else its path, anchored."""
        if self._names[node.name] == 1 and "/" not in node.name:
            return _escaped(node.name)
        path = "/".join(map(_escaped, node.path.split("/")))
        return path if "/" in path else f"/{path}"

    def of_all(self, nodes: Iterable[LayerNode]) -> list[str]:
        """One for each."""
        return [self.of(node) for node in nodes]


def _escaped(name: str) -> str:
    escaped = "".join(f"\\{char}" if char in _SPECIAL else char for char in name)
    return "\\**" if escaped == "**" else escaped
