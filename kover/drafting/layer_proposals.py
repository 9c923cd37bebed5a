"""What differs in the layers, as overrides: settings, other classes, new names, consents."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence

from kover.catalogue.compact import compact
from kover.diffing.model_diff import AttributeChange, LayerDiff, ModelDiff, OutlineLayer
from kover.drafting.draft import Proposal
from kover.drafting.selectors import Selectors
from kover.drafting.values import has_yaml, yaml_or_words
from kover.modelconfig.keras_values import shorten
from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.modelconfig.records import keras_package
from kover.planning.layer_classes import layer_entry
from kover.planning.meaning import same_as_default, same_meaning
from kover.values import JSON, MISSING, Missing

_NEVER = ("name", "inbound_nodes", "class_name", "module", "registered_name")
_KEPT = ("trainable", "dtype")
"""What `replace` leaves as it is."""


class LayerProposals:
    """The proposals for the layers of one model."""

    def __init__(self, diff: ModelDiff, before: ModelTree, after: ModelTree) -> None:
        self.diff = diff
        self.before = before
        self.after = after
        self._selectors = Selectors(before)
        self._exchanged = exchanged(diff.outline)
        now = [each for each in diff.outline if each.origin is not None and not each.removed]
        self._origins = {each.path: str(each.origin) for each in now}
        self._origins.update(self._exchanged)

    def all(self) -> list[Proposal]:
        """Those that make the layers, in the order in which a spec has them."""
        return [*self._replacements(), *self._settings(), *self._renamings()]

    def selector(self, path: str) -> str | None:
        """What selects, in the model before, the layer at `path` after; None for a new one."""
        node = self.before.get(self._origins.get(path, ""))
        return self._selectors.of(node) if node is not None else None

    def _pairs(self) -> Iterator[tuple[LayerDiff, LayerNode, LayerNode]]:
        for layer in self.diff.layers:
            path = self._origins.get(layer.layer) if layer.kind != "removed" else None
            one, other = self.before.get(path or ""), self.after.get(layer.layer)
            if one is not None and other is not None:
                yield layer, one, other

    def _replacements(self) -> Iterator[Proposal]:
        """Layers of another class; those that are to be the same are one proposal."""
        found: dict[str, tuple[list[str], JSON, str]] = {}
        for _, one, other in self._pairs():
            value = self._new_class(one, other) if _is_replaced(one, other) else MISSING
            if not isinstance(value, Missing):
                key = repr((value, one.class_name))
                entry = found.setdefault(key, ([], value, one.class_name))
                entry[0].append(self._selectors.of(one))
        for layers, value, was in found.values():
            yield Proposal(tuple(layers), "", value, f"was {was}", act="replace")

    def _new_class(self, one: LayerNode, other: LayerNode) -> JSON | Missing:
        """What `replace` asks for to make one layer into the other; MISSING if it cannot."""
        entry, former = layer_entry(other), layer_entry(one)
        if entry is None and keras_package(other.module) is not None:
            return MISSING  # an operation: not a class that a spec could name
        name = other.class_name if entry is not None else other.registered_name
        old, given = self.before.attributes(one), dict[str, JSON]()
        for key, value in self.after.attributes(other).items():
            argument = entry.arguments.get(key) if entry is not None else None
            if key == "name" or (entry is not None and argument is None):
                continue
            unchanged = same_meaning(old.get(key, MISSING), value, argument)
            if key in _KEPT and unchanged:
                continue
            chosen = former is None or not same_as_default(old.get(key), former.arguments.get(key))
            carried = key in old and chosen and not unchanged
            if entry is None or carried or not same_as_default(value, argument):
                given[key] = compact(shorten(value))
        value_: JSON = {"class": name, **given} if given else name
        return value_ if has_yaml(value_) else MISSING

    def _settings(self) -> list[Proposal]:
        """A proposal for each change; those that many layers share are one."""
        sharing: dict[str, list[tuple[str, AttributeChange]]] = {}
        for layer, one, other in self._pairs():
            if _is_replaced(one, other):
                continue
            for change in layer.changes:
                if _is_settable(change):
                    found = sharing.setdefault(_key(change), [])
                    found.append((self._selectors.of(one), change))
        return [
            Proposal(
                tuple(selector for selector, _ in members),
                members[0][1].attribute,
                members[0][1].after,
                f"was {yaml_or_words(members[0][1].before)}",
            )
            for members in sharing.values()
        ]

    def _renamings(self) -> Iterator[Proposal]:
        """Layers with another name; those that Keras numbered anew are left alone."""
        for layer, one, other in self._pairs():
            if one.name == other.name or layer.drifted or self._is_elsewhere(one, other):
                continue
            if "{name}" not in other.name and has_yaml(other.name):
                yield Proposal((self._selectors.of(one),), "", other.name, act="rename")

    def _is_elsewhere(self, one: LayerNode, other: LayerNode) -> bool:
        """Whether another layer holds it now."""
        holder = None if other.parent is None else self._origins.get(other.parent, other.parent)
        return one.parent != holder

    def consents(self) -> Iterator[Proposal]:
        """Layers of which arrays are gone or have other shapes: they must agree to lose them."""
        for layer, variables in self._lost().items():
            node = self.before.get(self._origins.get(layer, ""))
            if node is not None:
                lost = self._some_of(node, variables)
                note = "stored values go" if lost else "other shapes"
                chosen = (self._selectors.of(node),)
                yield Proposal(chosen, "", note=note, act="reinitialize", variables=lost)

        yield from self._consent_of_the_model()

    def _consent_of_the_model(self) -> Iterator[Proposal]:
        """For what the model's own code makes, which the weights file has by groups."""
        changed = self.diff.weights.changed if self.diff.weights is not None else ()
        places = [c.variable for c in changed if c.layer is None and c.shape_before is not None]
        groups = dict.fromkeys(f"{place.rpartition('vars/')[0]}*" for place in places)
        if groups and self.before.root_node is not None:
            yield Proposal(
                (self.before.name,),
                "",
                note="other shapes",
                act="reinitialize",
                variables=tuple(groups),
            )

    def _lost(self) -> Mapping[str, list[str]]:
        """Path after -> the variables whose values cannot be kept."""
        found: dict[str, list[str]] = {}
        weights = self.diff.weights
        for change in weights.changed if weights is not None else ():
            if change.layer is not None and change.shape_before is not None:
                found.setdefault(change.layer, []).append(change.variable)
        names = {path: path for path in self._origins}
        names |= {origin: path for path, origin in self._exchanged.items()}
        for fact in weights.removed if weights is not None else ():
            if fact.layer in names:
                found.setdefault(names[fact.layer], []).append(fact.variable)
        return found

    def _some_of(self, node: LayerNode, lost: list[str]) -> tuple[str, ...]:
        """The variables, where the layer has others that stay; empty for all of them."""
        entry = layer_entry(node)
        stored = entry.stored_variables(self.before.config(node)) if entry is not None else {}
        plain = all(name.replace("_", "").isalnum() for name in lost)
        return tuple(lost) if plain and set(lost) < set(stored.values()) else ()


