"""Two configs -> what became of each layer, and the exact patch between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kover.diffing.attributes import changes_in, edits_between
from kover.diffing.model_diff import AttributeChange, ConfigPatch, Kind, LayerDiff, RecordEdit
from kover.diffing.own_records import (
    LayerReference,
    Record,
    follow_names,
    map_references,
    own_record,
)
from kover.diffing.pairing import Pairing, Side, is_made_up, out_of_order, pair_layers
from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.values import JSON

Names = Mapping[str, Mapping[str, str]]
"""Path after of a holder (`""` is the model) -> old to new names of the layers in it."""


@dataclass(frozen=True)
class TreeDiff:
    """The comparison of two configs."""

    layers: tuple[LayerDiff, ...]
    model: tuple[AttributeChange, ...]
    patch: ConfigPatch
    pairing: Pairing


def compare_trees(before: Side, after: Side, known: Mapping[str, str] | None = None) -> TreeDiff:
    """Compare two models by their configs; `known` layers are paired, see `pair_layers`."""
    comparison = _Comparison(before.tree, after.tree, pair_layers(before, after, known))
    edits: dict[str, tuple[RecordEdit, ...]] = {}
    layers: list[LayerDiff] = []
    moved = comparison.moved()
    for node in after.tree.layers:
        origin = comparison.origin(node)
        if origin is None:
            layers.append(comparison.added(node))
            continue
        found, changes = comparison.compared(origin, node)
        if found:
            edits[node.path] = found
        kind = comparison.kind(origin, node, moved)
        if changes or kind != "changed":
            layers.append(comparison.paired(origin, node, kind, changes))
    found, model = comparison.compared(None, None)
    if found:
        edits[""] = found
    layers.extend(comparison.removed())
    return TreeDiff(tuple(layers), _once(model), comparison.patch(edits), comparison.pairing)


def _once(model: tuple[AttributeChange, ...]) -> tuple[AttributeChange, ...]:
    """A Sequential tells the shape it was built for twice."""
    if not any(change.attribute == "build_input_shape" for change in model):
        return model
    return tuple(each for each in model if each.attribute != "build_config.input_shape")


@dataclass(frozen=True)
class _Comparison:
    """Two trees and their pairs."""

    before: ModelTree
    after: ModelTree
    pairing: Pairing
    known_names: dict[str | None, dict[str, str]] = field(default_factory=dict)

    def origin(self, node: LayerNode) -> LayerNode | None:
        """The layer before that is now `node`."""
        path = self.pairing.before.get(node.path)
        return None if path is None else self.before.node(path)

    def names(self, holder: str | None) -> dict[str, str]:
        """Old to new names of the layers that the layer at `holder` holds now."""
        if holder not in self.known_names:  # thousands of layers ask for those of one model
            pairs = ((self.origin(node), node) for node in self.after.children(holder))
            self.known_names[holder] = {
                one.name: node.name for one, node in pairs if one and one.name != node.name
            }
        return self.known_names[holder]

    def renamed(self) -> dict[str, str]:
        """Paths after -> new names."""
        pairs = ((self.origin(node), node) for node in self.after.layers)
        return {node.path: node.name for one, node in pairs if one and one.name != node.name}

    def compared(
        self, one: LayerNode | None, other: LayerNode | None
    ) -> tuple[tuple[RecordEdit, ...], tuple[AttributeChange, ...]]:
        """The edits and the changes between two own records; None is the model."""
        new = own_record(self.after, other)
        old = follow_names(
            own_record(self.before, one),
            other.name if one and other and one.name != other.name else None,
            self.names(other.parent) if other else {},
            self.names(other.path if other else None),
        )
        if self.before.children(one.path if one else None):
            old = moved_references(old, self.pairing.after)
        edits = edits_between(old, new)
        return edits, changes_in(edits, old, new)

    def moved(self) -> set[str]:
        """Paths after of the layers that stand elsewhere among those which have stayed."""
        found: set[str] = set()
        models = [None, *(node.path for node in self.after.layers if node.is_model)]
        for holder in models:
            origin = None if holder is None else self.pairing.before.get(holder)
            if holder is not None and origin is None:
                continue
            places = {node.path: place for place, node in enumerate(self.before.children(origin))}
            stayed = [
                (places[self.pairing.before[node.path]], node.path)
                for node in self.after.children(holder)
                if self.pairing.before.get(node.path) in places
            ]
            left_out = out_of_order([place for place, _ in stayed])
            found |= {stayed[place][1] for place in left_out}
        return found

    def kind(self, one: LayerNode, other: LayerNode, moved: set[str]) -> Kind:
        """What to call a pair: `changed` also stands for nothing beyond its changes."""
        held_by = None if other.parent is None else self.pairing.before.get(other.parent, "")
        if other.path in moved or one.parent != held_by:
            return "moved"
        return "renamed" if one.name != other.name else "changed"

    def paired(
        self,
        one: LayerNode,
        other: LayerNode,
        kind: Kind,
        changes: tuple[AttributeChange, ...],
    ) -> LayerDiff:
        """The difference of a pair."""
        elsewhere = kind != "changed" and one.path != other.path
        drifted = kind == "renamed" and all(
            is_made_up(node.name, node.class_name) for node in (one, other)
        )
        return LayerDiff(
            other.path,
            other.class_name,
            kind,
            changes,
            one.path if elsewhere else None,
            drifted=drifted,
        )

    def added(self, node: LayerNode) -> LayerDiff:
        """A layer that was not there."""
        return _alone(node, "added", self.after, self.pairing.before)

    def removed(self) -> list[LayerDiff]:
        """The layers that are no longer there."""
        return [
            _alone(node, "removed", self.before, self.pairing.after)
            for node in self.before.layers
            if node.path not in self.pairing.after
        ]

    def patch(self, edits: Mapping[str, tuple[RecordEdit, ...]]) -> ConfigPatch:
        """The exact patch."""
        holders = [None, *(node.path for node in self.after.layers)]
        names = {holder or "": self.names(holder) for holder in holders}
        return ConfigPatch(
            origins={new: old for new, old in self.pairing.before.items() if new != old},
            renamed=self.renamed(),
            names={holder: found for holder, found in names.items() if found},
            added={
                node.path: own_record(self.after, node)
                for node in self.after.layers
                if node.path not in self.pairing.before
            },
            edits=edits,
        )


def _alone(node: LayerNode, kind: Kind, tree: ModelTree, paired: Mapping[str, str]) -> LayerDiff:
    """A layer on one side only. One inside another such layer went along with it."""
    within = node.parent if node.parent is not None and node.parent not in paired else None
    holds = len(tree.descendants(node.path))
    return LayerDiff(node.path, node.class_name, kind, holds=holds, within=within)


def moved_references(record: Record, after: Mapping[str, str]) -> Record:
    """An own record before, referring to layers by their paths after.

    A layer that is gone keeps its path, marked so that it equals no other.
    """

    def follow(reference: LayerReference) -> LayerReference:
        path = after.get(reference.path)
        return LayerReference(reference.path, gone=True) if path is None else LayerReference(path)

    result: JSON = map_references(record, follow)
    assert isinstance(result, dict)
    return result
