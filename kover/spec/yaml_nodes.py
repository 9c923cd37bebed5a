"""YAML text to nodes with places, without PyYAML's constructors, resolvers or recursion.

PyYAML scans and parses; its events are built into nodes here, one at a time, so that depth and
expansion are bounded before anything is built. Whatever PyYAML raises becomes a problem.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kover.errors import AnswerIsNo, UsageError
from kover.problems import Problem
from kover.source import Source
from kover.spec.files import SpecText
from kover.spec.nodes import Node
from kover.spec.yaml_builder import Builder, Refused
from kover.spec.yaml_scalars import ScalarError, resolve_plain
from kover.values import JSON

_FLOW: Final = ("[", "{", '"', "'")

_GLOB_HELP = 'a glob that begins with * or holds [ ] { } must be quoted: "*_conv"'
_HELP: Final[Mapping[str, str]] = {
    "expected alphabetic or numeric character": _GLOB_HELP,
    "found character '\\t'": "indent with spaces, not with tabs",
    "mapping values are not allowed here": (
        "quote text that holds ': ', and begin each key on a line of its own"
    ),
    "could not find expected ':'": "write 'key: value', with a space after the colon",
    "expected ',' or": "close the bracket, or quote text that holds brackets or commas",
    "expected <block end>": "align it with the lines around it",
    "found unexpected end of stream": "close the quote or bracket",
    "found character": "quote text that begins with this character",
    "found undefined tag handle": "remove the tag",
    "found unknown escape character": "use 'single quotes' for text with backslashes",
}


def read_nodes(text: SpecText) -> Node:
    """The document in `text`; an empty one is a null.

    Raises:
        AnswerIsNo: with every problem found, each at its place.
    """
    from yaml import YAMLError
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class Events(Reader, Scanner, Parser):
        """The three stages of PyYAML that are used."""

        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)

    builder = Builder(text)
    events: Any = None
    try:
        events = Events(text.text)
        while (event := events.get_event()) is not None:
            builder.add(event)
    except Refused as refused:
        builder.problems.append(refused.problem)
    except YAMLError as error:
        builder.problems.append(_syntax_problem(text, error))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # PyYAML is not strict about its own errors: "\U00110000" is a ValueError from chr().
        index = min(getattr(events, "index", 0), len(text.text))
        place = text.source(index, index + 1)
        builder.problems.append(
            Problem("yaml-syntax", "this is not valid YAML", place, "quote it, or correct it")
        )
    if builder.problems:
        raise AnswerIsNo(builder.problems)
    return builder.root or Node(text.source(0, 0), None)


def parse_scalar(text: str, place: Source | None = None) -> JSON:
    """The value that `text` has in a spec, for `-p name=value`.

    Quoted text, `[lists]` and `{mappings}` are read as YAML; anything else is one plain scalar.

    Raises:
        UsageError: it has no value.
    """
    where = place or Source("-p")
    if text.startswith(_FLOW):
        try:
            return read_nodes(SpecText(where.path, text, "")).data
        except AnswerIsNo as error:
            raise UsageError(
                [Problem("bad-parameter", p.message, where, p.help) for p in error.problems]
            ) from error
    try:
        return resolve_plain(text)
    except ScalarError as error:
        raise UsageError.at("bad-parameter", error.message, where, error.help) from error


def _syntax_problem(text: SpecText, error: Any) -> Problem:
    context, mark = getattr(error, "context", None), getattr(error, "problem_mark", None)
    message = str(getattr(error, "problem", None) or context or error)
    began = getattr(error, "context_mark", None)
    if began is not None and (mark is None or mark.index >= len(text.text)):
        mark = began  # the end of the file is no place: what was left open is
    index = min(mark.index if mark else 0, len(text.text))
    if context and context != message:
        message = f"{message}, {context}"
    helps = [help for start, help in _HELP.items() if message.startswith(start)]
    at_problem = mark is not began
    if (at_problem and text.text[index : index + 1] in ("*", "[", "?")) or "alias" in message:
        helps.insert(0, _GLOB_HELP)
    return Problem(
        "yaml-syntax",
        " ".join(message.split()),
        text.source(index, min(index + 1, len(text.text))),
        helps[0] if helps else "quote the text, or correct the YAML",
    )
