"""The layers that one layer holds: finding them, naming them, telling them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kover.modelconfig.edit import Pointer
from kover.modelconfig.naming import to_snake_case
from kover.modelconfig.records import is_layer, is_marker, is_record, model_kind
from kover.modelconfig.shapes import Shapes
from kover.problems import Problem
from kover.values import JSON, as_mapping

_WIRING = frozenset({"layers", "input_layers", "output_layers"})


@dataclass(frozen=True, slots=True)
class Held:
    """A layer's record as it was found, before it has a path.

    Attributes:
        record: the layer's record.
        pointer: where it is in `config.json`.
        name: its name, None where neither the record nor its config has one.
        listed: it stands in the `layers` of a Sequential or Functional.
    """

    record: dict[str, JSON]
    pointer: Pointer
    name: str | None
    listed: bool


def held_by(
    record: Mapping[str, JSON], pointer: Pointer, shapes: Shapes, warnings: list[Problem]
) -> list[Held]:
    """The layers that a record's config holds directly, in the order of the config."""
    config = shapes.config(record, pointer)
    inside = (*pointer, "config")
    kind = model_kind(record)
    held: list[Held] = []
    if kind is not None:
        shapes.wiring(config, inside)
        for position, item in enumerate(shapes.layer_list(config, inside)):
            place = (*inside, "layers", position)
            held.append(_listed(item, place, kind == "functional", shapes, warnings))
        config = {key: value for key, value in config.items() if key not in _WIRING}
    for found, place in _layer_records(config, inside):
        name = shapes.name(as_mapping(found["config"]).get("name"), (*place, "config", "name"))
        held.append(Held(found, place, name, listed=False))
    return held


def _listed(
    item: JSON, place: Pointer, functional: bool, shapes: Shapes, warnings: list[Problem]
) -> Held:
    if not isinstance(item, dict):
        raise shapes.broken("a layer is not a mapping", place)
    shapes.class_name(item, place)
    own_name = shapes.name(shapes.config(item, place).get("name"), (*place, "config", "name"))
    if not functional:
        return Held(item, place, own_name, listed=True)
    shapes.inbound_nodes(item, place)
    # keras.src.models.functional.functional_from_config connects layers by the record's name.
    name = shapes.name(item.get("name"), (*place, "name"))
    if name is not None and own_name is not None and name != own_name:
        message = f"the model calls the layer '{name}', its config calls it '{own_name}'"
        warnings.append(shapes.problem("name-mismatch", message, place, "warning"))
    return Held(item, place, name if name is not None else own_name, listed=True)


def _layer_records(
    config: Mapping[str, JSON], pointer: Pointer
) -> Iterator[tuple[dict[str, JSON], Pointer]]:
    """Every outermost layer record within a config, in order, however deep it stands."""
    pending: list[tuple[JSON, Pointer, str]] = []
    for key, value in config.items():
        if isinstance(value, (dict, list)):
            pending.append((value, (*pointer, key), key))
    pending.reverse()
    while pending:
        value, place, key = pending.pop()
        if isinstance(value, dict) and is_record(value):
            if is_layer(value, key):
                yield value, place
                continue
            if is_marker(str(value["class_name"])):
                continue
            value, place = value["config"], (*place, "config")
        below = value.items() if isinstance(value, dict) else enumerate(_as_list(value))
        inner = [(v, (*place, step), key) for step, v in below if isinstance(v, (dict, list))]
        pending.extend(reversed(inner))


def _as_list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def path_parts(
    held: list[Held], inside: Pointer, shapes: Shapes
) -> tuple[list[str], list[Problem]]:
    """One distinct last part of a path for each of some siblings, and what is odd about them.

    Names within a model's `layers` are distinct, as Keras demands; they are never changed.
    Other siblings that share a name all get their place in the config added
    (`dense@heads.0`), so that a path never leads to a layer that was not meant.
    """
    names = _names(held)
    counts = Counter(names)
    parts, problems = [], []
    for one, name in zip(held, names, strict=True):
        part = name
        if counts[name] > 1 and not one.listed:
            steps = one.pointer[len(inside) :]
            part = f"{name}@{'.'.join(map(str, steps))}".replace("/", "|")
            message = f"several layers share the name '{name}'; this one's path ends in '{part}'"
            problems.append(shapes.problem("shared-name", message, one.pointer, "warning"))
        parts.append(part)
    again = {part for part, count in Counter(parts).items() if count > 1}
    for one, part in zip(held, parts, strict=True):
        if part in again:
            message = f"another layer beside it is named '{part}' too"
            problems.append(shapes.problem("duplicate-layer", message, one.pointer))
    return parts, problems


def _names(held: list[Held]) -> list[str]:
    """The siblings' names; a layer without one is numbered as Keras would, by its class."""
    taken = {one.name for one in held}
    numbers: Counter[str] = Counter()
    names = []
    for one in held:
        name = one.name
        while name is None:
            base = to_snake_case(str(one.record["class_name"])) or "layer"
            candidate = f"{base}_{numbers[base]}" if numbers[base] else base
            numbers[base] += 1
            name = None if candidate in taken else candidate
        names.append(name)
    return names
