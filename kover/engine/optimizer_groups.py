"""The optimizers in a `MultiOptimizer`: what each was before, by the variables that it updates.

Their places count through: the second group is another one once the first is gone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from kover.engine import keras_private
from kover.engine.identity import OptimizerKey, VariableKey
from kover.engine.locate import Located
from kover.engine.twin import Twin
from kover.modelconfig.keras_values import is_record
from kover.modelconfig.optimizers import (
    MAP,
    multi_optimizer_place,
    record_at,
    replaced_at,
    stored_optimizers,
    with_learning_rates,
)
from kover.planning.meaning import same_meaning
from kover.planning.plan import Plan
from kover.values import JSON, as_mapping, short_float

_GROUP = "optimizers/"


def origins(old: Twin | None, new: Twin) -> Mapping[str, str]:
    """Place of an optimizer to that of the one that updated most of its variables before.

    Empty where there is a single optimizer before and after. One without variables is known by
    its pattern.
    """
    if old is None:
        return {}
    before, after = _place_by_variable(old), _place_by_variable(new)
    patterns, now = group_places(_optimizer(old.tree.root)), group_places(_optimizer(new.tree.root))
    if not patterns and not now:
        return {}
    found = {place: patterns[name] for name, place in now.items() if name in patterns}
    votes: dict[str, Counter[str]] = {}
    for key, place in after.items():
        if key in before:
            votes.setdefault(place, Counter())[before[key]] += 1
    return {**found, **{place: count.most_common(1)[0][0] for place, count in votes.items()}}


def _place_by_variable(twin: Twin) -> dict[VariableKey, str]:
    if twin.optimizer is None:
        return {}
    places = {id(part): place for place, part in keras_private.optimizer_parts(twin.optimizer)}
    return {
        key: places[id(keras_private.optimizer_for(twin.optimizer, array.live))]
        for key, array in twin.variables().items()
        if array.trainable and array.live is not None
    }


def group_places(optimizer: JSON) -> dict[str, str]:
    """The optimizers in a `MultiOptimizer`: what a plan calls them, to their places in Keras."""
    found: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for each in stored_optimizers(optimizer):
        holder, marked, _ = each.group.removeprefix("optimizer").lstrip("/").rpartition(_GROUP)
        if marked:
            number = numbers.setdefault(each.group, len(numbers))
            found[each.attribute] = f"{holder}{_GROUP}{number}"
    return found


def with_stored_rates(
    plan: Plan, located: Located, read: Callable[[str], float], *, asked: bool
) -> Plan:
    """The plan with the learning rates that count in the config of a `MultiOptimizer`.

    Args:
        plan: whose config may say stale ones.
        located: where the stored ones are.
        read: reads a stored number.
        asked: the specs set a rate, so the plan has the stored ones already.
    """
    optimizer = _optimizer(plan.after)
    places = group_places(optimizer)
    if asked or not places or len(places) != len(group_places(_optimizer(plan.before))):
        return plan
    stored = {
        key.place: place
        for key, place in located.where.items()
        if isinstance(key, OptimizerKey) and key.name == "learning_rate"
    }
    rates = {
        attribute: short_float(float(read(stored[place])))
        for attribute, place in places.items()
        if place in stored
    }
    return _with_optimizer(plan, with_learning_rates(optimizer, rates))


def with_own_patterns(plan: Plan, before: Plan, twin: Twin) -> Plan:
    """The plan with the patterns and names of those groups that are just what they were.

    Args:
        plan: with the groups that rates by layer lead to, their variables spelled out.
        before: the same without them.
        twin: of the edited model.
    """
    old, new = _groups(before), _groups(plan)
    place = multi_optimizer_place(_optimizer(plan.after))
    if not old or place is None:
        return plan
    live = [a.live for a in twin.variables().values() if a.trainable]
    paths = [str(variable.path) for variable in live if variable is not None]
    kept: dict[str, JSON] = {}
    for spelled, group in new.items():
        own = next(
            (
                pattern
                for pattern, was in old.items()
                if _is_like(group, was) and _same_variables(pattern, spelled, paths, twin.tree.name)
            ),
            None,
        )
        kept[spelled if own is None else own] = group if own is None else old[own]
    where = (*place, "config", MAP, "config", MAP)
    return _with_optimizer(plan, replaced_at(_optimizer(plan.after), where, kept))


def _groups(plan: Plan) -> dict[str, JSON]:
    optimizer = _optimizer(plan.after)
    place = multi_optimizer_place(optimizer)
    if place is None:
        return {}
    return dict(as_mapping(record_at(optimizer, (*place, "config", MAP, "config", MAP))))


def _is_like(one: JSON, other: JSON) -> bool:
    """Whether two optimizers differ in their names at most."""
    if not (isinstance(one, dict) and isinstance(other, dict) and is_record(one)):
        return False
    nameless = [
        {**each, "config": {**as_mapping(each.get("config")), "name": None}, "shared_object_id": 0}
        for each in (one, other)
    ]
    return same_meaning(nameless[0], nameless[1])


def _same_variables(own: str, spelled: str, paths: list[str], model: str) -> bool:
    """Whether two patterns mean the same, in a loaded model and where the model is built."""
    return all(
        bool(re.fullmatch(own, path)) == bool(re.fullmatch(spelled, path))
        for each in paths
        for path in (each, f"{model}/{each}")
    )


def _optimizer(config: Mapping[str, JSON]) -> JSON:
    return as_mapping(config.get("compile_config")).get("optimizer")


def _with_optimizer(plan: Plan, optimizer: JSON) -> Plan:
    compile_config = {**as_mapping(plan.after.get("compile_config")), "optimizer": optimizer}
    return replace(plan, after={**plan.after, "compile_config": compile_config})
