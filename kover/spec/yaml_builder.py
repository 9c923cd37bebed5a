"""PyYAML events to nodes: duplicate keys, tags, aliases, merge keys, and the limits on them.

Iterative, so that no document is too deep for it. An alias costs as many nodes as it expands
to; the sum is checked before the alias is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kover.problems import Problem
from kover.source import Source
from kover.spec.files import SpecText
from kover.spec.nodes import Entry, Node, list_node, mapping_node
from kover.spec.yaml_scalars import ScalarError, resolve_plain, resolve_tagged
from kover.values import JSON

MOST_NODES: Final = 20_000
MOST_DEPTH: Final = 20

_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS: Final = frozenset({"str", "int", "float", "bool", "null"})
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+)+")
_TAG = re.compile(r"(?:&[^\s,\[\]{}]*\s+)?(![^\s,\[\]{}]*)")
_LIMIT_HELP = "write the spec with fewer anchors and shorter lists"


class Refused(Exception):  # noqa: N818 (not an error of its own: it carries the problem out)
    """The document is refused at once; reading on could cost too much or mean nothing."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass
class _Open:
    """A list or mapping whose end has not been seen."""

    source: Source
    is_mapping: bool
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    merged: list[Node] = field(default_factory=list)
    key: Node | None = None
    is_merge: bool = False
    merge_key: Source | None = None


