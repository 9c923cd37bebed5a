"""A spec as a tree of nodes: the values that were written, and the place of each.

Made from YAML by `kover.spec.yaml_nodes`; knows nothing of what a spec means. Nodes are never
modified, so an alias shares the nodes of its anchor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from kover.source import Source
from kover.spec.document import Path, Value
from kover.values import JSON


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a mapping."""

    key_source: Source
    node: Node


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place: a scalar, a list (`items`) or a mapping (`entries`).

    Attributes:
        data: the value as JSON; for a list or mapping, made of the data of its parts.
        size: how many nodes it expands to, keys included.
        height: 1 for a scalar, one more than its highest part for a list or mapping.
        parameter: the name of the parameter that the value came from.
    """

    source: Source
    data: JSON
    items: tuple[Node, ...] = ()
    entries: Mapping[str, Entry] = field(default_factory=dict)
    size: int = 1
    height: int = 1
    parameter: str | None = None

    def get(self, key: str) -> Node | None:
        """The value at `key` of a mapping."""
        entry = self.entries.get(key)
        return None if entry is None else entry.node

    def key_source(self, key: str) -> Source:
        """The place of the key `key` of a mapping."""
        return self.entries[key].key_source

    def at(self, path: Path) -> Node:
        """The part at `path`, or the nearest part around it."""
        node = self
        for step in path:
            if isinstance(step, str) and step in node.entries:
                node = node.entries[step].node
            elif isinstance(step, int) and 0 <= step < len(node.items):
                node = node.items[step]
            else:
                break
        return node

    def parts(self) -> Iterator[tuple[str | int, Node]]:
        """The direct parts, each with its step."""
        yield from ((key, entry.node) for key, entry in self.entries.items())
        yield from enumerate(self.items)

    def value(self) -> Value:
        """The node as a value with the place of each of its parts."""
        sources: dict[Path, Source] = {}
        key_sources: dict[Path, Source] = {}
        waiting: list[tuple[Path, Node]] = [((), self)]
        while waiting:
            path, node = waiting.pop()
            sources[path] = node.source
            for key, entry in node.entries.items():
                key_sources[(*path, key)] = entry.key_source
            waiting += [((*path, step), part) for step, part in node.parts()]
        return Value(self.data, sources, key_sources)

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping, also an empty one."""
        return isinstance(self.data, dict)

    @property
    def is_list(self) -> bool:
        """Whether it is a list, also an empty one."""
        return isinstance(self.data, list)

    def moved(self, source: Source) -> Node:
        """The same node, standing at another place."""
        return replace(self, source=source)


def list_node(source: Source, items: tuple[Node, ...]) -> Node:
    """A list of `items`."""
    return Node(
        source,
        [item.data for item in items],
        items=items,
        size=1 + sum(item.size for item in items),
        height=1 + max((item.height for item in items), default=0),
    )


def mapping_node(source: Source, entries: Mapping[str, Entry]) -> Node:
    """A mapping of `entries`."""
    nodes = [entry.node for entry in entries.values()]
    return Node(
        source,
        {key: entry.node.data for key, entry in entries.items()},
        entries=entries,
        size=1 + len(nodes) + sum(node.size for node in nodes),
        height=1 + max((node.height for node in nodes), default=0),
    )


def node_of(data: JSON, source: Source, parameter: str) -> Node:
    """The value of a parameter as a node; every part of it stands where the parameter is used."""
    if isinstance(data, list):
        items = tuple(node_of(item, source, parameter) for item in data)
        return replace(list_node(source, items), parameter=parameter)
    if isinstance(data, dict):
        entries = {
            key: Entry(source, node_of(part, source, parameter)) for key, part in data.items()
        }
        return replace(mapping_node(source, entries), parameter=parameter)
    return Node(source, data, parameter=parameter)
