"""The optimizers that an optimizer's record holds, and where each keeps its variables.

A `LossScaleOptimizer` is around one optimizer, a `MultiOptimizer` around several, by patterns; the
first may be around the second. Source: keras 3.15 `optimizers.loss_scale_optimizer`,
`optimizers.multi_optimizer`, and `saving.saving_lib._save_container_state` for the groups' names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kover.modelconfig.naming import UniqueNames, to_snake_case
from kover.modelconfig.records import is_record
from kover.values import JSON, as_mapping

ROOT = "optimizer"
INNER = "inner_optimizer"
MAP = "optimizer_map"
DEFAULT = "default_optimizer"


@dataclass(frozen=True)
class StoredOptimizer:
    """One optimizer of the archive: its record in the config and its group in the weights file.

    `place` is where the record is within the optimizer's: () for the optimizer itself.
    """

    place: tuple[str, ...]
    record: Mapping[str, JSON]
    group: str

    @property
    def attribute(self) -> str:
        """What a spec's plan and a diff call it: `optimizer.optimizer_map.default_optimizer`."""
        return attribute_at(self.place)

    @property
    def is_around_others(self) -> bool:
        """Whether it leaves the work to optimizers inside it."""
        config = as_mapping(self.record.get("config"))
        return isinstance(config.get(INNER), dict) or isinstance(config.get(MAP), dict)


def attribute_at(place: tuple[str, ...]) -> str:
    """The name of the record at a place within the optimizer's record."""
    steps: list[str] = [ROOT]
    for step in place:
        if step != "config" or steps[-2:] == [MAP, MAP]:
            steps.append(step)
    return ".".join(steps)


def stored_optimizers(optimizer: JSON) -> Iterator[StoredOptimizer]:
    """The optimizer and those inside it, outermost first."""
    if isinstance(optimizer, dict) and is_record(optimizer):
        yield from _within(StoredOptimizer((), optimizer, ROOT))


def _within(outer: StoredOptimizer) -> Iterator[StoredOptimizer]:
    yield outer
    config = as_mapping(outer.record["config"])
    inner = config.get(INNER)
    if isinstance(inner, dict) and is_record(inner):
        place = (*outer.place, "config", INNER)
        yield from _within(StoredOptimizer(place, inner, f"{outer.group}/{INNER}"))
    yield from _in_map(outer, config)


def _in_map(outer: StoredOptimizer, config: Mapping[str, JSON]) -> Iterator[StoredOptimizer]:
    """A `MultiOptimizer`'s inner ones, in the order in which it lists and stores them.

    One that stands under several patterns is stored once.
    """
    place = (*outer.place, "config", MAP, "config")
    held = as_mapping(as_mapping(config.get(MAP)).get("config"))
    records = [
        ((*place, MAP, pattern), record) for pattern, record in as_mapping(held.get(MAP)).items()
    ]
    names, shared = UniqueNames(), dict[JSON, str]()
    for where, record in (*records, ((*place, DEFAULT), held.get(DEFAULT))):
        if not isinstance(record, dict):
            continue
        number = record.get("shared_object_id")
        group = shared.get(number) if number is not None else None
        if group is None:
            name = names.next(to_snake_case(str(record.get("class_name"))))
            group = f"{outer.group}/optimizers/{name}"
            if number is not None:
                shared[number] = group
        yield StoredOptimizer(where, record, group)


def multi_optimizer_place(optimizer: JSON) -> tuple[str, ...] | None:
    """Where the `MultiOptimizer` is: () for the optimizer itself; None without one."""
    for each in stored_optimizers(optimizer):
        if each.record.get("class_name") == "MultiOptimizer":
            return each.place
    return None


def record_at(optimizer: JSON, place: tuple[str, ...]) -> JSON:
    """The record at a place within the optimizer's."""
    for step in place:
        optimizer = as_mapping(optimizer).get(step)
    return optimizer


def replaced_at(optimizer: JSON, place: tuple[str, ...], new: JSON) -> JSON:
    """The optimizer's record with another value at a place; those on the way are copies."""
    if not place:
        return new
    holder = dict(as_mapping(optimizer))
    return {**holder, place[0]: replaced_at(holder.get(place[0]), place[1:], new)}


def with_learning_rates(optimizer: JSON, rates: Mapping[str, float]) -> JSON:
    """The optimizer's record with other learning rates, by what `attribute` calls the optimizers.

    One that has a schedule, or no rate, keeps that.
    """
    for each in stored_optimizers(optimizer):
        rate = as_mapping(each.record.get("config")).get("learning_rate")
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            continue
        if each.attribute in rates:
            place = (*each.place, "config", "learning_rate")
            optimizer = replaced_at(optimizer, place, rates[each.attribute])
    return optimizer
