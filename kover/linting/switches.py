"""What needs no model: lint of a spec alone, and the switches by which a spec is spared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kover.linting import looks_like_another_type
from kover.problems import Problem, sorted_problems
from kover.spec.document import Spec


def lint_specs(specs: Sequence[Spec]) -> tuple[Problem, ...]:
    """The part of `lint` that needs no model."""
    found = [problem for spec in specs for problem in looks_like_another_type.check(spec)]
    return wanted(found, specs)


def wanted(problems: Iterable[Problem], specs: Sequence[Spec]) -> tuple[Problem, ...]:
    """The problems without the warnings that `lint: {off: […]}` of their spec switches off."""
    off = {(spec.path, code) for spec in specs for code in spec.lint_off}
    return sorted_problems(
        problem
        for problem in problems
        if problem.severity == "error"
        or problem.source is None
        or (problem.source.path, problem.code) not in off
    )
