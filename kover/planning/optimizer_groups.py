"""One setting in a `MultiOptimizer`: a default optimizer, and groups that differ from it somehow.

A setting is the default optimizer's, and that of every group which had the default's value of it.
A value of a group's own stays; which groups keep what is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kover.catalogue.compact import compact
from kover.modelconfig.keras_values import is_record, shorten
from kover.modelconfig.optimizers import DEFAULT, MAP
from kover.planning.dotted import inside, with_inside
from kover.planning.layer_classes import record_entry
from kover.planning.meaning import same_meaning
from kover.planning.pattern_words import in_words
from kover.problems import Problem, cut
from kover.spec.document import Setting
from kover.values import JSON, MISSING, Missing, same
from kover.yaml_text import flow

Record = dict[str, JSON]
SetOne = Callable[[Record, Setting, str], tuple[str, Record | list[Problem]]]

_LISTED = 4
_OWN = ("loss_scale_factor", "name")


@dataclass(frozen=True)
class GroupsEdit:
    """What a setting made of a `MultiOptimizer`.

    Attributes:
        record: the new one.
        asked: what was set, as a plan calls it.
        problems: with errors, the rest is not to be used.
    """

    record: Record
    asked: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def is_multi_optimizer(record: Mapping[str, JSON]) -> bool:
    """Whether the record is of Keras' `MultiOptimizer`."""
    return record.get("class_name") == "MultiOptimizer"


def default_of(record: Mapping[str, JSON]) -> Record | None:
    """The default optimizer of a `MultiOptimizer`; None where a function chooses."""
    default = inside(inside({**record}).get(MAP)).get(DEFAULT)
    return default if isinstance(default, dict) and is_record(default) else None


def groups_of(record: Mapping[str, JSON]) -> dict[str, Record]:
    """The optimizers of a `MultiOptimizer` by their patterns, without the default one."""
    groups = inside(inside({**record}).get(MAP)).get(MAP)
    held = groups if isinstance(groups, dict) else {}
    return {
        pattern: group
        for pattern, group in held.items()
        if isinstance(group, dict) and is_record(group)
    }


def set_in_groups(record: Record, setting: Setting, where: str, set_one: SetOne) -> GroupsEdit:
    """The setting in the default optimizer, and in the groups that are like it there.

    Args:
        record: a `MultiOptimizer`; its learning rates are those that count.
        setting: to set.
        where: what a plan calls the record.
        set_one: sets it in one optimizer.
    """
    key, _, rest = setting.attribute.partition(".")
    if key in _OWN:
        return _done(*set_one(record, setting, where), record)
    default, groups = default_of(record), groups_of(record)
    if default is None:
        return GroupsEdit(record, problems=(_chosen_by_a_function(setting),))
    path, edited = set_one(default, setting, f"{where}.{MAP}.{DEFAULT}")
    if isinstance(edited, list):
        return GroupsEdit(record, problems=_refused(edited, default, groups, setting))
    steps = (key, *filter(None, rest.split(".")))
    asked, kept = [path], dict[str, JSON]()
    for pattern, group in groups.items():
        own = _value(group, steps)
        if own is MISSING:
            if len(steps) > 1 and (whole := _value(group, steps[:1])) is not MISSING:
                kept[pattern] = whole
        elif not _alike(default, group, steps):
            if not _has(group, steps, setting):
                kept[pattern] = own
        else:
            path, new = set_one(group, setting, f"{where}.{MAP}.{MAP}.{pattern}")
            if isinstance(new, list):
                return GroupsEdit(record, problems=tuple(new))
            groups[pattern] = _still_shared(group, new)
            asked.append(path)
    new_record = with_groups(record, _still_shared(default, edited), groups)
    return GroupsEdit(new_record, tuple(asked), tuple(_keep_their_own(kept, setting)))


def with_groups(record: Record, default: Record, groups: Mapping[str, Record]) -> Record:
    """A `MultiOptimizer` with other optimizers in it."""
    map_ = inside(record).get(MAP)
    assert isinstance(map_, dict)
    held = inside(map_)
    new = with_inside(map_, {**held, DEFAULT: default, MAP: dict(groups)})
    return with_inside(record, {**inside(record), MAP: new})


def without_joined(record: Record, before: Record) -> tuple[Record, tuple[str, ...]]:
    """The optimizer without the groups that have come to be like the default optimizer.

    Groups that were like it from the start stay: somebody wanted them.

    Returns:
        What is left, which is the default optimizer alone where no group is, and the patterns
        of those that are gone.
    """
    default, groups = default_of(record), groups_of(record)
    old_default, old_groups = default_of(before), groups_of(before)
    if default is None or old_default is None:
        return record, ()
    joined = tuple(
        pattern
        for pattern, group in groups.items()
        if _is_like(group, default)
        and pattern in old_groups
        and not _is_like(old_groups[pattern], old_default)
    )
    left = {pattern: group for pattern, group in groups.items() if pattern not in joined}
    if not joined:
        return record, ()
    return (with_groups(record, default, left) if left else default), joined