class Builder:
    """Builds one document from events."""

    def __init__(self, text: SpecText) -> None:
        self.text = text
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}  # None: still open
        self._count = 0
        self._documents = 0

    def add(self, event: Any) -> None:
        """Take the next event.

        Raises:
            Refused: a limit is passed, an alias has no target, or a second document begins.
        """
        handler = getattr(self, f"_on_{type(event).__name__}", None)
        if handler is not None:
            handler(event)

    def _on_DocumentStartEvent(self, event: Any) -> None:  # noqa: N802 (named by the event)
        self._documents += 1
        if self._documents > 1:
            raise self._refused(
                "second-document",
                "a spec is a single YAML document",
                self.text.source(event.start_mark.index, event.end_mark.index),
                "put the second document into a file of its own",
            )

    def _on_ScalarEvent(self, event: Any) -> None:  # noqa: N802
        source = self._source(event)
        self._charge(1, 1, source)
        plain = event.style is None
        is_merge = plain and event.tag is None and event.value == "<<" and self._wants_key()
        data = self._scalar(event, plain, source)
        self._place(Node(source, data), event.anchor, is_merge=is_merge)

    def _on_AliasEvent(self, event: Any) -> None:  # noqa: N802
        source = self.text.source(event.start_mark.index, event.end_mark.index)
        node = self._anchors.get(event.anchor)
        if node is None:
            cyclic = event.anchor in self._anchors
            raise self._refused(
                "cyclic-alias" if cyclic else "unknown-alias",
                f"the alias '*{event.anchor}' "
                + ("stands inside its own anchor" if cyclic else "has no anchor before it"),
                source,
                f'a glob that begins with * must be quoted: "*{event.anchor}"',
            )
        self._charge(node.size, node.height, source)
        self._place(node.moved(source), None)

    def _on_SequenceStartEvent(self, event: Any) -> None:  # noqa: N802
        self._start(event, is_mapping=False)

    def _on_MappingStartEvent(self, event: Any) -> None:  # noqa: N802
        self._start(event, is_mapping=True)

    def _on_SequenceEndEvent(self, event: Any) -> None:  # noqa: N802
        top = self._open.pop()
        self._place(list_node(self._span(top, event), tuple(top.items)), top.anchor)

    def _on_MappingEndEvent(self, event: Any) -> None:  # noqa: N802
        top = self._open.pop()
        entries = dict(top.entries)
        for node in top.merged:
            for key, entry in node.entries.items():
                entries.setdefault(key, entry)
        self._place(mapping_node(self._span(top, event), entries), top.anchor)

    def _start(self, event: Any, is_mapping: bool) -> None:
        source = self._source(event)
        self._charge(1, 1, source)
        known = {f"{_CORE}{'map' if is_mapping else 'seq'}", "!", None}
        if event.tag not in known:
            self._report_tag(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(source, is_mapping, event.anchor))

    def _place(self, node: Node, anchor: str | None, is_merge: bool = False) -> None:
        """Put a finished node where it belongs."""
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        top = self._open[-1]
        if not top.is_mapping:
            top.items.append(node)
        elif top.key is None:
            top.key, top.is_merge = node, is_merge
        else:
            key, top.key = top.key, None
            self._add_entry(top, key, node)

    def _add_entry(self, top: _Open, key: Node, node: Node) -> None:
        if top.is_merge:
            self._merge(top, key.source, node)
        elif not isinstance(key.data, str):
            shown = _shown(key)
            self._report(
                "key-not-text",
                f"a key must be text, not {shown}",
                key.source,
                "quote it" if not (key.items or key.entries) else "write 'name: value'",
            )
        elif key.data in top.entries:
            first = top.entries[key.data].key_source
            self._report(
                "duplicate-key",
                f"the key '{key.data}' was given already",
                key.source,
                f"it stands at line {first.line} too; keep one of them",
                first,
            )
        else:
            top.entries[key.data] = Entry(key.source, node)

    def _merge(self, top: _Open, key: Source, node: Node) -> None:
        if top.merge_key is not None:
            help = "merge several with a list: <<: [*a, *b]"
            message = "the merge key '<<' was given already"
            self._report("duplicate-key", message, key, help, top.merge_key)
            return
        top.merge_key = key
        sources = [node] if node.is_mapping else list(node.items)
        if not sources or not all(node.is_mapping for node in sources):
            self._report(
                "bad-merge",
                "the merge key '<<' takes a mapping, or a list of mappings",
                node.source,
                'name anchors of mappings: <<: *base; quote it to mean text: "<<"',
            )
            return
        top.merged.extend(sources)

    def _scalar(self, event: Any, plain: bool, source: Source) -> JSON:
        text = _joined_surrogates(event.value)
        if text is None:
            self._report(
                "lone-surrogate",
                "half of a surrogate pair is no character",
                source,
                "write the character itself, or its \\U escape",
            )
            return ""
        try:
            if event.tag is None:
                return resolve_plain(text) if plain else text
            if event.tag == "!":
                return text
            name = event.tag.removeprefix(_CORE)
            if name not in _SCALAR_TAGS or name == event.tag:
                self._report_tag(event)
                return text
            return resolve_tagged(name, text, plain)
        except ScalarError as error:
            self._report("bad-number", error.message, source, error.help)
            return 0

    def _wants_key(self) -> bool:
        return bool(self._open) and self._open[-1].is_mapping and self._open[-1].key is None

    def _charge(self, nodes: int, height: int, source: Source) -> None:
        self._count += nodes
        if self._count > MOST_NODES:
            message = f"the spec expands to more than {MOST_NODES} values"
            raise self._refused("spec-too-large", message, source, _LIMIT_HELP)
        if len(self._open) + height > MOST_DEPTH + 1:
            message = f"the spec is nested more than {MOST_DEPTH} levels deep"
            raise self._refused("spec-too-deep", message, source, _LIMIT_HELP)

    def _source(self, event: Any) -> Source:
        """The place of a node, without its anchor and tag."""
        start, end = event.start_mark.index, event.end_mark.index
        if event.anchor is not None or event.tag is not None:
            match = _PROPERTIES.match(self.text.text, start)
            if match and match.end() <= max(end, start):
                start = match.end()
        return self.text.source(start, end)

    def _span(self, top: _Open, event: Any) -> Source:
        """The place of a list or mapping: all of it in brackets, else as far as its first part."""
        end = self.text.source(event.start_mark.index, event.end_mark.index)
        in_brackets = event.end_mark.index > event.start_mark.index
        if in_brackets and end.line == top.source.line:
            return replace(top.source, end_column=end.end_column)
        if not in_brackets and top.entries:
            first = next(iter(top.entries.values())).key_source
            if first.line == top.source.line:
                return replace(top.source, column=first.column, end_column=first.end_column)
        return top.source

    def _report(
        self, code: str, message: str, source: Source, help: str, related: Source | None = None
    ) -> None:
        self.problems.append(
            Problem(code, message, source, help, related=(related,) if related else ())
        )

    def _report_tag(self, event: Any) -> None:
        start, shown = event.start_mark.index, event.tag.replace(_CORE, "!!")
        match = _TAG.match(self.text.text, start)
        self._report(
            "yaml-tag",
            f"the tag '{shown}' is not allowed",
            self.text.source(match.start(1) if match else start, match.end() if match else start),
            "remove the tag; a name that begins with ! must be quoted",
        )

    def _refused(self, code: str, message: str, source: Source, help: str) -> Refused:
        return Refused(Problem(code, message, source, help))


def _shown(node: Node) -> str:
    if isinstance(node.data, dict):
        return "a mapping"
    if isinstance(node.data, list):
        return "a list"
    if node.data is None:
        return "null"
    return str(node.data).lower() if isinstance(node.data, bool) else str(node.data)


def _joined_surrogates(text: str) -> str | None:
    """`text` with escaped surrogate pairs joined, or None when half of one stands alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            return None
    return text
