"""What the overrides so far make of the layers' configs, and who wrote what.

An overlay over the tree, which is never modified. A later setting replaces an earlier one where it
covers it (`kernel_regularizer` covers `kernel_regularizer.l2`, not the other way round).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kover.modelconfig.keras_values import shorten
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.dotted import inside
from kover.planning.layer_classes import layer_argument
from kover.planning.meaning import same_meaning
from kover.planning.plan import AttributeChange, Shadowed, Unchanged
from kover.source import Source
from kover.values import JSON, MISSING, Missing


@dataclass(frozen=True)
class Write:
    """One setting that an override wants written to one layer.

    Attributes:
        steps: the attribute, and what a dotted one reaches into.
        value: the new value of the whole attribute, in Keras' form; MISSING leaves it out.
        source: of the setting's value.
        pushed_from: path of the nested model or wrapper that was named instead of the layer.
    """

    steps: tuple[str, ...]
    value: JSON | Missing
    source: Source
    pushed_from: str | None = None


@dataclass
class _Attribute:
    """One attribute of one layer: what it was, what it is by now, and the writes that count."""

    node: LayerNode
    original: JSON | Missing
    current: JSON | Missing
    live: list[Write] = field(default_factory=list)


@dataclass(frozen=True)
class Net:
    """What remains at the end: one attribute that differs from the archive's."""

    node: LayerNode
    attribute: str
    value: JSON | Missing
    change: AttributeChange


class LayerEdits:
    """Takes writes one by one, in the order of the overrides."""

    def __init__(self, tree: ModelTree) -> None:
        self.tree = tree
        self.shadowed: list[Shadowed] = []
        self.unchanged: list[Unchanged] = []
        self._touched: dict[tuple[str, str], _Attribute] = {}

    def current(self, node: LayerNode, attribute: str) -> JSON | Missing:
        """The value (no dots) as the overrides so far leave it."""
        touched = self._touched.get((node.path, attribute))
        if touched is not None:
            return touched.current
        return self.tree.config(node).get(attribute, MISSING)

    def put(self, node: LayerNode, write: Write) -> None:
        """Write an attribute; asking for the value that is there is noted and nothing else."""
        name = write.steps[0]
        before = self.current(node, name)
        if same_meaning(before, write.value, layer_argument(node, name, before)):
            self.keep(node, write)
            return
        key = (node.path, name)
        if key not in self._touched:
            self._touched[key] = _Attribute(node, before, before)
        attribute = self._touched[key]
        covered = [old for old in attribute.live if old.steps[: len(write.steps)] == write.steps]
        for old in covered:
            self.shadowed.append(Shadowed(node.path, ".".join(old.steps), old.source, write.source))
        attribute.live = [old for old in attribute.live if old not in covered]
        attribute.live.append(write)
        attribute.current = write.value

    def keep(self, node: LayerNode, write: Write) -> None:
        """Note that a setting asked for what is there already."""
        if write.pushed_from is None:
            self.unchanged.append(_unchanged(node, write))

    def net(self) -> Iterator[Net]:
        """What differs in the end, layers in the model's order, attributes as first written.

        What several overrides changed back and forth to the archive's value is unchanged.
        """
        order = {node.path: at for at, node in enumerate(self.tree.layers)}
        touched = sorted(self._touched.items(), key=lambda item: order[item[0][0]])
        for (path, name), attribute in touched:
            last = attribute.live[-1]
            argument = layer_argument(attribute.node, name, attribute.original)
            if same_meaning(attribute.original, attribute.current, argument):
                if last.pushed_from is None:
                    self.unchanged.append(_unchanged(attribute.node, last))
                continue
            change = AttributeChange(
                layer=path,
                class_name=attribute.node.class_name,
                attribute=name,
                before=_short(attribute.original),
                after=_short(attribute.current),
                source=last.source,
                pushed_from=last.pushed_from,
                earlier=tuple(dict.fromkeys(old.source for old in attribute.live[:-1])),
            )
            yield Net(attribute.node, name, attribute.current, change)


def _unchanged(node: LayerNode, write: Write) -> Unchanged:
    value = write.value
    for step in write.steps[1:]:
        value = inside(value).get(step, MISSING)
    return Unchanged(node.path, ".".join(write.steps), _short(value), write.source)


def _short(value: JSON | Missing) -> JSON | Missing:
    return MISSING if value is MISSING else shorten(value)
