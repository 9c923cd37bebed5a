"""Spec files to `Spec`s: syntax, then schema, then parameters and meaning.

Each phase reports all it can find and the next one begins only when there is nothing to
report.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kover.errors import AnswerIsNo, InputError, UsageError
from kover.problems import Problem
from kover.source import Source
from kover.spec.document import Spec
from kover.spec.files import SpecText, read_spec_text
from kover.spec.nodes import Node
from kover.spec.parameters import declared_names, substitute
from kover.spec.reading import read_spec
from kover.spec.schema import check_schema
from kover.spec.yaml_builder import MOST_DEPTH
from kover.spec.yaml_nodes import read_nodes
from kover.suggest import did_you_mean
from kover.values import JSON


@dataclass(frozen=True)
class _Document:
    """A spec file that the schema accepts."""

    text: SpecText
    root: Node


def load_spec(path: str, parameters: Mapping[str, JSON] | None = None) -> Spec:
    """The spec at `path` (`-` is standard input).

    Args:
        path: the file.
        parameters: values that win over those the spec declares.

    Raises:
        AnswerIsNo: with every problem of the first phase that found one.
        InputError: the file cannot be read.
        UsageError: a parameter is given no JSON value.
    """
    given = _checked(parameters or {})
    return _finished(_opened(path), given)


def spec_of(text: SpecText, root: Node) -> Spec:
    """The spec that a text spells which is no file; parameters have the values it declares.

    Raises:
        AnswerIsNo: with every problem of the first phase that found one.
    """
    check_schema(root)
    return _finished(_Document(text, root), {})


def load_specs(
    paths: Iterable[str], parameters: Mapping[str, JSON] | None = None
) -> tuple[Spec, ...]:
    """Several specs; a parameter reaches each spec that declares its name.

    Raises:
        AnswerIsNo: with the problems of all of them; also for a name that none declares.
        InputError: a file cannot be read; the problems of the others are listed as well.
        UsageError: a parameter is given no JSON value, or standard input is named twice.
    """
    loaded = load_each(paths, parameters)
    failures = [spec for spec in loaded if not isinstance(spec, Spec)]
    if failures:
        kind = InputError if any(isinstance(f, InputError) for f in failures) else AnswerIsNo
        raise kind(problem for failure in failures for problem in failure.problems)
    return tuple(spec for spec in loaded if isinstance(spec, Spec))


def load_each(
    paths: Iterable[str], parameters: Mapping[str, JSON] | None = None
) -> tuple[Spec | AnswerIsNo | InputError, ...]:
    """As `load_specs`, but each spec that is refused stands in the result as its error.

    Raises:
        UsageError: a parameter is given no JSON value, or standard input is named twice.
    """
    named = list(paths)
    if named.count("-") > 1:
        help = "write one of the specs to a file"
        raise UsageError.at("stdin-twice", "standard input is read once", Source("-"), help)
    given = _checked(parameters or {})
    opened = [_opened_or_error(path) for path in named]
    documents = [document for document in opened if isinstance(document, _Document)]
    strays: AnswerIsNo | None = None
    if documents and len(documents) == len(opened) and (found := _undeclared(documents, given)):
        strays = AnswerIsNo(found)
    return tuple(
        _finished_or_error(document, given, strays if document is opened[0] else None)
        if isinstance(document, _Document)
        else document
        for document in opened
    )


def _opened_or_error(path: str) -> _Document | AnswerIsNo | InputError:
    try:
        return _opened(path)
    except (AnswerIsNo, InputError) as error:
        return error


def _finished_or_error(
    document: _Document, given: Mapping[str, JSON], strays: AnswerIsNo | None
) -> Spec | AnswerIsNo | InputError:
    names = declared_names(document.root)
    try:
        spec = _finished(document, {key: value for key, value in given.items() if key in names})
    except (AnswerIsNo, InputError) as error:
        return type(error)((*error.problems, *strays.problems)) if strays else error
    return strays or spec


def _opened(path: str) -> _Document:
    text = read_spec_text(path)
    root = read_nodes(text)
    check_schema(root)
    return _Document(text, root)


def _finished(document: _Document, given: Mapping[str, JSON]) -> Spec:
    done = substitute(document.text, document.root, given)
    if done.changed:
        check_schema(done.root, placeholders=False)
    return read_spec(document.text, done.root, done.parameters, done.warnings)


def _undeclared(documents: list[_Document], given: Mapping[str, JSON]) -> list[Problem]:
    known = {name for document in documents for name in declared_names(document.root)}
    return [
        Problem(
            "undeclared-parameter",
            f"no spec declares the parameter '{name}', which is given a value",
            documents[0].root.entries["parameters"].key_source
            if "parameters" in documents[0].root.entries
            else documents[0].root.source,
            did_you_mean(name, known, "parameters") or "declare it under 'parameters'",
        )
        for name in given
        if name not in known
    ]


def _checked(parameters: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The given values, when they are JSON."""
    problems = [
        Problem(
            "bad-parameter",
            f"the parameter '{name}' is given no value that a spec could hold",
            Source("-p"),
            "give text, a finite number, true, false, null, or lists and mappings of these",
        )
        for name, value in parameters.items()
        if not _is_json(value, MOST_DEPTH)
    ]
    if problems:
        raise UsageError(problems)
    return parameters


def _is_json(value: object, depth: int) -> bool:
    if value is None or isinstance(value, bool | int):
        return True
    if isinstance(value, str):
        return _is_text(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return depth > 0 and all(_is_json(item, depth - 1) for item in value)
    if isinstance(value, dict):
        parts = value.items()
        return depth > 0 and all(_is_text(key) and _is_json(v, depth - 1) for key, v in parts)
    return False


def _is_text(value: object) -> bool:
    """Whether it is text that UTF-8 can hold: bytes of a command line may be none."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)
