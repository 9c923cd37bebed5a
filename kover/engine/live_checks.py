"""Did every override take effect? Asked of the live twin, not of the config.

An override whose effect is not what was asked for is a failure, not a line of the report.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kover.engine import keras_private
from kover.engine.identity import VariableKey
from kover.engine.twin import Twin
from kover.modelconfig.keras_values import shorten
from kover.planning.plan import AttributeChange, Plan
from kover.problems import Problem
from kover.values import JSON, MISSING, Missing, same
from kover.yaml_text import flow

_NEVER_STILL = {
    "Ftrl": "divides by zero and makes NaN of",
    "ScheduleFreeAdamW": "still moves the variables of",
}
Setting = tuple[str | None, str]


@dataclass(frozen=True)
class LiveChecks:
    """What the live model says of the plan.

    Attributes:
        verified: setting to whether it was seen to hold; absent where it cannot be seen.
        problems: overrides without the effect that was asked for.
    """

    verified: dict[Setting, bool]
    problems: tuple[Problem, ...]


def check_overrides(plan: Plan, old: Twin | None, new: Twin) -> LiveChecks:
    """Compare every planned change with the live layer."""
    verified: dict[Setting, bool] = {}
    problems: list[Problem] = []
    configs: dict[str, dict[str, JSON]] = {}
    held = held_by_rate(new)
    for change in (*plan.changes, *_already_frozen(plan)):
        if change.layer not in new.layers:
            continue
        if change.attribute == "trainable":
            problem = _check_trainable(change, new, held)
        else:
            problem = _check_attribute(change, old, new, configs)
        holds = problem is None and not _drops_the_flag(change, new)
        verified[change.layer, change.attribute] = holds
        if problem is not None:
            problems.append(problem)
    return LiveChecks(verified, tuple(problems))


def _check_attribute(
    change: AttributeChange, old: Twin | None, new: Twin, configs: dict[str, dict[str, JSON]]
) -> Problem | None:
    """Keras may write a value in another form (3 as [3, 3]), but must not keep the old one."""
    if change.attribute == "class":
        return _check_class(change, new)
    if change.layer not in configs:
        configs[change.layer] = keras_private.serialized_config(new.layers[change.layer])
    live = _short(configs[change.layer], change.attribute)
    if same(live, change.after) or isinstance(change.after, Missing):
        return None
    if old is None or change.layer not in old.layers:
        return None
    before = _short(keras_private.serialized_config(old.layers[change.layer]), change.attribute)
    if not same(live, before) or same(before, change.before) is False:
        return None
    return Problem(
        "override-without-effect",
        f"'{change.attribute}' of {change.called} is still {before!r} in the rebuilt model",
        change.source,
        f"Keras ignores this attribute when it loads a {change.class_name}",
    )


def _check_class(change: AttributeChange, new: Twin) -> Problem | None:
    live = type(new.layers[change.layer]).__name__
    if str(change.after).rpartition(">")[2] == live:
        return None
    return Problem(
        "override-without-effect",
        f"{change.called} is a {live} in the rebuilt model, not a {change.after}",
        change.source,
        "please report this, with the model and the spec if you can",
    )


def _short(config: dict[str, JSON], attribute: str) -> JSON | Missing:
    value = config.get(attribute, MISSING)
    return value if isinstance(value, Missing) else shorten(value)


def _already_frozen(plan: Plan) -> list[AttributeChange]:
    """What is asked to be frozen and has the flag already, which may mean nothing to Keras."""
    return [
        AttributeChange(each.layer, "layer", each.attribute, each.value, each.value, each.source)
        for each in plan.unchanged
        if each.layer is not None and each.attribute == "trainable" and each.value is False
    ]


def held_by_rate(twin: Twin) -> set[VariableKey]:
    """The variables that the optimizer leaves where they are: their learning rate is 0."""
    return {
        key
        for key, (rate, _) in rates_by_variable(twin).items()
        if isinstance(rate, (int, float)) and rate == 0
    }


def _check_trainable(change: AttributeChange, new: Twin, held: set[VariableKey]) -> Problem | None:
    own = [
        (key, array)
        for key, array in new.arrays.items()
        if isinstance(key, VariableKey) and key.layer == change.layer and array.live is not None
    ]
    if change.after is False:
        moving = [key.local_name for key, array in own if array.trainable and key not in held]
        if moving:
            return not_frozen(change, type(new.layers[change.layer]).__name__, moving, new)
    elif change.after is True and not new.layers[change.layer].trainable:
        return Problem(
            "not-trainable",
            f"{change.called} stays frozen in the rebuilt model",
            change.source,
            "something around it freezes it",
        )
    return None


def not_frozen(
    change: AttributeChange, class_name: str, moving: Sequence[str], new: Twin
) -> Problem:
    """The problem for a layer that trains although `trainable` is false; how to hold it."""
    listed = ", ".join(moving[:4])
    wanted: JSON = {
        "layers": f"/{change.layer}" if change.layer else new.tree.name,
        "set": {"trainable": False},
        "learning_rate": 0,
    }
    compiled = "" if new.has_optimizer else "compile the model (`compile: {optimizer: …}`) and "
    return Problem(
        "not-frozen",
        f"{change.called} would still train: {listed} ({len(moving)} variables)",
        change.source,
        f"Keras does not hand `trainable` of {class_name} on to the layers that it makes itself "
        f"when a file is loaded; {compiled}hold it by its rate as well: `- {flow(wanted)}`",
    )


def _drops_the_flag(change: AttributeChange, new: Twin) -> bool:
    """Whether nothing trains in the layer anyway, and its class does not keep `trainable`.

    No failure: a `StringLookup` in a frozen model is as frozen as it can be. A nested model is
    judged by the layers inside.
    """
    if change.attribute != "trainable" or new.tree.children(change.layer):
        return False
    return new.layers[change.layer].trainable is not change.after


def rates_by_variable(
    twin: Twin, stored: Mapping[str, float] | None = None
) -> dict[VariableKey, tuple[JSON, JSON]]:
    """Learning rate and weight decay of each trainable variable, in short form.

    Read from the optimizer that Keras would hand the variable to.

    Args:
        twin: a compiled one.
        stored: rates that stand in the weights file and win over the config, by the optimizer's
            place.
    """
    if twin.optimizer is None:
        return {}
    places = {id(part): place for place, part in keras_private.optimizer_parts(twin.optimizer)}
    found: dict[VariableKey, tuple[JSON, JSON]] = {}
    known: dict[int, tuple[JSON, JSON]] = {}
    for key, array in twin.variables().items():
        if array.trainable and array.live is not None:
            part = keras_private.optimizer_for(twin.optimizer, array.live)
            if id(part) not in known:
                config = part.get_config()
                rate = (stored or {}).get(places.get(id(part), ""), config.get("learning_rate"))
                known[id(part)] = (
                    shorten(rate),
                    shorten(config.get("weight_decay")),
                )
            found[key] = known[id(part)]
    return found


def wrong_rates(
    plan: Plan, asked: Mapping[VariableKey, tuple[JSON, JSON]], twin: Twin
) -> tuple[Problem, ...]:
    """The variables that Keras would train with another rate than the one asked for."""
    live = rates_by_variable(twin)
    wrong = [
        key
        for key, (rate, decay) in asked.items()
        if not _float32_same([shorten(rate), shorten(decay)], list(live.get(key, (None, None))))
    ]
    if not wrong:
        return ()
    return (
        Problem(
            "rate-without-effect",
            f"{len(wrong)} variables would train with another rate than asked, such as "
            f"'{wrong[0]}' with {live.get(wrong[0])}",
            plan.rates[0].source,
            "please report this, with the model and the spec if you can",
        ),
    )


def impossible_rates(plan: Plan, twin: Twin) -> tuple[Problem, ...]:
    """Rates of 0 for optimizers that do something else with them than nothing.

    Source: keras 3.15 `optimizers.ftrl.Ftrl.update_step`, which divides by the rate, and
    `optimizers.schedule_free_adamw.ScheduleFreeAdamW.update_step`, which averages all the same.
    """
    found: dict[str, VariableKey] = {}
    for key in held_by_rate(twin):
        part = keras_private.optimizer_for(twin.optimizer, twin.arrays[key].live)
        if type(part).__name__ in _NEVER_STILL:
            found.setdefault(type(part).__name__, key)
    return tuple(
        Problem(
            "no-rate-of-zero",
            f"with a learning rate of 0, {name} {_NEVER_STILL[name]} '{key.layer}'",
            plan.rates[0].source,
            "take another optimizer, or freeze the layer with `set: {trainable: false}` alone",
        )
        for name, key in found.items()
    )


def _float32_same(one: JSON, other: JSON) -> bool:
    """Whether two values agree once they are float32, which is what an optimizer stores."""
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("<f", one) == struct.pack("<f", other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_float32_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_float32_same(one[k], other[k]) for k in one)
    return same(one, other)


def penalties(twin: Twin) -> dict[VariableKey, JSON]:
    """The regularizer of every variable that has one, in short form."""
    import keras

    found: dict[VariableKey, JSON] = {}
    for key, array in twin.variables().items():
        regularizer = getattr(array.live, "regularizer", None)
        if regularizer is not None:
            found[key] = shorten(keras.saving.serialize_keras_object(regularizer))
    return found
