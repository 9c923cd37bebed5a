"""`rename`: layers by other names, and what keeps a name from being taken.

Selectors go on reading the archive: other overrides call a renamed layer by its old name. The
`compile` section, which speaks of outputs, uses the new ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kover.modelconfig.edit import Pointer, value_at
from kover.modelconfig.records import keras_package
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.layer_edits import LayerEdits, Net
from kover.planning.plan import AttributeChange, Shadowed, Unchanged
from kover.planning.references import is_wired, reorders_inputs, wiring_edits
from kover.problems import Problem
from kover.source import Source
from kover.spec.document import Value
from kover.values import JSON, MISSING, Missing

Bearers = dict[tuple[str | None, str], set[str]]
"""The path of a holder, and a name in it -> paths of the layers that have the name."""

_PLACEHOLDER = "{name}"
# Source: tensorflow 2.21 framework/ops.py, `_VALID_SCOPE_NAME_REGEX`; "/" is a matter of its own.
_RUNS_IN_TENSORFLOW = re.compile(r"[A-Za-z0-9_.\\>-]+", re.ASCII)


@dataclass(frozen=True)
class Renamed:
    """A layer and the name that it gets."""

    node: LayerNode
    name: str
    source: Source


class Renames:
    """Takes the `rename` of one override after another."""

    def __init__(self, tree: ModelTree) -> None:
        self.tree = tree
        self.problems: list[Problem] = []
        self.shadowed: list[Shadowed] = []
        self.unchanged: list[Unchanged] = []
        self._asked: dict[str, Renamed] = {}

    def add(self, value: Value, layers: tuple[LayerNode, ...]) -> None:
        """Rename the layers; a name without a placeholder is for one of them alone."""
        template, source = str(value.data), value.source()
        if len(layers) > 1 and _PLACEHOLDER not in template:
            self.problems.append(_several(layers, template, source))
            return
        for node in layers:
            asked = Renamed(node, template.replace(_PLACEHOLDER, node.name), source)
            problem = self._refusal(asked)
            if problem is not None:
                self.problems.append(problem)
                continue
            if (earlier := self._asked.get(node.path)) is not None:
                self.shadowed.append(Shadowed(node.path, "name", earlier.source, source))
            self._asked[node.path] = asked

    def finish(self) -> tuple[Renamed, ...]:
        """The layers whose name differs in the end, in the model's order.

        Names that two layers would have are put down as problems.
        """
        order = {node.path: at for at, node in enumerate(self.tree.layers)}
        asked = sorted(self._asked.values(), key=lambda each: order[each.node.path])
        bearers = self._bearers() if asked else {}
        for each in asked:
            if each.name == each.node.name:
                self.unchanged.append(Unchanged(each.node.path, "name", each.name, each.source))
            elif (problem := self._taken(each, bearers)) is not None:
                self.problems.append(problem)
        found = tuple(each for each in asked if each.name != each.node.name)
        self.problems += self._reordered(found)
        return found

    def _refusal(self, asked: Renamed) -> Problem | None:
        """Why the layer cannot have that name, whatever the others are called."""
        node, config = asked.node, self.tree.config(asked.node)
        if "name" not in config:
            return Problem(
                "nameless-layer",
                f"'{node.path}' has no name in its config, so Keras would not give it another",
                asked.source,
                "leave it out of the selection",
            )
        if not _runs(asked.name) and _runs(node.name):
            return Problem(
                "bad-name",
                f"TensorFlow cannot run a layer named '{asked.name}'",
                asked.source,
                "its names are made of letters, digits, '_', '-' and '.'",
            )
        if self._is_forward(node) and not asked.name.startswith("forward_"):
            return Problem(
                "bad-name",
                f"Keras lets the name of '{node.path}' begin with 'forward_', whatever it is told",
                asked.source,
                f"name it 'forward_{asked.name}'",
            )
        return None

    def _is_forward(self, node: LayerNode) -> bool:
        """Source: keras 3.15.1 layers/rnn/bidirectional.py, `Bidirectional.__init__`."""
        holder = None if node.parent is None else self.tree.node(node.parent)
        if holder is None or holder.class_name != "Bidirectional":
            return False
        both = self.tree.config(holder).get("backward_layer") is not None
        return both and node.pointer[-1] == "layer" and keras_package(holder.module) is not None

    def _taken(self, each: Renamed, bearers: Bearers) -> Problem | None:
        others = bearers[each.node.parent, each.name] - {each.node.path}
        if not others:
            return None
        other = min(others)
        renamed = self._asked.get(other)
        return Problem(
            "name-taken",
            f"'{each.node.path}' cannot be named '{each.name}': "
            + (f"'{other}' gets it too" if renamed else f"'{other}' has it"),
            each.source,
            "names are unique among the layers of one model",
            related=(renamed.source,) if renamed else (),
        )

    def _bearers(self) -> Bearers:
        """Who bears each name in the end; a layer that keeps its name, its last step as well."""
        found: Bearers = {}
        for node in self.tree.layers:
            asked = self._asked.get(node.path)
            part = node.path.rpartition("/")[2]
            for name in {asked.name} if asked is not None else {node.name, part}:
                found.setdefault((node.parent, name), set()).add(node.path)
        return found

    def _reordered(self, found: tuple[Renamed, ...]) -> Iterator[Problem]:
        for pointer, new in wiring_edits(self.tree, names_by_holder(found)):
            old = value_at(self.tree.root, pointer)
            if pointer[-1] == "input_layers" and old is not MISSING and reorders_inputs(old, new):
                yield Problem(
                    "inputs-reordered",
                    "Keras takes mapped inputs in the order of their names, which would be another",
                    found[0].source,
                    "choose names that sort as the old ones do",
                )


def _runs(name: str) -> bool:
    return _RUNS_IN_TENSORFLOW.fullmatch(name) is not None


def names_by_holder(renamed: tuple[Renamed, ...]) -> Mapping[str | None, Mapping[str, str]]:
    """Old names to new ones, by the path of what holds the layers."""
    found: dict[str | None, dict[str, str]] = {}
    for each in renamed:
        found.setdefault(each.node.parent, {})[each.node.name] = each.name
    return found


def net_names(edits: LayerEdits, renamed: tuple[Renamed, ...]) -> Iterator[Net]:
    """The new names as changes, each with what to write into the layer's own record."""
    tree = edits.tree
    for each in renamed:
        node = edits.node(each.node)
        change = AttributeChange(
            node.path, node.class_name, "name", node.name, each.name, each.source
        )
        writes: dict[Pointer, JSON | Missing] = {(*node.config_pointer, "name"): each.name}
        if is_wired(tree, node) or "name" in tree.record(node):
            writes[(*node.pointer, "name")] = each.name
        yield Net(node, "name", each.name, change, writes)


def _several(layers: tuple[LayerNode, ...], name: str, source: Source) -> Problem:
    listed = ", ".join(f"'{node.path}'" for node in layers[:4])
    more = f" and {len(layers) - 4} more" if len(layers) > 4 else ""
    return Problem(
        "several-layers",
        f"{len(layers)} layers match, and 'rename' would call them all '{name}'",
        source,
        f"select one of {listed}{more}, or keep the old names in it: 'rename: \"{name}_{{name}}\"'",
    )
