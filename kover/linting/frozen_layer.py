"""A regularizer or a rate that reaches only layers that do not train: it does nothing."""

from __future__ import annotations

from collections.abc import Iterator

from kover.linting.subject import Subject
from kover.linting.wording import by_source, listed, warning
from kover.problems import Problem
from kover.source import Source
from kover.values import MISSING


def check(subject: Subject) -> Iterator[Problem]:
    """Find settings all of whose layers are frozen in the end.

    One that also reaches layers that train does what it is for: it is left alone.
    """
    nouns: dict[Source, str] = {}
    reached: list[tuple[Source, str]] = []
    for change in subject.plan.changes:
        if change.attribute.endswith("_regularizer") and change.after not in (None, MISSING):
            nouns[change.source] = f"'{change.attribute}'"
            reached.append((change.source, change.layer))
    for rate in subject.plan.rates:
        if rate.learning_rate is not None and rate.learning_rate.absolute == 0:
            continue  # it holds what Keras does not freeze
        nouns[rate.source] = "the learning rate" if rate.learning_rate else "the weight decay"
        reached.append((rate.source, rate.layer))
    for source, paths in by_source(reached).items():
        if all(subject.is_frozen(path) for path in paths):
            verb = "is" if len(set(paths)) == 1 else "are"
            yield warning(
                "frozen-layer",
                f"{nouns[source]} does nothing: {listed(paths)} {verb} not trainable",
                source,
                "set `trainable: true`, or leave it out",
            )
