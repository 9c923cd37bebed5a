"""Parameters: `${name}` in a spec becomes the value of `name`.

Alone in a scalar it takes the parameter's type; inside a longer text it is inserted as text;
`$${` is a literal `${`. Keys are never substituted, nor are the parameters themselves.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from kover.errors import AnswerIsNo
from kover.problems import Problem
from kover.source import Source
from kover.spec.files import SpecText
from kover.spec.nodes import Entry, Node, list_node, mapping_node, node_of
from kover.spec.yaml_builder import MOST_NODES
from kover.suggest import did_you_mean
from kover.values import JSON

_TOKEN = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
_UNTOUCHED: Final = frozenset({"$schema", "version", "parameters", "lint"})


@dataclass(frozen=True)
class Substituted:
    """A document whose parameters have been replaced by their values."""

    root: Node
    parameters: Mapping[str, JSON]
    warnings: tuple[Problem, ...]
    changed: bool


def declared_names(root: Node) -> frozenset[str]:
    """The parameters that a document declares."""
    section = root.get("parameters")
    return frozenset(section.entries) if section else frozenset()


def substitute(text: SpecText, root: Node, given: Mapping[str, JSON]) -> Substituted:
    """Replace the parameters of a document; `given` wins over the document's own values.

    Raises:
        AnswerIsNo: a name is not declared, a placeholder is broken, or a value in `given` has
            no parameter.
    """
    section = root.get("parameters")
    work = _Substitution(text)
    declared = section.entries if section else {}
    work.values = {key: work.literal(entry.node) for key, entry in declared.items()}
    work.problems += [_unused(name, declared, root) for name in given if name not in declared]
    work.values.update({name: value for name, value in given.items() if name in declared})
    work.sizes = {name: _size(value) for name, value in work.values.items()}
    entries = {
        key: entry if key in _UNTOUCHED else Entry(entry.key_source, work.replaced(entry.node))
        for key, entry in root.entries.items()
    }
    if work.problems:
        raise AnswerIsNo(work.problems)
    warnings = tuple(
        Problem(
            "unused-parameter",
            f"the parameter '{name}' is used nowhere",
            entry.key_source,
            f'write "${{{name}}}" where its value belongs, or remove it',
            "warning",
        )
        for name, entry in declared.items()
        if name not in work.used
    )
    new = mapping_node(root.source, entries) if work.changed else root
    return Substituted(new, work.values, warnings, work.changed)


def _size(value: JSON) -> int:
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    if isinstance(value, dict):
        return 1 + sum(1 + _size(part) for part in value.values())
    return 1


def _unused(name: str, declared: Mapping[str, Entry], root: Node) -> Problem:
    place = root.key_source("parameters") if "parameters" in root.entries else root.source
    return Problem(
        "undeclared-parameter",
        f"the spec declares no parameter '{name}', which is given a value",
        place,
        did_you_mean(name, declared, "parameters") or "declare it under 'parameters'",
    )


@dataclass
class _Substitution:
    """The state of one substitution."""

    text: SpecText
    values: dict[str, JSON] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    changed: bool = False
    sizes: dict[str, int] = field(default_factory=dict)
    expanded: int = 0

    def literal(self, node: Node) -> JSON:
        """The value of a parameter's own declaration, where nothing is substituted."""
        if isinstance(node.data, str):
            for nth, match in enumerate(_TOKEN.finditer(node.data)):
                if match[1] is not None:
                    help = "repeat the value; `$${` is a literal `${`"
                    message = "a parameter cannot refer to another one"
                    self._report("nested-parameter", message, self._where(node, nth), help)
            return node.data.replace("$${", "${")
        if node.items:
            return [self.literal(item) for item in node.items]
        if node.entries:
            return {key: self.literal(entry.node) for key, entry in node.entries.items()}
        return node.data

    def replaced(self, node: Node) -> Node:
        """`node` with the parameters in it replaced; the depth of a document is bounded."""
        if isinstance(node.data, str):
            return self._text(node, node.data) if "${" in node.data else node
        if node.items:
            items = tuple(self.replaced(item) for item in node.items)
            same = all(map(operator.is_, items, node.items))
            return node if same else list_node(node.source, items)
        if node.entries:
            entries = {
                key: Entry(entry.key_source, self.replaced(entry.node))
                for key, entry in node.entries.items()
            }
            same = all(entries[key].node is node.entries[key].node for key in entries)
            return node if same else mapping_node(node.source, entries)
        return node

    def _text(self, node: Node, text: str) -> Node:
        self.changed = True
        alone = _TOKEN.fullmatch(text)
        if alone and alone[1] is not None:
            name = alone[1]
            if not self._known(name, node, 0):
                return node
            self._charge(self.sizes[name], node)
            return node_of(self.values[name], node.source, name)
        parts: list[str] = []
        end = 0
        for nth, match in enumerate(_TOKEN.finditer(text)):
            parts += [text[end : match.start()], self._inserted(match, node, nth)]
            self._charge(len(parts[-1]) // 64, node)
            end = match.end()
        return replace(node, data="".join([*parts, text[end:]]))

    def _inserted(self, match: re.Match[str], node: Node, nth: int) -> str:
        """The text that one placeholder within a longer text becomes."""
        name = match[1]
        if match[0] == "$${":
            return "${"
        if name is None:
            self._report(
                "bad-placeholder",
                "a placeholder is '${', a name and '}'",
                self._where(node, nth),
                "write '$${' for a literal '${'",
            )
            return ""
        if not self._known(name, node, nth):
            return ""
        value = self.values[name]
        if isinstance(value, list | dict):
            self._report(
                "not-text",
                f"the parameter '{name}' is a list or mapping and cannot stand within a text",
                self._where(node, nth),
                f'let "${{{name}}}" stand alone',
            )
            return ""
        return value if isinstance(value, str) else json.dumps(value)

    def _known(self, name: str, node: Node, nth: int) -> bool:
        self.used.add(name)
        if name in self.values:
            return True
        self._report(
            "undeclared-parameter",
            f"the parameter '{name}' is not declared",
            self._where(node, nth),
            did_you_mean(name, self.values, "parameters") or "declare it under 'parameters'",
        )
        return False

    def _charge(self, nodes: int, node: Node) -> None:
        """Bound what parameters expand to; 64 characters cost as much as a value."""
        self.expanded += nodes
        if self.expanded > MOST_NODES:
            message = f"the parameters expand to more than {MOST_NODES} values"
            raise AnswerIsNo.at("spec-too-large", message, node.source, "use smaller parameters")

    def _report(self, code: str, message: str, place: Source, help: str) -> None:
        self.problems.append(Problem(code, message, place, help))

    def _where(self, node: Node, nth: int) -> Source:
        """The place of the nth placeholder of a scalar, as it is written in the file."""
        start = self.text.offset(node.source)
        if self.text.text[start : start + 1] == "*":
            return node.source  # an alias: the text stands elsewhere
        wanted = [match[0] for match in _TOKEN.finditer(str(node.data))]
        for index, match in enumerate(_TOKEN.finditer(self.text.text, start)):
            if index >= nth or match[0] != wanted[index]:
                found = index == nth and match[0] == wanted[nth]
                return self.text.source(*match.span()) if found else node.source
        return node.source