def exchanged(outline: Sequence[OutlineLayer]) -> Mapping[str, str]:
    """Path after -> before, of new layers that stand alone where another was, of another class.

    To a reader one is gone and one is new. To a spec it is one layer with another name and class.
    """
    stayed = {each.path for each in outline if each.origin is not None and not each.removed}
    fed: dict[str, set[str]] = {}
    for each in outline:
        for source in (*each.inputs, *each.former_inputs):
            fed.setdefault(source, set()).add(each.path)
    places: dict[Hashable, tuple[list[str], list[str]]] = {}
    for each in outline:
        around = {*each.inputs, *fed.get(each.path, ())}
        if (each.origin is None or each.removed) and around and around <= stayed:
            place = each.parent, each.inputs, frozenset(fed.get(each.path, ()))
            places.setdefault(place, ([], []))[each.removed].append(each.path)
    return {
        new[0]: old[0] for new, old in places.values() if len(new) == len(old) == 1 and new != old
    }


def _is_replaced(one: LayerNode, other: LayerNode) -> bool:
    return (one.class_name, _custom_name(one)) != (other.class_name, _custom_name(other))


def _custom_name(node: LayerNode) -> str | None:
    """The registered name, where it says more than the class name."""
    return None if node.registered_name == node.class_name else node.registered_name


def _key(change: AttributeChange) -> str:
    sides = ["-" if isinstance(v, Missing) else repr(v) for v in (change.before, change.after)]
    return repr([change.attribute, *sides])


def _is_settable(change: AttributeChange) -> bool:
    if change.attribute in _NEVER or change.attribute.startswith("build_config."):
        return False
    return change.after is MISSING or has_yaml(change.after)
