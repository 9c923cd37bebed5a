"""Two compile configs: what differs, and which of the settings asked for were there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kover.catalogue import Argument, catalogue
from kover.catalogue.values import expand
from kover.modelconfig.keras_values import is_record, shorten
from kover.modelconfig.optimizers import DEFAULT, MAP
from kover.planning.dotted import inside
from kover.planning.guards import ModelFacts
from kover.planning.layer_classes import record_entry
from kover.planning.meaning import same_as_default, same_meaning
from kover.planning.plan import CompileChange, Unchanged
from kover.source import Source
from kover.spec.document import Value
from kover.values import JSON, MISSING, Missing, same

_OPTIMIZER = Argument("optimizer", "optimizer")
_NESTED = ("inner_optimizer", "learning_rate")
_OF_GROUP = f".{MAP}.{MAP}."


@dataclass(frozen=True)
class Compared:
    """The new config, in which what means the same is as it was, and what differs."""

    config: Mapping[str, JSON]
    changes: tuple[CompileChange, ...]
    unchanged: tuple[Unchanged, ...]


@dataclass(frozen=True)
class _Difference:
    attribute: str
    before: JSON | Missing
    after: JSON | Missing


def compile_changes(
    before: Mapping[str, JSON],
    after: Mapping[str, JSON],
    asked: Mapping[str, Value],
    facts: ModelFacts,
) -> Compared:
    """Compare the compile config before and after.

    Args:
        before: as in the archive, `{}` when uncompiled.
        after: with everything merged.
        asked: the settings that the specs give, by attribute.
        facts: for the effective learning rate, where the config's is stale.
    """
    differences: list[_Difference] = []
    config = dict(before)
    for name, value in after.items():
        found = list(_differences(name, before.get(name, MISSING), value))
        if found or name not in before:
            config[name] = value
        if any(attribute.partition(".")[0] == name for attribute in asked):
            differences += found
    differences += _stale_rate(differences, after.get("optimizer", MISSING), asked, facts)
    changes = tuple(
        CompileChange(
            item.attribute, _short(item.before), _short(item.after), _place(item.attribute, asked)
        )
        for item in differences
    )
    unchanged = tuple(
        Unchanged(None, attribute, shorten(value.data), value.source())
        for attribute, value in asked.items()
        if _OF_GROUP not in attribute
        and not any(_within(item.attribute, attribute) for item in differences)
    )
    return Compared(config, changes, unchanged)


def _differences(name: str, before: JSON | Missing, after: JSON) -> Iterator[_Difference]:
    if name == "optimizer":
        if isinstance(before, str):
            before = expand(_OPTIMIZER, before)
        yield from _object_differences(name, before, after)
        return
    argument = catalogue().compile_arguments.get(name)
    if before is MISSING and same_as_default(after, argument):
        return
    if not same_meaning(before, after, argument):
        yield _Difference(name, before, after)


def _object_differences(
    name: str, before: JSON | Missing, after: JSON | Missing
) -> Iterator[_Difference]:
    """Setting by setting for two objects of one class, else as a whole."""
    if not (_is_object(before) and _is_object(after) and _class(before) == _class(after)):
        if not same_meaning(before, after):
            yield _Difference(name, before, after)
        return
    assert isinstance(after, dict)
    entry = record_entry(after)
    old, new = inside(before), inside(after)
    for key in dict.fromkeys([*old, *new]):
        one, other = old.get(key, MISSING), new.get(key, MISSING)
        argument = entry.arguments.get(key) if entry is not None else None
        if _left_at_default(one, other, argument) or same_meaning(one, other, argument):
            continue
        if key in _NESTED and _is_object(one) and other is not MISSING:
            yield from _object_differences(f"{name}.{key}", one, other)
        elif key == MAP and _is_object(one) and _is_object(other):
            yield from _map_differences(f"{name}.{key}", one, other)
        else:
            yield _Difference(f"{name}.{key}", one, other)


def _map_differences(
    name: str, before: JSON | Missing, after: JSON | Missing
) -> Iterator[_Difference]:
    """The optimizers of a `MultiOptimizer`, by their patterns, which follow renamed layers."""
    old, new = inside(before), inside(after)
    yield from _object_differences(
        f"{name}.{DEFAULT}", old.get(DEFAULT, MISSING), new.get(DEFAULT, MISSING)
    )
    ones, others = inside(old.get(MAP, MISSING)), inside(new.get(MAP, MISSING))
    if others.keys() - ones.keys():
        yield _Difference(name, before, after)
        if len(ones) == len(others):
            ones = dict(zip(others, ones.values(), strict=True))
    for pattern in dict.fromkeys([*ones, *others]):
        yield from _object_differences(
            f"{name}.{MAP}.{pattern}", ones.get(pattern, MISSING), others.get(pattern, MISSING)
        )


def _left_at_default(one: JSON | Missing, other: JSON | Missing, argument: Argument | None) -> bool:
    """Whether one side does not say what the other says, which is the default."""
    if one is MISSING:
        return same_as_default(other, argument)
    return other is MISSING and same_as_default(one, argument)


def _stale_rate(
    differences: list[_Difference],
    optimizer: JSON | Missing,
    asked: Mapping[str, Value],
    facts: ModelFacts,
) -> Iterator[_Difference]:
    """A rate asked for that the config has, while the optimizer's variable has another one."""
    place, config = "optimizer", inside(optimizer)
    while isinstance(inner := config.get("inner_optimizer"), dict):
        place, config = f"{place}.inner_optimizer", inside(inner)
    attribute, rate = f"{place}.learning_rate", config.get("learning_rate")
    if facts.learning_rate is None or not isinstance(rate, (int, float)):
        return
    if not {"optimizer", attribute} & asked.keys():
        return
    if any(_within(attribute, item.attribute) for item in differences):
        return
    effective = facts.learning_rate()
    if effective is not None and not same(effective, float(rate)):
        yield _Difference(attribute, effective, rate)


def _place(attribute: str, asked: Mapping[str, Value]) -> Source:
    """Where a change was asked for: the setting, a part of it, or what it is a part of."""
    if attribute in asked:
        return asked[attribute].source()
    parts = attribute.split(".")
    for length in range(len(parts) - 1, 0, -1):
        around = ".".join(parts[:length])
        if around in asked:
            value, rest = asked[around], ".".join(parts[length:])
            known = isinstance(value.data, dict) and rest in value.data
            return value.source(rest) if known else value.source()
    return next(value.source() for name, value in asked.items() if _within(name, attribute))


def _within(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _is_object(value: JSON | Missing) -> bool:
    return isinstance(value, dict) and is_record(value)


def _class(value: JSON | Missing) -> tuple[JSON, JSON]:
    assert isinstance(value, dict)
    return value.get("class_name"), value.get("registered_name")


def _short(value: JSON | Missing) -> JSON | Missing:
    return MISSING if value is MISSING else shorten(value)
