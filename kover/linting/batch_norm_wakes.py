"""A BatchNormalization layer that was frozen trains again: its statistics begin to move."""

from __future__ import annotations

from collections.abc import Iterator

from kover.linting.subject import Subject
from kover.linting.wording import by_source, listed, warning
from kover.problems import Problem


def check(subject: Subject) -> Iterator[Problem]:
    """Find settings of `trainable: true` that reach BatchNormalization."""
    woken = by_source(
        (change.source, change.layer)
        for change in subject.plan.changes
        if change.class_name == "BatchNormalization"
        and change.attribute == "trainable"
        and (change.before, change.after) == (False, True)
    )
    for source, paths in woken.items():
        yield warning(
            "batch-norm-wakes",
            f"{listed(paths)} will normalize by the batch, and its moving statistics will change",
            source,
            "keep it frozen by a later override: "
            "`layers: {class: BatchNormalization}`, `set: {trainable: false}`",
        )
