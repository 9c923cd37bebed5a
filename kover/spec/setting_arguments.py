"""Settings given on the command line: `predictions:activation=sigmoid`, `compile.loss=mse`.

Each is a spec of its own, made of nodes with places like any other, so that the same checks and
the same messages serve. The place of a problem is the argument (as a line) and the column.

    SELECTOR:ATTRIBUTE=VALUE     one attribute of the layers that the selector means
    SELECTOR:KEY=VALUE           learning_rate, weight_decay, reinitialize, unset, replace, rename
    compile.KEY[.KEY…]=VALUE     one setting of `compile`
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from kover.errors import AnswerIsNo
from kover.problems import Problem
from kover.source import Source
from kover.spec.document import Spec
from kover.spec.files import SpecText
from kover.spec.loading import spec_of
from kover.spec.nodes import Entry, Node, list_node, mapping_node
from kover.spec.yaml_nodes import read_nodes
from kover.spec.yaml_scalars import ScalarError, resolve_plain

OPTION: Final = "--set"
_KEYS: Final = frozenset(
    {"learning_rate", "weight_decay", "reinitialize", "unset", "replace", "rename"}
)
_FLOW: Final = ("[", "{", '"', "'")
_COMPILE: Final = "compile."
_HELP: Final = "write 'LAYERS:ATTRIBUTE=VALUE' or 'compile.KEY=VALUE'"


def read_settings(arguments: Sequence[str]) -> tuple[Spec, ...]:
    """One spec for each argument, in order.

    Raises:
        AnswerIsNo: with the problems of all of them.
    """
    specs: list[Spec] = []
    problems: list[Problem] = []
    for number, argument in enumerate(arguments, start=1):
        try:
            specs.append(_Argument(argument, number).spec())
        except AnswerIsNo as error:
            problems += error.problems
    if problems:
        raise AnswerIsNo(problems)
    return tuple(specs)


class _Argument:
    """One argument; its number is the line that messages name."""

    def __init__(self, argument: str, number: int) -> None:
        self.argument = argument
        self.number = number
        sha256 = hashlib.sha256(argument.encode("utf-8", "surrogateescape")).hexdigest()
        self.text = SpecText(OPTION, "\n" * (number - 1) + argument, sha256)

    def spec(self) -> Spec:
        """The spec that it stands for."""
        if not self.argument.isprintable():
            raise AnswerIsNo(self._fault("there is a character in it that cannot be seen", 0))
        colon, equals = _split(self.argument)
        if equals is None:
            raise AnswerIsNo(self._fault("it has no '=' and a value", len(self.argument)))
        value = self._node(equals + 1, len(self.argument))
        if colon is not None:
            section = Entry(self._place(0, equals), self._override(colon, equals, value))
            root = self._root("overrides", section)
        elif self.argument.startswith(_COMPILE):
            keys = Entry(
                self._place(0, len(_COMPILE) - 1), self._nested(len(_COMPILE), equals, value)
            )
            root = self._root("compile", keys)
        else:
            raise AnswerIsNo(self._fault("it names neither layers nor a compile setting", 0))
        return spec_of(self.text, root)

    def _override(self, colon: int, equals: int, value: Node) -> Node:
        selector = self._node(0, colon)
        attribute = self.argument[colon + 1 : equals].strip()
        key = self._place(colon + 1, equals)
        entries = {"layers": Entry(selector.source, selector)}
        if attribute in _KEYS:
            entries[attribute] = Entry(key, value)
        else:
            settings = mapping_node(key, {attribute: Entry(key, value)})
            entries["set"] = Entry(key, settings)
        override = mapping_node(selector.source, entries)
        return list_node(selector.source, (override,))

    def _nested(self, start: int, equals: int, value: Node) -> Node:
        """`optimizer.learning_rate=…` as mappings within each other."""
        keys = self.argument[start:equals].split(".")
        ends = [start + len(".".join(keys[: count + 1])) for count in range(len(keys))]
        for key, end in zip(reversed(keys), reversed(ends), strict=True):
            place = self._place(end - len(key), end)
            value = mapping_node(place, {key.strip(): Entry(place, value)})
        return value

    def _root(self, key: str, section: Entry) -> Node:
        whole = self._place(0, len(self.argument))
        version = Entry(whole, Node(whole, 1))
        return mapping_node(whole, {"version": version, key: section})

    def _node(self, start: int, end: int) -> Node:
        """The value in a part of the argument, as YAML reads it in a spec."""
        part = self.argument[start:end]
        if part.strip().startswith(_FLOW):
            before = "\n" * (self.number - 1) + " " * start
            return read_nodes(SpecText(OPTION, before + part, ""))
        start += len(part) - len(part.lstrip())
        place = self._place(start, start + len(part.strip()))
        try:
            return Node(place, resolve_plain(part.strip()))
        except ScalarError as error:
            raise AnswerIsNo.at("bad-number", error.message, place, error.help) from error

    def _place(self, start: int, end: int) -> Source:
        return Source(OPTION, self.number, start + 1, max(end, start + 1) + 1)

    def _fault(self, why: str, at: int) -> Problem:
        message = f"'{self.argument}' is no setting: {why}"
        return Problem("bad-setting", message, self._place(at, at + 1), _HELP)


def _split(argument: str) -> tuple[int | None, int | None]:
    """Where the last colon before the first '=' is, and that; neither within brackets or quotes."""
    colon, depth, quote = None, 0, ""
    for at, char in enumerate(argument):
        if quote:
            quote = "" if char == quote else quote
        elif depth and char in "\"'":
            quote = char
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        elif depth == 0 and char == ":":
            colon = at
        elif depth == 0 and char == "=":
            return colon, at
    return colon, None


def lines_of_settings(arguments: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """What messages show under a place in an argument."""
    return {OPTION: list(arguments)}
