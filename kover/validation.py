"""Whether specs are valid, and fit a model. Needs no Keras.

specs -> Spec (kover.spec) -> with a model: Plan (kover.planning) -> lint notes (kover.linting)
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from os import PathLike, fspath
from typing import TYPE_CHECKING

from kover.errors import AnswerIsNo, InputError, KoverError
from kover.problems import Problem, sorted_problems
from kover.spec.document import Spec
from kover.spec.loading import load_each, load_specs
from kover.values import JSON

if TYPE_CHECKING:
    from kover.archive.reader import Archive
    from kover.modelconfig.tree import ModelTree
    from kover.planning.plan import Plan


@dataclass(frozen=True)
class Verdict:
    """What became of a spec, or of several that are one.

    Attributes:
        paths: the files, as named.
        exit_code: 0 valid, 1 invalid or not fitting, 2 something cannot be read.
        problems: sorted by place; warnings as well.
        specs: what the files say; empty when that could not be told.
        model: the archive that they were checked against.
        plan: what they would do to it.
    """

    paths: tuple[str, ...]
    exit_code: int
    problems: tuple[Problem, ...]
    specs: tuple[Spec, ...] = ()
    model: str | None = None
    plan: Plan | None = None

    def strict(self) -> Verdict:
        """The same, with every warning an error."""
        if all(problem.severity != "warning" for problem in self.problems):
            return self
        problems = tuple(
            replace(problem, severity="error") if problem.severity == "warning" else problem
            for problem in self.problems
        )
        return replace(self, problems=problems, exit_code=max(self.exit_code, 1))


def check_each(
    paths: Sequence[str], model: str | None = None, parameters: Mapping[str, JSON] | None = None
) -> tuple[Verdict, ...]:
    """Check specs, each on its own; one that is refused does not hide the others.

    Args:
        paths: the files.
        model: an archive that each of them must fit. Without it, a spec that names one in
            `model.path` is checked against that.
        parameters: a value reaches each spec that declares the name.

    Raises:
        InputError: `model` cannot be read.
        UsageError: a parameter is given no JSON value, or standard input is named twice.
    """
    loaded = load_each(paths, parameters)
    with _Models() as models:
        if model is not None:
            models.opened(model)
        return tuple(
            _refused((path,), spec)
            if isinstance(spec, KoverError)
            else _checked((spec,), model, models)
            for path, spec in zip(paths, loaded, strict=True)
        )


def check_together(
    paths: Sequence[str], model: str | None = None, parameters: Mapping[str, JSON] | None = None
) -> Verdict:
    """Check specs that are one, applied in order.

    Raises:
        InputError: `model` cannot be read.
        UsageError: a parameter is given no JSON value, or standard input is named twice.
    """
    try:
        specs = load_specs(paths, parameters)
    except (AnswerIsNo, InputError) as error:
        return _refused(tuple(paths), error)
    with _Models() as models:
        if model is not None:
            models.opened(model)
        return _checked(specs, model, models)


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
    names = [fspath(path) for path in paths]
    verdict = check_together(names, None if model is None else fspath(model), parameters)
    if verdict.exit_code == InputError.exit_code:
        raise InputError(verdict.problems)
    return verdict.problems


class _Models:
    """The archives that specs are checked against, each opened once."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._opened: dict[str, tuple[Archive, ModelTree]] = {}

    def __enter__(self) -> _Models:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def opened(self, path: str) -> tuple[Archive, ModelTree]:
        """The archive at `path`, and its layers."""
        from kover.archive.reader import open_archive
        from kover.modelconfig.tree import read_tree

        if path not in self._opened:
            archive = self._stack.enter_context(open_archive(path))
            self._opened[path] = (archive, read_tree(archive.config, archive.path))
        return self._opened[path]


def _refused(paths: tuple[str, ...], error: KoverError) -> Verdict:
    return Verdict(paths, error.exit_code, error.problems)


def _checked(specs: tuple[Spec, ...], model: str | None, models: _Models) -> Verdict:
    from kover.linting.switches import lint_specs, wanted

    paths = tuple(spec.path for spec in specs)
    own = [warning for spec in specs for warning in spec.warnings]
    absent: tuple[Problem, ...] = ()
    if model is None:
        model, absent = _named_model(specs)
    if model is None:
        problems = (*wanted(own, specs), *lint_specs(specs), *absent)
        return Verdict(paths, 0, sorted_problems(problems), specs)
    try:
        archive, tree = models.opened(model)
        plan, problems = _planned(specs, archive, tree)
    except (AnswerIsNo, InputError) as error:
        return Verdict(paths, error.exit_code, error.problems, model=model)
    return Verdict(paths, 0, problems, specs, model, plan)


def _planned(
    specs: tuple[Spec, ...], archive: Archive, tree: ModelTree
) -> tuple[Plan, tuple[Problem, ...]]:
    from kover.linting.rules import lint
    from kover.linting.switches import wanted
    from kover.modelconfig.dangers import danger_warnings
    from kover.planning.introduced import refuse_introduced
    from kover.planning.planner import ModelFacts, plan_specs

    version = archive.metadata.get("keras_version")
    facts = ModelFacts(
        path=archive.path,
        keras_version=version if isinstance(version, str) else None,
        sha256=lambda: archive.sha256,
    )
    plan = plan_specs(specs, tree, facts)
    refuse_introduced(plan, archive.path)
    dangers = danger_warnings(archive.config, archive.path)
    found = (
        *archive.warnings,
        *dangers,
        *plan.warnings,
        *lint(plan, tree, specs, facts.keras_version),
    )
    return plan, wanted(found, specs)


def _named_model(specs: tuple[Spec, ...]) -> tuple[str | None, tuple[Problem, ...]]:
    """The model that the specs name in `model.path`, if it is there; else a note."""
    for spec in specs:
        value = spec.guards.path
        if value is None:
            continue
        path = os.path.join(os.path.dirname(spec.path), str(value.data))  # noqa: PTH118,PTH120 (start-up time)
        if os.path.exists(path):  # noqa: PTH110 (start-up time)
            return path, ()
        note = Problem(
            "model-not-there",
            f"there is no model '{path}', so the spec is not checked against it",
            value.source(),
            "the path is relative to the spec; `--model` names another one",
            "note",
        )
        return None, (note,)
    return None, ()
