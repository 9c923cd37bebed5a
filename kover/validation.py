"""Whether specs are valid, and fit a model. Needs no Keras.

specs -> Spec (kover.spec) -> with a model: Plan (kover.planning)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING

from kover.errors import AnswerIsNo
from kover.problems import Problem, sorted_problems
from kover.spec.loading import load_specs
from kover.values import JSON

if TYPE_CHECKING:
    from kover.planning.plan import Plan
    from kover.spec.document import Spec


@dataclass(frozen=True)
class Valid:
    """Specs that are valid, and what they would do to the model when one was given."""

    specs: tuple[Spec, ...]
    plan: Plan | None
    warnings: tuple[Problem, ...]


def check(
    specs: Sequence[str], model: str | None = None, parameters: Mapping[str, JSON] | None = None
) -> Valid:
    """Check specs, against a model when one is given.

    Raises:
        AnswerIsNo: the specs are invalid, or do not fit the model.
        InputError: a spec or the model cannot be read.
    """
    loaded = load_specs(specs, parameters)
    warnings = [warning for spec in loaded for warning in spec.warnings]
    if model is None:
        return Valid(loaded, None, sorted_problems(warnings))
    plan, more = _plan(loaded, model)
    return Valid(loaded, plan, sorted_problems([*warnings, *more]))


def validate(
    spec: str | PathLike[str] | Sequence[str | PathLike[str]],
    model: str | PathLike[str] | None = None,
    parameters: Mapping[str, JSON] | None = None,
) -> tuple[Problem, ...]:
    """Every problem of a spec, or of several that are applied in order; warnings too.

    Args:
        spec: a spec file, or several.
        model: a `.keras` archive that the specs must fit.
        parameters: values that win over those the specs declare.

    Returns:
        The problems, sorted by place. The specs are valid when none has severity `error`.

    Raises:
        InputError: a spec or the model cannot be read.
        UsageError: a parameter is given no JSON value.
    """
    paths = [spec] if isinstance(spec, str | PathLike) else spec
    try:
        names = [fspath(path) for path in paths]
        return check(names, None if model is None else fspath(model), parameters).warnings
    except AnswerIsNo as error:
        return error.problems


def _plan(specs: tuple[Spec, ...], model: str) -> tuple[Plan, tuple[Problem, ...]]:
    from kover.archive.reader import open_archive
    from kover.modelconfig.tree import read_tree
    from kover.planning.planner import ModelFacts, plan_specs

    with open_archive(model) as archive:
        version = archive.metadata.get("keras_version")
        facts = ModelFacts(
            path=model,
            keras_version=version if isinstance(version, str) else None,
            sha256=lambda: archive.sha256,
        )
        plan = plan_specs(specs, read_tree(archive.config, archive.path), facts)
        return plan, (*archive.warnings, *plan.warnings)
