"""Selectors: the value of `layers`, and of every other key that says which layers.

The schema has been checked, so the shapes are right; what is left are globs that can match
nothing and slices that are none.
"""

from __future__ import annotations

from collections.abc import Callable

from kover.problems import Problem
from kover.spec.document import AnyOf, Glob, Selector, Where
from kover.spec.nodes import Node

Report = Callable[[Problem], None]


def read_selector(node: Node, report: Report) -> Selector:
    """The selector that `node` spells."""
    if node.is_list:
        return AnyOf(tuple(read_selector(item, report) for item in node.items), node.source)
    if node.is_mapping:
        return _read_conditions(node, report)
    return read_glob(node, report)


def read_glob(node: Node, report: Report) -> Glob:
    """The glob in a text."""
    pattern = str(node.data)
    if not pattern.strip() or not pattern.strip("/"):
        report(
            Problem(
                "empty-glob",
                f"the glob '{pattern}' matches nothing",
                node.source,
                'write a name or a pattern, such as "conv*"; "*" is every layer',
            )
        )
    return Glob(pattern, node.source)


def read_globs(node: Node, report: Report) -> tuple[Glob, ...]:
    """A glob, or a list of them."""
    parts = node.items if node.is_list else (node,)
    return tuple(read_glob(part, report) for part in parts)


def _read_conditions(node: Node, report: Report) -> Where:
    def globs(key: str) -> tuple[Glob, ...] | None:
        part = node.get(key)
        return None if part is None else read_globs(part, report)

    def one_path(key: str) -> Glob | None:
        part = node.get(key)
        return None if part is None else read_glob(part, report)

    index, where = node.get("index"), node.get("where")
    trainable, any_, not_ = node.get("trainable"), node.get("any"), node.get("not")
    if index is not None:
        _check_index(index, report)
    return Where(
        source=node.source,
        name=globs("name"),
        path=globs("path"),
        class_=globs("class"),
        has=globs("has"),
        index=index.value() if index else None,
        where={key: entry.node.value() for key, entry in where.entries.items()} if where else {},
        trainable=trainable.value() if trainable else None,
        from_=one_path("from"),
        to=one_path("to"),
        any=tuple(read_selector(item, report) for item in any_.items) if any_ else None,
        not_=read_selector(not_, report) if not_ else None,
    )


def _check_index(node: Node, report: Report) -> None:
    if not isinstance(node.data, str):
        return
    steps = node.data.split(":")
    if len(steps) == 3 and steps[2].strip() and int(steps[2]) == 0:
        message = f"the slice '{node.data}' has a step of zero"
        report(Problem("bad-slice", message, node.source, "leave the step out"))
