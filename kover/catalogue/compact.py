"""Objects in short form without what their class would take by itself."""

from __future__ import annotations

from typing import overload

from kover.catalogue.loading import defaults_of
from kover.values import JSON, Missing, same

_KINDS = ("optimizer", "schedule", "loss", "metric", "regularizer", "initializer", "constraint")


@overload
def compact(value: JSON, *, names: bool = False) -> JSON: ...


@overload
def compact(value: JSON | Missing, *, names: bool = False) -> JSON | Missing: ...


def compact(value: JSON | Missing, *, names: bool = False) -> JSON | Missing:
    """`{class: Adam, learning_rate: 0.01, beta_1: 0.9, …}` is `{class: Adam, learning_rate: 0.01}`.

    Args:
        value: in short form. Of an optimizer the learning rate stays: people look for it.
        names: an object without settings is its name, to compare.
    """
    if isinstance(value, list):
        return [compact(item, names=names) for item in value]
    if not isinstance(value, dict):
        return value
    name = value.get("class")
    usual = _defaults(name) if isinstance(name, str) else {}
    kept = {
        key: compact(item, names=names)
        for key, item in value.items()
        if key == "learning_rate" or key not in usual or not same(item, usual[key])
    }
    return name if names and isinstance(name, str) and kept.keys() == {"class"} else kept


def _defaults(name: str) -> dict[str, JSON]:
    for kind in _KINDS:
        if found := defaults_of(kind, name):
            return {key: item for key, item in found.items() if not isinstance(item, Missing)}
    return {}
