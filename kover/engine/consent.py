"""Nobody loses stored values without having said so. Pure; no Keras."""

from __future__ import annotations

from collections.abc import Mapping

from kover.engine.identity import StateKey, VariableKey
from kover.engine.twin import TwinArray
from kover.planning.plan import Consent, Plan, called
from kover.problems import Problem
from kover.source import Source

_LISTED = 12


def seed_for(plan: Plan, key: VariableKey) -> int | None:
    """The seed with which `key` is to be re-created, or None if nobody asked for that."""
    for consent in reversed(plan.consents):
        if covers(consent, key):
            return consent.seed
    return None


def covers(consent: Consent, key: VariableKey) -> bool:
    """Whether `consent` speaks of the variable `key`."""
    return consent.layer == key.layer and key.is_called(consent.variables)


def missing_consent(
    plan: Plan,
    old: Mapping[StateKey, TwinArray],
    new: Mapping[StateKey, TwinArray],
    where: Mapping[StateKey, str],
) -> Problem | None:
    """The problem that lists every layer which would lose values without consent."""
    lost: dict[str, list[str]] = {}
    for key in where:
        if not isinstance(key, VariableKey) or seed_for(plan, key) is not None:
            continue
        after = new.get(key)
        if after is None:
            lost.setdefault(key.layer, []).append(f"{_name(key)} {old[key].shape} goes")
        elif after.shape != old[key].shape:
            lost.setdefault(key.layer, []).append(
                f"{_name(key)} {old[key].shape} becomes {after.shape}"
            )
    if not lost:
        return None
    listed = [
        f"{called(layer)} ({', '.join(what)})" for layer, what in list(lost.items())[:_LISTED]
    ]
    more = f", and {len(lost) - _LISTED} more layers" if len(lost) > _LISTED else ""
    source, related = _to_blame(plan, tuple(lost))
    names = ", ".join(called(layer) for layer in list(lost)[:_LISTED])
    return Problem(
        "needs-reinitialize",
        f"this throws away the stored values of {'; '.join(listed)}{more}",
        source,
        f"consent with `reinitialize: true` in an override that selects {names}{more}",
        related=related,
    )


def _to_blame(plan: Plan, layers: tuple[str, ...]) -> tuple[Source | None, tuple[Source, ...]]:
    """The override that changes one of `layers`, or any that changes something; then the rest."""
    sources = [source for layer in layers for source in plan.blame(layer)]
    sources += [change.source for change in plan.changes]
    distinct = tuple(dict.fromkeys(sources))
    return (distinct[0], distinct[1:4]) if distinct else (None, ())


def _name(key: VariableKey) -> str:
    """What the user's code calls the variable, or Keras."""
    return key.alias or key.local_name
