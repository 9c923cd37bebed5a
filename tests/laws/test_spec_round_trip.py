"""What a spec did, the spec drafted from the two models does again, through Keras.

`KOVER_RANDOM_MODELS=500` in the environment tries that many.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SEEDS = range(1000, 1000 + int(os.environ.get("KOVER_RANDOM_MODELS", "12")))
TRIES = 12

pytestmark = pytest.mark.keras


def compared(before: Path, after: Path) -> tuple[Any, Any]:
    """The diff, and the spec drafted from it."""
    from kover.diffing.comparing import compare_files
    from kover.drafting.from_diff import spec_from_diff

    found = compare_files(before, after)
    trees = found.trees()
    assert trees is not None
    return found.report.diff, spec_from_diff(found.report.diff, *trees)


def differences(diff: Any) -> list[Any]:
    """What differs in config and compile; a setting left out is one with its usual value."""
    from kover.catalogue import catalogue
    from kover.values import MISSING

    usual = catalogue().compile_arguments
    compiled = [
        change
        for change in diff.compile
        if not (change.before is MISSING and change.after == usual[change.attribute].default)
    ]
    return [*diff.layers, *diff.model, *compiled]


def random_result(seed: int, model: Path, apply: Callable[..., Path]) -> tuple[str, Path] | None:
    """A random spec that Keras takes, and what it makes of the model."""
    from random_making.edits import random_edit

    from kover.errors import KoverError

    for number in range(TRIES):
        wanted = random_edit(seed * 100 + number, model)
        for _ in range(2):
            try:
                return wanted.text(), apply(model, wanted.text())
            except KoverError as error:
                (problem, *_) = error.problems
                if problem.code != "needs-reinitialize":
                    break  # such as a sum of two shapes, or two rates for one variable
                wanted.consents = re.findall(r"'([^']+)' \(", problem.message)
    return None


def the_draft_leads(start: Path, goal: Path, apply: Callable[..., Path], spec: str) -> None:
    """The spec that is drafted from the difference is complete, and leaves none."""
    _, draft = compared(start, goal)
    assert draft.complete, f"{spec}\n{draft.text}"
    again, rest = compared(goal, apply(start, draft.text))
    assert not differences(again), f"{spec}\n{draft.text}\n{rest.text}"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_drafted_spec_does_what_the_spec_did(
    seed: int, random_model: Callable[[int], Path], apply: Callable[..., Path]
) -> None:
    model = random_model(seed)
    made = random_result(seed, model, apply)
    assert made is not None
    spec, result = made
    the_draft_leads(model, result, apply, spec)


@pytest.mark.parametrize("seed", SEEDS[: len(SEEDS) // 2])
def test_the_spec_drafted_the_other_way_leads_back(
    seed: int, random_model: Callable[[int], Path], apply: Callable[..., Path]
) -> None:
    model = random_model(seed)
    made = random_result(seed, model, apply)
    assert made is not None
    spec, result = made
    the_draft_leads(result, model, apply, spec)
