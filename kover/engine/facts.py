"""What a judgement means for people: the facts of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from kover.diffing.model_diff import (
    Effective,
    EffectivePenalty,
    EffectiveRate,
    OptimizerStateDiff,
)
from kover.diffing.report import Reinitialized, WeightsCarried
from kover.engine.consent import seed_for
from kover.engine.identity import OptimizerKey, SlotKey, VariableKey
from kover.engine.judge import Judgement, stored_rates
from kover.engine.live_checks import penalties, rates_by_variable
from kover.engine.twin import Twin
from kover.engine.weight_plan import ArrayPlan
from kover.planning.plan import Plan
from kover.values import MISSING

_LISTED = 6


def weights_carried(judgement: Judgement, plan: Plan) -> WeightsCarried:
    """How many arrays were copied, changed or made anew."""
    before = {
        key: judgement.stored.arrays[place].shape for key, place in judgement.located.where.items()
    }
    fresh = [
        Reinitialized(
            each.array.key.layer,
            each.array.key.local_name,
            before.get(each.array.key),
            each.array.shape,
            seed_for(plan, each.array.key) or 0,
        )
        for each in judgement.weights.fresh_variables()
        if isinstance(each.array.key, VariableKey)
    ]
    actions = Counter(each.action for each in judgement.weights.arrays)
    own = [a for a in judgement.weights.arrays if isinstance(a.array.key, OptimizerKey)]
    return WeightsCarried(
        copied=actions["copy"],
        patched=sum(each.action == "fresh" for each in own) + actions["cast"],
        reinitialized=tuple(fresh),
    )


def optimizer_state(judgement: Judgement) -> OptimizerStateDiff | None:
    """What became of the optimizer's slots, and why."""
    plans = [each for each in judgement.weights.arrays if isinstance(each.array.key, SlotKey)]
    gone = [
        each
        for each in judgement.weights.dropped
        if isinstance(each.key, SlotKey) and each.key not in judgement.new.arrays
    ]
    located = judgement.located.where
    had = any(isinstance(key, OptimizerKey) for key in located)
    if not plans and not gone and not had:
        return None
    fresh = [each for each in plans if not each.is_carried]
    why: Counter[tuple[str, str, str]] = Counter()
    for plan in fresh:
        assert isinstance(plan.array.key, SlotKey)
        why["fresh", plan.array.key.variable.layer, plan.reason] += 1
    for dropped in gone:
        assert isinstance(dropped.key, SlotKey)
        why["dropped", dropped.key.variable.layer, dropped.reason] += 1
    return OptimizerStateDiff(
        kept=len(plans) - len(fresh),
        reset=len(fresh),
        dropped=len(gone),
        iterations=_iterations(judgement),
        reasons=tuple(
            f"{layer or 'the model'}: {count} {what} ({reason})"
            for (what, layer, reason), count in why.items()
        ),
    )


def _iterations(judgement: Judgement) -> tuple[int | None, int | None]:
    """The steps taken, before and after: beside the optimizer that counts may be one that does not.

    None where there is no optimizer.
    """
    before = [
        _scalar(judgement, place)
        for key, place in judgement.located.where.items()
        if isinstance(key, OptimizerKey) and key.name == "iteration"
    ]
    after = [
        _stored_number(judgement, plan)
        for plan in judgement.weights.arrays
        if isinstance(plan.array.key, OptimizerKey) and plan.array.key.name == "iteration"
    ]
    return int(max(before)) if before else None, int(max(after)) if after else None


def effective(judgement: Judgement) -> Effective:
    """What training would do, before and after, as Keras sees it."""
    old, new = judgement.old, judgement.new
    return Effective(
        trainable_parameters=(
            old.trainable_parameters() if old else None,
            new.trainable_parameters(),
        ),
        parameters=(old.parameters() if old else None, new.parameters()),
        learning_rates=_rates(judgement),
        regularization=_penalties(old, new),
    )


def _rates(judgement: Judgement) -> tuple[EffectiveRate, ...]:
    """What each variable that trains now trains with; those with the same are one entry."""
    before = rates_by_variable(judgement.old, stored_rates(judgement)) if judgement.old else {}
    after = rates_by_variable(judgement.new, _rates_after(judgement))
    groups: dict[str, list[VariableKey]] = {}
    values: dict[str, EffectiveRate] = {}
    for key, (new_rate, new_decay) in after.items():
        rate, decay = before.get(key, (MISSING, MISSING))
        entry = EffectiveRate("", rate, new_rate, decay, new_decay)
        groups.setdefault(repr(entry), []).append(key)
        values[repr(entry)] = entry
    if all(
        one.before == one.after and one.weight_decay_before == one.weight_decay_after
        for one in values.values()
    ):
        return ()
    return tuple(
        replace(values[name], where=where(keys, list(after))) for name, keys in groups.items()
    )


def _rates_after(judgement: Judgement) -> dict[str, float]:
    """The rates that will stand in the new weights file, by the optimizer's place."""
    rates: dict[str, float] = {}
    for plan in judgement.weights.arrays:
        key = plan.array.key
        if isinstance(key, OptimizerKey) and key.name == "learning_rate":
            rates[key.place] = float(_stored_number(judgement, plan))
    return rates


def where(keys: Sequence[VariableKey], everything: Sequence[VariableKey]) -> str:
    """Some variables in few words: `*` is all, `backbone` all within, `head/kernel` just one."""
    if len(keys) == len(everything):
        return "*"
    chosen = set(keys)
    within: dict[str, set[VariableKey]] = {}
    for key in everything:
        for path in _around(key):
            within.setdefault(path, set()).add(key)
    named: list[str] = []
    for key in keys:
        name = str(key) if key.layer else key.alias or str(key)
        whole = next((path for path in _around(key) if within[path] <= chosen), name)
        if whole not in named:
            named.append(whole)
    more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
    return ", ".join(named[:_LISTED]) + more


def _around(key: VariableKey) -> list[str]:
    """The paths of what holds a variable, from the outside in; by the code, where that made it."""
    path = key.layer or key.alias.rpartition("/")[0]
    steps = path.split("/") if path else []
    return ["/".join(steps[:length]) for length in range(1, len(steps) + 1)]


def _penalties(old: Twin | None, new: Twin) -> tuple[EffectivePenalty, ...]:
    before = penalties(old) if old else {}
    after = penalties(new)
    return tuple(
        EffectivePenalty(key.layer, key.local_name, before.get(key), after.get(key))
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
    )


def _stored_number(judgement: Judgement, plan: ArrayPlan) -> float | int:
    """The number that will stand in the new weights file."""
    return plan.array.fill if plan.source is None else _scalar(judgement, plan.source)


def _scalar(judgement: Judgement, place: str) -> float | int:
    return judgement.stored.read_scalar(judgement.stored.arrays[place])
