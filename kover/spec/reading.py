"""Nodes to a `Spec`: the shapes are right by the schema, this checks what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kover.errors import AnswerIsNo
from kover.problems import Problem
from kover.source import Source
from kover.spec.document import Compile, Guards, LayerDecay, Override, Spec, Value
from kover.spec.files import SpecText
from kover.spec.nodes import Node
from kover.spec.override_reading import read_override
from kover.spec.selectors import Report, read_selector
from kover.values import JSON, as_mapping

_CLAUSE = (
    r"\s*(?:(?:==|!=)\s*\d+(?:\.\d+)*(?:\.\*)?|(?:>=|<=|<|>)\s*\d+(?:\.\d+)*|~=\s*\d+(?:\.\d+)+)\s*"
)
_PLAIN_SPECIFIER = re.compile(f"{_CLAUSE}(?:,{_CLAUSE})*", re.ASCII)
_APART = frozenset({"optimizer", "optimizer_state", "layer_decay"})


def read_spec(
    text: SpecText, root: Node, parameters: Mapping[str, JSON], warnings: tuple[Problem, ...]
) -> Spec:
    """The spec that a checked document spells.

    Raises:
        AnswerIsNo: with every problem found.
    """
    problems: list[Problem] = []
    report = problems.append
    overrides, compile_, guards = root.get("overrides"), root.get("compile"), root.get("model")
    spec = Spec(
        path=text.path,
        sha256=text.sha256,
        description=text_at(root, "description"),
        parameters=dict(parameters),
        guards=_read_guards(guards, report) if guards else Guards(),
        overrides=_read_overrides(overrides, report) if overrides else (),
        compile=_read_compile(compile_, root.key_source("compile"), report) if compile_ else None,
        warnings=warnings,
        declared=_declared(root.get("parameters")),
        lint_off=_lint_off(root.get("lint")),
        document=as_mapping(root.data),
    )
    if problems:
        raise AnswerIsNo(problems)
    return spec


def _declared(node: Node | None) -> Mapping[str, Value]:
    entries = node.entries if node is not None else {}
    return {name: entry.node.value() for name, entry in entries.items()}


def _lint_off(node: Node | None) -> frozenset[str]:
    off = node.get("off") if node is not None else None
    return frozenset(str(item.data) for item in off.items) if off is not None else frozenset()


def text_at(node: Node, key: str) -> str | None:
    """The text at `key`, or None."""
    part = node.get(key)
    return part.data if part is not None and isinstance(part.data, str) else None


def _read_overrides(node: Node, report: Report) -> tuple[Override, ...]:
    return tuple(read_override(item, report) for item in node.items)


def _read_guards(node: Node, report: Report) -> Guards:
    values = {key: entry.node.value() for key, entry in node.entries.items()}
    version = node.get("keras_version")
    if version is not None:
        _check_specifier(version, report)
    return Guards(
        name=values.get("name"),
        class_=values.get("class"),
        keras_version=values.get("keras_version"),
        sha256=values.get("sha256"),
        path=values.get("path"),
    )


def _check_specifier(node: Node, report: Report) -> None:
    if _PLAIN_SPECIFIER.fullmatch(str(node.data)):
        return  # plainly valid: importing `packaging` would take longer than all the rest
    from packaging.specifiers import SpecifierSet

    try:
        SpecifierSet(str(node.data)).contains("3.0")
    except ValueError:  # an invalid specifier is one, and so is a number of thousands of digits
        report(
            Problem(
                "bad-version",
                f"'{node.data}' is no version specifier",
                node.source,
                'write ">=3.5", "==3.8.*" or ">=3.5,<4"',
            )
        )


def _read_compile(node: Node, source: Source, report: Report) -> Compile:
    optimizer, state, decay = (node.get(k) for k in ("optimizer", "optimizer_state", "layer_decay"))
    arguments = {key: entry for key, entry in node.entries.items() if key not in _APART}
    return Compile(
        source=source,
        optimizer=optimizer.value() if optimizer else None,
        optimizer_key_source=node.key_source("optimizer") if optimizer else None,
        optimizer_state="reset" if state and state.data == "reset" else "keep",
        optimizer_state_source=state.source if state else None,
        arguments={key: entry.node.value() for key, entry in arguments.items()},
        argument_key_sources={key: entry.key_source for key, entry in arguments.items()},
        layer_decay=_read_layer_decay(decay, node, report) if decay else None,
    )


def _read_layer_decay(node: Node, around: Node, report: Report) -> LayerDecay:
    rate, floor, groups = node.get("rate"), node.get("floor"), node.get("groups")
    return LayerDecay(
        source=around.key_source("layer_decay"),
        rate=float(str(rate.data)) if rate else 1.0,
        floor=float(str(floor.data)) if floor else None,
        groups=tuple(read_selector(item, report) for item in groups.items) if groups else (),
    )
