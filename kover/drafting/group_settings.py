"""What differs in two `MultiOptimizer`s, as settings that a spec merges into the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kover.diffing.model_diff import AttributeChange
from kover.modelconfig.optimizers import DEFAULT, MAP
from kover.values import same

_DEFAULT = f".{MAP}.{DEFAULT}."
_GROUP = f".{MAP}.{MAP}."


def as_merged(changes: Sequence[AttributeChange]) -> Iterator[AttributeChange]:
    """The default optimizer's changes by the names that a spec has for them.

    The same change of a group is left out: it follows from the default optimizer's.
    """
    own = {
        change.attribute.partition(_DEFAULT)[2]: change
        for change in changes
        if _DEFAULT in change.attribute
    }
    for change in changes:
        before, found, setting = change.attribute.partition(_DEFAULT)
        if found:
            yield replace(change, attribute=f"{before}.{setting}")
        elif _GROUP not in change.attribute or not any(
            change.attribute.endswith(f".{name}")
            and same(change.before, each.before)
            and same(change.after, each.after)
            for name, each in own.items()
        ):
            yield change
