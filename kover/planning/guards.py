"""The `model` section of a spec: refuse any other model than the one it was written for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kover.modelconfig.tree import ModelTree
from kover.problems import Problem
from kover.spec.document import Guards, Value


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model beside its config.

    Attributes:
        path: of the archive, as the user named it.
        keras_version: from the metadata; None where they do not say.
        sha256: of the archive, computed when a spec asks for it.
        learning_rate: the effective one, from the optimizer's stored variable; None where there
            is no such number. The config may hold a stale one.
        group_rates: the same for the optimizers in a `MultiOptimizer`, by what a plan calls them:
            `optimizer.optimizer_map.default_optimizer`, ...
    """

    path: str
    keras_version: str | None
    sha256: Callable[[], str]
    learning_rate: Callable[[], float | None] | None = None
    group_rates: Callable[[], Mapping[str, float]] | None = None


def guard_problems(guards: Guards, tree: ModelTree, facts: ModelFacts) -> Iterator[Problem]:
    """Each guard that this model does not pass."""
    if guards.name is not None and guards.name.data != tree.name:
        yield _wrong(guards.name, f"the model is named '{tree.name}', not '{guards.name.data}'")
    if guards.class_ is not None and guards.class_.data not in _class_names(tree):
        yield _wrong(
            guards.class_, f"the model's class is '{tree.class_name}', not '{guards.class_.data}'"
        )
    if guards.keras_version is not None:
        yield from _version_problems(guards.keras_version, facts.keras_version)
    if guards.sha256 is not None:
        found = facts.sha256()
        if str(guards.sha256.data).lower() != found.lower():
            yield _wrong(guards.sha256, f"the file's sha256 is {found}")


def _class_names(tree: ModelTree) -> tuple[object, ...]:
    return tree.class_name, tree.root.get("registered_name")


def _version_problems(wanted: Value, found: str | None) -> Iterator[Problem]:
    if found is None:
        yield _wrong(wanted, "the archive does not say which Keras wrote it")
        return
    from packaging.specifiers import SpecifierSet

    try:
        fits = SpecifierSet(str(wanted.data)).contains(found, prereleases=True)
    except ValueError:  # one of the two is invalid, or has a number of thousands of digits
        fits = False
    if not fits:
        yield _wrong(wanted, f"the model was written by Keras {found}, not '{wanted.data}'")


def _wrong(guard: Value, message: str) -> Problem:
    return Problem(
        "wrong-model",
        message,
        guard.source(),
        "the spec was written for another model; apply it to that one, or change the guard",
    )
