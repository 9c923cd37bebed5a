"""JSON members: bytes to values, refused with line and column where they are not plain JSON.

Keras reads what Python's `json` reads; kover asks for more, because a value that two readers
understand differently must not be edited: UTF-8 without a mark, no repeated keys, no half
characters, no number beyond a float. NaN and Infinity, which Keras writes, are kept as they are.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kover.archive.limits import Limits, raise_it, size_text
from kover.archive.refusal import quoted
from kover.errors import InputError
from kover.problems import Problem
from kover.source import Source
from kover.values import JSON

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
_FLOAT_BITS = 1023  # each such integer is a float as well
_MARKS = (
    (b"\xef\xbb\xbf", "a byte order mark"),
    (b"\xff\xfe", "UTF-16 or UTF-32"),
    (b"\xfe\xff", "UTF-16 or UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
)


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with a JSON text, and at which character."""

    message: str
    position: int


class _UnfitError(Exception):
    """A value that JSON allows and kover does not."""


def read_json(data: bytes, path: str, inside: str, limits: Limits) -> JSON:
    """The value of the JSON text `data`, the member `inside` of the archive `path`.

    Raises:
        InputError: `broken-json`, `archive-bomb` if it holds more values than may be.
    """
    text = _decoded(data, path, inside)
    count = sum(map(data.count, (b",", b"[", b"{")))  # as many as there are, or more
    if count > limits.json_values:
        raise _too_much(
            f"'{inside}' holds up to {count} values, more than the limit of {limits.json_values}",
            path,
            inside,
            raise_it("json-values", count),
        )
    try:
        return _parsed(text, limits)
    except json.JSONDecodeError as exc:
        raise _broken(text, _Fault(f"is not JSON: {exc.msg}", exc.pos), path, inside) from exc
    except (_UnfitError, RecursionError, ValueError) as exc:
        raise _broken(text, _fault_in(text, limits), path, inside) from exc


def read_json_object(data: bytes, path: str, inside: str, limits: Limits) -> dict[str, JSON]:
    """As `read_json`, for a text that must hold an object.

    Raises:
        InputError: `broken-json`.
    """
    value = read_json(data, path, inside, limits)
    if not isinstance(value, dict):
        raise _broken(data.decode(), _Fault("does not hold a JSON object", 0), path, inside)
    return value


def _decoded(data: bytes, path: str, inside: str) -> str:
    for mark, what in _MARKS:
        if data.startswith(mark):
            raise _broken("", _Fault(f"is not plain UTF-8: it begins with {what}", 0), path, inside)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        before = data[: exc.start].decode("utf-8")
        fault = _Fault(f"is not UTF-8: {exc.reason}", len(before))
        raise _broken(before, fault, path, inside) from exc


def _parsed(text: str, limits: Limits) -> JSON:
    def decimal(token: str) -> float:
        value = float(token)
        if math.isinf(value):
            raise _UnfitError("a number became infinite")
        return value

    def integer(token: str) -> int:
        value = int(token)
        if value.bit_length() > _FLOAT_BITS:
            raise _UnfitError("a number too large")
        return value

    def unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
        value = dict(pairs)
        if len(value) != len(pairs):
            raise _UnfitError("repeated key")
        return value

    value: JSON = json.loads(text, object_pairs_hook=unique, parse_float=decimal, parse_int=integer)
    _check_depth(value, limits)
    if _HALF_ESCAPED.search(text):  # UTF-8 itself has none
        _check_characters(value)
    return value


def _check_depth(value: JSON, limits: Limits) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    depth = 0
    while level:
        depth += 1
        if depth > limits.json_depth:
            raise _UnfitError("nested too deeply")
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, (dict, list))
        ]


def _check_characters(value: JSON) -> None:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += (*item, *item.values())
        elif isinstance(item, list):
            pending += item
        elif isinstance(item, str) and _SURROGATE.search(item):
            raise _UnfitError("half a character")


def _fault_in(text: str, limits: Limits) -> _Fault:
    try:
        return _find_fault(text, limits)
    except ValueError:  # the text is no JSON either, further on than the parser got
        return _Fault("is not JSON that kover can read", 0)


def _find_fault(text: str, limits: Limits) -> _Fault:
    """The first thing in `text` that kover does not take, found by a slower second look."""
    keys: list[set[str] | None] = []
    expects_key = False
    for start, token in _tokens(text):
        fault = _token_fault(token)
        if token in ("{", "["):
            keys.append(set() if token == "{" else None)
            expects_key = token == "{"
            if len(keys) > limits.json_depth:
                fault = f"is nested more than {limits.json_depth} levels deep"
        elif token in ("}", "]"):
            del keys[-1:]
        elif token == ",":
            expects_key = bool(keys) and keys[-1] is not None
        elif expects_key and token[0] == '"' and keys and keys[-1] is not None:
            key = json.loads(token)
            fault = f"repeats the key {quoted(key)}" if key in keys[-1] else fault
            keys[-1].add(key)
            expects_key = False
        if fault:
            return _Fault(fault, start)
    return _Fault("is not JSON that kover can read", 0)


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    for match in _TOKEN.finditer(text):
        yield match.start(), match.group()


def _token_fault(token: str) -> str | None:
    if token[0] == '"':
        if "\\u" in token and _SURROGATE.search(json.loads(token)):
            return "has half a character (a lone surrogate) in a string"
    elif token[0] in "-0123456789":
        if token.lstrip("-").isdigit():
            if len(token) > 309 or int(token).bit_length() > _FLOAT_BITS:
                return "has an integer too large for any number type"
        elif math.isinf(float(token)) and "Inf" not in token:
            return f"has the number {quoted(token, 30)}, which is too large for a float"
    return None


def _broken(text: str, fault: _Fault, path: str, inside: str) -> InputError:
    line = text.count("\n", 0, fault.position) + 1
    column = fault.position - (text.rfind("\n", 0, fault.position) + 1) + 1
    return InputError(
        Problem(
            "broken-json",
            f"'{inside}' {fault.message} (line {line}, column {column})",
            Source(path, line, column, inside=inside),
            "save the model again with Keras",
        )
    )


def check_size(size: int, limit: int, path: str, inside: str, help: str | None = None) -> None:
    """Refuse a member that is too large to be read whole; `help` says what to do about it.

    Raises:
        InputError: `archive-bomb`.
    """
    if size > limit:
        raise _too_much(
            f"'{inside}' has {size_text(size)}, more than the limit of {size_text(limit)}",
            path,
            inside,
            help,
        )


def _too_much(message: str, path: str, inside: str, help: str | None) -> InputError:
    return InputError(Problem("archive-bomb", message, Source(path, inside=inside), help))


def check_layers(config: JSON, path: str, inside: str, limits: Limits) -> None:
    """Refuse a model of so many layers that commands would take minutes.

    Raises:
        InputError: `archive-bomb`.
    """
    count = 0
    pending: list[JSON] = [config]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            layers = item.get("layers")
            count += len(layers) if isinstance(layers, list) else 0
            pending += item.values()
        elif isinstance(item, list):
            pending += item
    if count > limits.layers:
        raise _too_much(
            f"'{inside}' has {count} layers, more than the limit of {limits.layers}",
            path,
            inside,
            raise_it("layers", count),
        )
