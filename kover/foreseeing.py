"""What a dry run can know of the real one without Keras: it refuses what that would refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kover.archive.reader import WEIGHTS, Archive
from kover.archive.refusal import missing_weights
from kover.archive_edit import edit_without_keras
from kover.errors import AnswerIsNo
from kover.linting import needs_reinitialize
from kover.linting.subject import Subject
from kover.modelconfig.tree import read_tree
from kover.planning.plan import Plan
from kover.problems import Problem
from kover.spec.document import Spec
from kover.values import as_mapping


def refuse_foreseeable(
    plan: Plan, specs: Sequence[Spec], archive: Archive, *, alone: bool
) -> tuple[Problem, ...]:
    """Refuse as the real run certainly would; what it would warn of beside the plan's warnings.

    Args:
        plan: of `specs` for the model in `archive`.
        specs: in order.
        archive: the model.
        alone: whether the archive would be edited without Keras.

    Raises:
        AnswerIsNo: `needs-reinitialize`, `not-compiled`.
        InputError: `missing-weights`.
        UsageError: `needs-keras`.
    """
    if alone:
        return edit_without_keras(plan, specs, archive)[1]
    if WEIGHTS not in archive:
        raise missing_weights(archive.path)
    tree = read_tree(archive.config, archive.path)
    problems = [
        replace(problem, severity="error")
        for problem in needs_reinitialize.check(Subject(plan, tree, specs))
    ]
    if plan.rates and not _has_optimizer(plan):
        problems.append(
            Problem(
                "not-compiled",
                "a rate for some layers needs a compiled model, and this one has no optimizer",
                plan.rates[0].source,
                "add `compile: {optimizer: ..., loss: ...}`",
            )
        )
    if problems:
        raise AnswerIsNo(problems)
    return ()


def _has_optimizer(plan: Plan) -> bool:
    optimizer = as_mapping(as_mapping(plan.after.get("compile_config")).get("optimizer"))
    return isinstance(optimizer.get("config"), dict)
