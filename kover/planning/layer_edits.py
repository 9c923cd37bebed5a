"""What the overrides so far make of the layers' configs, and who wrote what.

An overlay over the tree, which is never modified. A later setting replaces an earlier one where it
covers it (`kernel_regularizer` covers `kernel_regularizer.l2`, not the other way round).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kover.modelconfig.edit import Pointer
from kover.modelconfig.keras_values import shorten
from kover.modelconfig.records import keras_package
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
        implied: not asked for itself; it follows from the class that the layer gets.
    """

    steps: tuple[str, ...]
    value: JSON | Missing
    source: Source
    pushed_from: str | None = None
    implied: bool = False

    @property
    def is_named(self) -> bool:
        """Whether the spec itself names the attribute for this layer."""
        return self.pushed_from is None and not self.implied


@dataclass
class _Attribute:
    """One attribute of one layer: what it was, what it is by now, and the writes that count."""

    node: LayerNode
    original: JSON | Missing
    current: JSON | Missing
    live: list[Write] = field(default_factory=list)


@dataclass
class _Class:
    """The class of one layer: what it was, what it is by now, and who replaced it."""

    original: LayerNode
    current: LayerNode
    sources: list[Source] = field(default_factory=list)


@dataclass(frozen=True)
class Net:
    """What remains at the end: one attribute, or the class, that differs from the archive's.

    Attributes:
        node: the layer, of the class that it has in the end.
        attribute: `class` stands for the layer's class.
        value: the new one, in Keras' form.
        change: the same for people.
        edits: what to write into `config.json`.
    """

    node: LayerNode
    attribute: str
    value: JSON | Missing
    change: AttributeChange
    edits: Mapping[Pointer, JSON | Missing]


class LayerEdits:
    """Takes writes one by one, in the order of the overrides."""

    def __init__(self, tree: ModelTree) -> None:
        self.tree = tree
        self.shadowed: list[Shadowed] = []
        self.unchanged: list[Unchanged] = []
        self._touched: dict[str, dict[str, _Attribute]] = {}
        self._classes: dict[str, _Class] = {}

    def node(self, node: LayerNode) -> LayerNode:
        """The layer, of the class that the overrides so far give it."""
        replaced = self._classes.get(node.path)
        return node if replaced is None else replaced.current

    def current(self, node: LayerNode, attribute: str) -> JSON | Missing:
        """The value (no dots) as the overrides so far leave it."""
        touched = self._touched.get(node.path, {}).get(attribute)
        if touched is not None:
            return touched.current
        return self.tree.config(node).get(attribute, MISSING)

    def config(self, node: LayerNode) -> Mapping[str, JSON]:
        """The layer's config: the archive's, unless the class was replaced."""
        config = self.tree.config(node)
        if node.path not in self._classes:
            return config
        touched = self._touched.get(node.path, {})
        now = {**config, **{name: attribute.current for name, attribute in touched.items()}}
        return {name: value for name, value in now.items() if value is not MISSING}

    def attributes(self, node: LayerNode) -> Mapping[str, JSON]:
        """The same, without the layers that the layer holds."""
        if node.path not in self._classes:
            return self.tree.attributes(node)
        held = self.tree.holders(node)
        return {name: value for name, value in self.config(node).items() if name not in held}

    def replace(self, node: LayerNode, source: Source) -> None:
        """Give the layer the class that `node` has; its attributes are written one by one."""
        before = self.node(self.tree.node(node.path))
        if class_of(before) == class_of(node):
            self.unchanged.append(Unchanged(node.path, "class", class_of(node), source))
            return
        known = self._classes.setdefault(node.path, _Class(before, before))
        self.shadowed += [Shadowed(node.path, "class", old, source) for old in known.sources[-1:]]
        known.current = node
        known.sources.append(source)

    def put(self, node: LayerNode, write: Write) -> None:
        """Write an attribute; asking for the value that is there is noted and nothing else."""
        name = write.steps[0]
        before = self.current(node, name)
        if same_meaning(before, write.value, layer_argument(node, name, before)):
            self.keep(node, write)
            return
        attribute = self._touched.setdefault(node.path, {}).setdefault(
            name, _Attribute(node, before, before)
        )
        covered = [old for old in attribute.live if old.steps[: len(write.steps)] == write.steps]
        for old in (each for each in covered if not each.implied):
            self.shadowed.append(Shadowed(node.path, ".".join(old.steps), old.source, write.source))
        attribute.live = [old for old in attribute.live if old not in covered]
        attribute.live.append(write)
        attribute.current = write.value

    def keep(self, node: LayerNode, write: Write) -> None:
        """Note that a setting asked for what is there already."""
        if write.is_named:
            self.unchanged.append(_unchanged(node, write))

    def net(self) -> Iterator[Net]:
        """What differs in the end, layers in the model's order, attributes as first written.

        What several overrides changed back and forth to the archive's value is unchanged.
        """
        order = {"": -1} | {node.path: at for at, node in enumerate(self.tree.layers)}
        for path in sorted(self._touched.keys() | self._classes.keys(), key=order.__getitem__):
            replaced = self._classes.get(path)
            if replaced is not None:
                yield from self._net_class(replaced)
            for name, attribute in self._touched.get(path, {}).items():
                yield from self._net_attribute(name, attribute)

    def _net_class(self, replaced: _Class) -> Iterator[Net]:
        """The new class, and no build config: that of the old class may mean nothing to it."""
        node, before, source = replaced.current, class_of(replaced.original), replaced.sources[-1]
        after = class_of(node)
        if before == after:
            self.unchanged.append(Unchanged(node.path, "class", after, source))
            return
        change = AttributeChange(node.path, node.class_name, "class", before, after, source)
        edits: dict[Pointer, JSON | Missing] = {
            (*node.pointer, "module"): node.module,
            (*node.pointer, "class_name"): node.class_name,
            (*node.pointer, "registered_name"): node.registered_name,
            (*node.pointer, "build_config"): MISSING,
        }
        yield Net(node, "class", after, change, edits)

    def _net_attribute(self, name: str, attribute: _Attribute) -> Iterator[Net]:
        last, node = attribute.live[-1], self.node(attribute.node)
        argument = layer_argument(node, name, attribute.original)
        if same_meaning(attribute.original, attribute.current, argument):
            if last.is_named:
                self.unchanged.append(_unchanged(node, last))
            return
        change = AttributeChange(
            layer=node.path,
            class_name=node.class_name,
            attribute=name,
            before=_short(attribute.original),
            after=_short(attribute.current),
            source=last.source,
            pushed_from=last.pushed_from,
            earlier=tuple(dict.fromkeys(old.source for old in attribute.live[:-1])),
        )
        edits = {(*node.config_pointer, name): attribute.current}
        yield Net(node, name, attribute.current, change, edits)


def class_of(node: LayerNode) -> str:
    """What a spec calls the layer's class: the registered name of a custom one."""
    if node.registered_name and keras_package(node.module) is None:
        return node.registered_name
    return node.class_name


def _unchanged(node: LayerNode, write: Write) -> Unchanged:
    value = write.value
    for step in write.steps[1:]:
        value = inside(value).get(step, MISSING)
    return Unchanged(node.path, ".".join(write.steps), _short(value), write.source)


def _short(value: JSON | Missing) -> JSON | Missing:
    return MISSING if value is MISSING else shorten(value)
