"""Specs set plain values: one that would bring code, or a file to open, into a model is refused."""

from __future__ import annotations

from kover.errors import AnswerIsNo
from kover.modelconfig.references import Reference
from kover.modelconfig.tree import read_tree
from kover.planning.plan import AttributeChange, CompileChange, Plan
from kover.problems import Problem
from kover.source import Source


def refuse_introduced(plan: Plan, path: str) -> None:
    """Refuse a plan whose new config holds dangers that the model did not have.

    Args:
        plan: what the specs come to.
        path: the archive's, where no place in a spec is to blame.

    Raises:
        AnswerIsNo: `unsafe-reference`.
    """
    found = plan.dangers_after
    if not found:
        return
    had = [(each.name, each.danger) for each in plan.dangers_before]
    new = []
    for each in found:
        if (each.name, each.danger) in had:
            had.remove((each.name, each.danger))
        elif each.danger != "foreign":  # the engine sees whether such a package is imported
            new.append(each)
    if new:
        raise AnswerIsNo(_problem(plan, each, path) for each in new)


def _problem(plan: Plan, found: Reference, path: str) -> Problem:
    return Problem(
        "unsafe-reference",
        f"specs set plain values, and '{found.name}' is none: {found.why}",
        _place(plan, found) or Source(path),
        "change it in Python, where the code is seen",
    )


def _place(plan: Plan, found: Reference) -> Source | None:
    around = [
        node
        for node in read_tree(plan.after).layers
        if found.pointer[: len(node.pointer)] == node.pointer
    ]
    changes: list[AttributeChange | CompileChange] = [*plan.changes, *plan.compile_changes]
    own = plan.blame(around[-1].path) if around else ()
    named = [each.source for each in changes if found.name in str(each.after)]
    return next(iter([*own[-1:], *named]), None)
