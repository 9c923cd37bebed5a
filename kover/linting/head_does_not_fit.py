"""Loss and head that do not fit: one unit for many classes, a softmax for a binary loss."""

from __future__ import annotations

from collections.abc import Iterator

from kover.linting.heads import BINARY, CATEGORICAL, Head, heads
from kover.linting.subject import Subject
from kover.linting.touched import place_in_head
from kover.linting.wording import warning
from kover.problems import Problem


def check(subject: Subject) -> Iterator[Problem]:
    """Look at every head that the plan touches."""
    for head in heads(subject.after):
        places = place_in_head(subject, head)
        fault = _fault(head)
        if places and fault:
            message, help = fault
            yield warning("head-does-not-fit", message, places[0], help, places[1:])


def _fault(head: Head) -> tuple[str, str] | None:
    loss, units, path = head.loss, head.units, head.layer.path
    if loss is None or units is None:
        return None
    if loss.name in CATEGORICAL and units == 1:
        return (
            f"'{path}' has one unit, so a categorical loss has nothing to choose from",
            "use `loss: binary_crossentropy` with sigmoid, or one unit for each class",
        )
    if loss.name in CATEGORICAL and head.activation == "sigmoid":
        return (
            f"the {units} sigmoids of '{path}' do not sum to one, as a categorical loss expects",
            "use `activation: softmax`, or `loss: binary_crossentropy` for independent labels",
        )
    if loss.name in BINARY and head.activation == "softmax":
        return (
            f"a binary loss takes the {units} units of '{path}' for independent labels, "
            "but its softmax makes them exclude each other",
            "use `loss: categorical_crossentropy`, or `activation: sigmoid`",
        )
    return None
