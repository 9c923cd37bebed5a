"""A loss that expects probabilities gets logits, or the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from kover.linting.heads import BINARY, heads
from kover.linting.subject import Subject
from kover.linting.touched import place_in_head
from kover.linting.wording import warning
from kover.problems import Problem

_PROBABILITIES = frozenset({"softmax", "sigmoid", "hard_sigmoid", "log_softmax"})


def check(subject: Subject) -> Iterator[Problem]:
    """Look at every head that the plan touches."""
    for head in heads(subject.after):
        places = place_in_head(subject, head)
        if not places or head.loss is None or head.loss.from_logits is None:
            continue
        path = head.layer.path
        if head.loss.from_logits and head.activation in _PROBABILITIES:
            yield warning(
                "logits-mismatch",
                f"'{path}' ends in {head.activation}, but the loss has from_logits=True",
                places[0],
                f"drop the {head.activation} (`activation: linear`), or set `from_logits: false`",
                places[1:],
            )
        elif not head.loss.from_logits and head.activation == "linear":
            wanted = "sigmoid" if head.loss.name in BINARY else "softmax"
            yield warning(
                "logits-mismatch",
                f"'{path}' gives logits, but the loss has from_logits=False",
                places[0],
                f"keep the {wanted}, or give the loss `from_logits: true`",
                places[1:],
            )
