"""Compile settings before and after, with the learning rates that a load would give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kover.diffing.attributes import attribute_change, without_made_up_names
from kover.diffing.model_diff import AttributeChange, EffectiveRate
from kover.diffing.optimizer_state import stored_rate
from kover.diffing.stored import StoredModel
from kover.modelconfig.keras_values import shorten
from kover.modelconfig.optimizers import replaced_at, stored_optimizers
from kover.problems import Problem
from kover.source import Source
from kover.values import JSON, MISSING, Missing, as_mapping, normal, same

_OPTIMIZER = "optimizer"
_REST = "*"
_UNSET: tuple[JSON, ...] = (None, {}, [])


def compare_compile(before: StoredModel, after: StoredModel) -> tuple[AttributeChange, ...]:
    """The settings that differ; those of the optimizer one by one."""
    ones, others = effective_settings(before), effective_settings(after)
    found = [
        change
        for key in dict.fromkeys((*ones, *others))
        for change in _setting(key, ones.get(key, MISSING), others.get(key, MISSING))
    ]
    return tuple(found)


def effective_settings(model: StoredModel) -> dict[str, JSON]:
    """`compile_config` in short form, the learning rates as they are after a load.

    What is null is the same as what was not given, so it is left out.
    """
    settings: dict[str, JSON] = dict(model.tree.compile_config)
    if _OPTIMIZER in settings:
        settings[_OPTIMIZER] = _with_stored_rates(settings[_OPTIMIZER], model)
    return {
        key: shorten(without_made_up_names(value))
        for key, value in settings.items()
        if value not in _UNSET
    }


def idle_rates(model: StoredModel, path: str) -> tuple[Problem, ...]:
    """Learning rates that stand in the config and that a load will not use."""
    found = []
    for each in stored_optimizers(model.tree.compile_config.get(_OPTIMIZER)):
        written = as_mapping(each.record.get("config")).get("learning_rate")
        stored = stored_rate(model, each)
        if stored is not None and written is not None and not same(written, stored):
            place = ".".join((*("compile_config", _OPTIMIZER), *each.place))
            found.append(
                Problem(
                    "idle-learning-rate",
                    f"the config says learning_rate {normal(written)}, but a load takes "
                    f"{normal(stored)} from the weights",
                    Source(path, inside=f"config.json {place}"),
                    "a changed config alone does not change the rate: `kover apply` writes both",
                    "warning",
                )
            )
    return tuple(found)


def _with_stored_rates(optimizer: JSON, model: StoredModel) -> JSON:
    for each in stored_optimizers(optimizer):
        rate = stored_rate(model, each)
        if rate is not None:
            optimizer = replaced_at(optimizer, (*each.place, "config", "learning_rate"), rate)
    return optimizer


def _setting(key: str, before: JSON | Missing, after: JSON | Missing) -> Iterator[AttributeChange]:
    if key == _OPTIMIZER and isinstance(before, dict) and isinstance(after, dict):
        yield from _object(key, before, after)
        return
    if key == _OPTIMIZER and _names_class(before, after):
        return
    change = attribute_change(key, before, after)
    if change is not None:
        yield change


def _names_class(one: JSON | Missing, other: JSON | Missing) -> bool:
    """`adam` and `Adam` are one optimizer."""
    return isinstance(one, str) and isinstance(other, str) and one.lower() == other.lower()


def _object(
    attribute: str, before: Mapping[str, JSON], after: Mapping[str, JSON]
) -> Iterator[AttributeChange]:
    """Two objects in short form: setting by setting if they are of one class, else as wholes."""
    if before.get("class") != after.get("class"):
        yield AttributeChange(attribute, dict(before), dict(after))
        return
    for key in dict.fromkeys((*before, *after)):
        one, other = before.get(key, MISSING), after.get(key, MISSING)
        inner = f"{attribute}.{key}"
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _object(inner, one, other)
        elif (change := attribute_change(inner, one, other)) is not None:
            yield change


def compare_rates(before: StoredModel, after: StoredModel) -> tuple[EffectiveRate, ...]:
    """The rates of a `MultiOptimizer`, pattern by pattern; empty where neither side has one.

    A pattern that one side does not have falls under the default there.
    """
    ones, others = _rates(before), _rates(after)
    if len(ones) < 2 and len(others) < 2:
        return ()
    found = (
        EffectiveRate(
            where,
            ones.get(where, ones.get(_REST, MISSING)),
            others.get(where, others.get(_REST, MISSING)),
        )
        for where in dict.fromkeys((*others, *ones))
    )
    return tuple(rate for rate in found if not same(rate.before, rate.after))


def _rates(model: StoredModel) -> dict[str, JSON]:
    """Variable pattern -> learning rate, `*` for all that no pattern matches."""
    found: dict[str, JSON] = {}
    for each in stored_optimizers(model.tree.compile_config.get(_OPTIMIZER)):
        config = as_mapping(each.record.get("config"))
        if "learning_rate" not in config:
            continue
        rate = stored_rate(model, each)
        where = each.place[-1] if each.place[-2:-1] == ("optimizer_map",) else _REST
        found[where] = shorten(config["learning_rate"] if rate is None else rate)
    return found