def _is_like(one: Record, other: Record) -> bool:
    """Whether two optimizers differ in their names at most."""
    if one.get("class_name") != other.get("class_name"):
        return False
    own, others = ({**inside(each), "name": None} for each in (one, other))
    return same_meaning(with_inside(one, own), with_inside(other, others))


def _done(path: str, edited: Record | list[Problem], record: Record) -> GroupsEdit:
    if isinstance(edited, list):
        return GroupsEdit(record, problems=tuple(edited))
    return GroupsEdit(edited, (path,))


def _still_shared(old: Record, new: Record) -> Record:
    """What was one optimizer under several patterns is edited alike, and stays one."""
    number = old.get("shared_object_id")
    return new if number is None else {**new, "shared_object_id": number}


def _value(record: Record, steps: tuple[str, ...]) -> JSON | Missing:
    """What an optimizer has there, its class's default included; MISSING where it has no such."""
    found: JSON | Missing = record
    for step in steps:
        if not isinstance(found, dict):
            return MISSING
        entry = record_entry(found) if is_record(found) else None
        argument = entry.arguments.get(step) if entry is not None else None
        found = inside(found).get(step, argument.default if argument is not None else MISSING)
    return found


def _alike(one: Record, other: Record, steps: tuple[str, ...]) -> bool:
    """Whether two optimizers have the same there, within objects of the same class."""
    for length in range(1, len(steps)):
        objects = [_value(each, steps[:length]) for each in (one, other)]
        classes = [item.get("class_name") if isinstance(item, dict) else None for item in objects]
        if classes[0] != classes[1]:
            return False
    entry = record_entry(one)
    argument = entry.arguments.get(steps[0]) if entry is not None and len(steps) == 1 else None
    return same_meaning(_value(one, steps), _value(other, steps), argument)


def _has(group: Record, steps: tuple[str, ...], setting: Setting) -> bool:
    """Whether the group has what is asked for, so that there is nothing to be told of it."""
    wanted = setting.data
    own = _value(group, steps)
    return wanted is not MISSING and own is not MISSING and same(shorten(own), wanted)


def _keep_their_own(kept: Mapping[str, JSON], setting: Setting) -> Iterator[Problem]:
    if not kept:
        return
    listed = "; ".join(
        f"{in_words(pattern)}: {_shown(value)}" for pattern, value in list(kept.items())[:_LISTED]
    )
    more = f"; and {len(kept) - _LISTED} more" if len(kept) > _LISTED else ""
    count = "1 group" if len(kept) == 1 else f"{len(kept)} groups"
    key = setting.attribute.partition(".")[0]
    if key in ("learning_rate", "weight_decay"):
        help = f"give them another in `overrides`: `{{layers: …, {key}: …}}`"
    else:
        help = "to change them all, replace the optimizer (`class: …`); rates go in `overrides`"
    yield Problem(
        "groups-keep-their-own",
        f"{count} of variables keep{'s' if len(kept) == 1 else ''} a '{key}' that was not the "
        f"default optimizer's: {listed}{more}",
        setting.key_source,
        help,
        "warning",
    )


def _shown(value: JSON) -> str:
    try:
        return cut(flow(compact(shorten(value))))
    except (ValueError, TypeError):
        return "…"


def _refused(
    problems: list[Problem], default: Record, groups: Mapping[str, Record], setting: Setting
) -> tuple[Problem, ...]:
    """What is wrong; where groups have a setting that the default lacks, that is the problem."""
    key = setting.attribute.partition(".")[0]
    having = [pattern for pattern, group in groups.items() if _value(group, (key,)) is not MISSING]
    if _value(default, (key,)) is not MISSING or not having:
        return tuple(problems)
    names = sorted({str(groups[pattern].get("class_name")) for pattern in having})
    return (
        Problem(
            "several-optimizers",
            f"the default optimizer ({default.get('class_name')}) of the MultiOptimizer has no "
            f"'{key}', and a group's own ({', '.join(names)}) cannot be named in a spec",
            setting.key_source,
            "replace the optimizer (`optimizer: {class: Adam, …}`), and give rates in `overrides`",
        ),
    )


def _chosen_by_a_function(setting: Setting) -> Problem:
    return Problem(
        "several-optimizers",
        "the model has a MultiOptimizer whose optimizers are chosen by a function: the file does "
        "not say what they are",
        setting.key_source,
        "replace it (`optimizer: {class: Adam, …}`), and give per-layer rates in `overrides`",
    )
