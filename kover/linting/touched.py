"""Where a plan touched a head: its activation, its units, or its loss."""

from __future__ import annotations

from kover.linting.heads import Head
from kover.linting.subject import Subject
from kover.source import Source

_SHAPING = frozenset({"activation", "units"})


def place_in_head(subject: Subject, head: Head) -> tuple[Source, ...]:
    """The settings that changed the head, the most telling one first; empty when none did."""
    paths = {head.layer.path} | ({head.units_layer.path} if head.units_layer else set())
    layers = [
        change.source
        for change in subject.plan.changes
        if change.layer in paths and change.attribute in _SHAPING
    ]
    losses = [
        change.source
        for change in subject.plan.compile_changes
        if change.attribute == "loss" or change.attribute.startswith("loss.")
    ]
    return tuple(dict.fromkeys([*layers, *losses]))
