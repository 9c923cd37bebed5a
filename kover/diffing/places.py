"""Layers that got another name and other settings at once, paired by what tells them all the same.

That is what they store, where no sibling stores the same; or their place: the same class, fed by
and feeding the same layers. Only where one layer before and one after come into question, and
only next to layers that are paired already: what stands among strangers is no longer the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kover.modelconfig.wiring import inputs_of, outputs_of

if TYPE_CHECKING:
    from kover.diffing.pairing import Pairing, Pairs, Side
    from kover.modelconfig.nodes import LayerNode, ModelTree


def pair_by_place(before: Side, after: Side, pairing: Pairing) -> Pairs:
    """Pair what is left and clearly the same; see above. Gives the new pairs."""
    ones = [node for node in before.tree.layers if node.path not in pairing.after]
    others = [node for node in after.tree.layers if node.path not in pairing.before]
    if not ones or not others:
        return []
    found: Pairs = []
    for one, other in _alike(_by_content(before, ones, pairing), _by_content(after, others)):
        pairing.add(one.path, other.path)
        found.append((one.path, other.path))
    search = _Search(_Net.of(before.tree), _Net.of(after.tree), pairing)
    return found + search.run({node.path for node in ones}, {node.path for node in others})


def _alike(
    ones: Mapping[Hashable, list[LayerNode]], others: Mapping[Hashable, list[LayerNode]]
) -> Iterator[tuple[LayerNode, LayerNode]]:
    """The pairs of those keys that one layer on each side has."""
    for key, mine in ones.items():
        theirs = others.get(key, [])
        if len(mine) == len(theirs) == 1:
            yield mine[0], theirs[0]


def _by_content(
    side: Side, nodes: Iterable[LayerNode], pairing: Pairing | None = None
) -> dict[Hashable, list[LayerNode]]:
    """Layers by class, holder and what they store; those that store nothing are left out.

    With `pairing` the holder is called by its path after.
    """
    found: dict[Hashable, list[LayerNode]] = {}
    for node in nodes:
        holder = node.parent
        if pairing is not None and holder is not None:
            holder = pairing.after.get(holder, "")
        content = None if holder == "" else side.digest(node.path)
        if content:
            found.setdefault((_kind(node), holder, content), []).append(node)
    return found


def _kind(node: LayerNode) -> Hashable:
    return node.class_name, node.registered_name


@dataclass(frozen=True)
class _Net:
    """How the layers of a model stand to each other.

    Attributes:
        tree: the model.
        inputs: path -> paths of what feeds it.
        fed: path -> paths of what it feeds.
        ends: paths of the layers whose outputs are those of their model.
    """

    tree: ModelTree
    inputs: Mapping[str, tuple[str, ...]]
    fed: Mapping[str, tuple[str, ...]]
    ends: frozenset[str]

    @classmethod
    def of(cls, tree: ModelTree) -> _Net:
        """The net of a model."""
        inputs = inputs_of(tree)
        fed: dict[str, list[str]] = {}
        for target, sources in inputs.items():
            for source in sources:
                fed.setdefault(source, []).append(target)
        models = (None, *(node for node in tree.layers if node.is_model))
        ends = frozenset(path for holder in models for path in outputs_of(tree, holder))
        return cls(tree, inputs, {path: tuple(each) for path, each in fed.items()}, ends)

    def beside(self, path: str) -> tuple[str, ...]:
        """What feeds a layer, what it feeds, and what stands in it in a place of its own."""
        held = [node.path for node in self.tree.children(path)]
        inside = held if self.tree.node(path).is_wrapper else []
        return (*self.inputs.get(path, ()), *self.fed.get(path, ()), *inside)


@dataclass
class _Search:
    """Goes from pair to pair, and looks at what stands beside them."""

    before: _Net
    after: _Net
    pairing: Pairing

    def run(self, ones: set[str], others: set[str]) -> Pairs:
        """Pair the layers at `ones` with those at `others`, as far as their places tell."""
        pending = [
            (one, other)
            for other, one in self.pairing.before.items()
            if not ones.isdisjoint(self.before.beside(one))
            and not others.isdisjoint(self.after.beside(other))
        ]
        found: Pairs = []
        while pending:
            one, other = pending.pop()
            mine = self._places(self.before, one, self.pairing.after)
            theirs = self._places(self.after, other, self.pairing.before)
            for left, right in _alike(mine, theirs):
                self.pairing.add(left.path, right.path)
                found.append((left.path, right.path))
                pending.append((left.path, right.path))
                pending += self._paired_beside(left.path)
        return found

    def _paired_beside(self, path: str) -> Iterator[tuple[str, str]]:
        for each in self.before.beside(path):
            if each in self.pairing.after:
                yield each, self.pairing.after[each]

    def _places(
        self, net: _Net, path: str, paired: Mapping[str, str]
    ) -> dict[Hashable, list[LayerNode]]:
        """The layers beside `path` that are not paired, by class and place."""
        found: dict[Hashable, list[LayerNode]] = {}
        for each in dict.fromkeys(net.beside(path)):
            if each not in paired:
                node = net.tree.node(each)
                found.setdefault((_kind(node), self._place(net, node)), []).append(node)
        return found

    def _place(self, net: _Net, node: LayerNode) -> Hashable:
        """What feeds a layer and what it feeds, strangers by their class; or its role."""
        holder = net.tree.get(node.parent) if node.parent is not None else None
        if holder is not None and holder.is_wrapper:
            return node.pointer[len(holder.pointer) :]
        return (
            tuple(self._name(net, path) for path in net.inputs.get(node.path, ())),
            frozenset(self._name(net, path) for path in net.fed.get(node.path, ())),
            node.path in net.ends,
        )

    def _name(self, net: _Net, path: str) -> Hashable:
        """A layer by its path after, or by its class where it has no partner."""
        if net is self.after:
            known = path if path in self.pairing.before else None
        else:
            known = self.pairing.after.get(path)
        return ("", known) if known is not None else _kind(net.tree.node(path))
