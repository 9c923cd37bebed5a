"""Dropout where there was none: the model has never been trained with it."""

from __future__ import annotations

from collections.abc import Iterator

from kover.linting.subject import Subject
from kover.linting.wording import by_source, listed, warning
from kover.planning.plan import AttributeChange
from kover.problems import Problem
from kover.values import MISSING

_OF_RECURRENT_LAYERS = frozenset({"dropout", "recurrent_dropout"})


def check(subject: Subject) -> Iterator[Problem]:
    """Find rates that go from nothing to something."""
    begun = by_source(
        (change.source, change.layer) for change in subject.plan.changes if _begins(change)
    )
    for source, paths in begun.items():
        yield warning(
            "dropout-begins",
            f"{listed(paths)} did not drop anything so far, and the model was trained that way",
            source,
            "raise the rate in steps, or expect a higher training loss at first",
        )


def _begins(change: AttributeChange) -> bool:
    is_rate = change.attribute == "rate" and "Dropout" in change.class_name
    if not (is_rate or change.attribute in _OF_RECURRENT_LAYERS):
        return False
    if isinstance(change.after, bool) or not isinstance(change.after, (int, float)):
        return False
    return change.after > 0 and change.before in (0, MISSING)
