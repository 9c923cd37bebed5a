"""Exact edits of one record -> the attribute changes that mean something.

Decides what is noise: object ids, float32 digits, where a class lives inside Keras, names that
Keras made up for optimizers and metrics, build shapes that one side does not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from kover.diffing.model_diff import AttributeChange, RecordEdit
from kover.diffing.own_records import (
    WIRING,
    Record,
    entries,
    is_tensor_reference,
    without_references,
)
from kover.diffing.pairing import is_made_up
from kover.modelconfig.keras_values import shorten
from kover.modelconfig.records import is_record, keras_package
from kover.values import JSON, MISSING, Missing, as_mapping, same

_NEVER = frozenset({("shared_object_id",), ("name",), ("compile_config",)})


def edits_between(before: Record, after: Record) -> tuple[RecordEdit, ...]:
    """Every part of a record that is not exactly the same."""
    ones, others = entries(before), entries(after)
    return tuple(
        RecordEdit(pointer, ones.get(pointer, MISSING), others.get(pointer, MISSING))
        for pointer in dict.fromkeys((*ones, *others))
        if not exactly(ones.get(pointer, MISSING), others.get(pointer, MISSING))
    )


def exactly(one: JSON | Missing, other: JSON | Missing) -> bool:
    """Whether two values are written the same: `1`, `1.0` and `true` are three values."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        others = cast("dict[str, JSON]", other)
        return one.keys() == others.keys() and all(exactly(one[k], others[k]) for k in one)
    if isinstance(one, list):
        items = cast("list[JSON]", other)
        return len(one) == len(items) and all(map(exactly, one, items))
    if isinstance(one, float):
        return repr(one) == repr(other)
    return one == other


def changes_in(
    edits: Iterable[RecordEdit], before: Record, after: Record
) -> tuple[AttributeChange, ...]:
    """The edits that mean something, as attributes in short form."""
    found: list[AttributeChange] = []
    for edit in edits:
        if edit.pointer == ("build_config",):
            found += _build_changes(edit)
        elif (change := _change(edit, before, after)) is not None:
            found.append(change)
    return tuple(found)


def _change(edit: RecordEdit, before: Record, after: Record) -> AttributeChange | None:
    if edit.pointer in _NEVER:
        return None
    if edit.pointer == ("module",) and _both_keras(edit):
        return None
    if edit.pointer == ("registered_name",) and _says_the_same(before, after):
        return None
    attribute = ".".join(str(step) for step in edit.pointer[-1:])
    if edit.pointer in WIRING:
        return attribute_change(attribute, tensors(edit.before), tensors(edit.after))
    holds_layers = _holds_layers(edit.before) or _holds_layers(edit.after)
    return attribute_change(
        attribute, _short(edit.before, holds_layers), _short(edit.after, holds_layers)
    )


def attribute_change(
    attribute: str, before: JSON | Missing, after: JSON | Missing
) -> AttributeChange | None:
    """The change, or None where both mean the same.

    An object that says what its class would take by itself is one that does not say it: other
    versions of Keras write other settings out.
    """
    if same(before, after):
        return None
    if isinstance(before, dict) or isinstance(after, dict):
        from kover.catalogue.compact import compact

        if same(compact(before, names=True), compact(after, names=True)):
            return None
    return AttributeChange(attribute, before, after)


def _holds_layers(value: JSON | Missing) -> bool:
    return without_references(value) != value


def _short(value: JSON | Missing, holds_layers: bool) -> JSON | Missing:
    """The short form without layers, which have paths of their own."""
    held = without_references(value)
    if isinstance(held, Missing) or (holds_layers and held in ([], {})):
        return MISSING
    return shorten(held)


def _both_keras(edit: RecordEdit) -> bool:
    return (
        not isinstance(edit.before, Missing)
        and not isinstance(edit.after, Missing)
        and (keras_package(edit.before) is not None and keras_package(edit.after) is not None)
    )


def _says_the_same(before: Record, after: Record) -> bool:
    """A registered name that repeats the class name, or none at all."""
    return _registered(before) == _registered(after)


def _registered(record: Record) -> JSON:
    return record.get("registered_name") or record.get("class_name")


def _build_changes(edit: RecordEdit) -> list[AttributeChange]:
    """Shapes that both sides tell, and tell differently."""
    before, after = as_mapping(edit.before), as_mapping(edit.after)
    return [
        AttributeChange(f"build_config.{key}", shorten(before[key]), shorten(after[key]))
        for key in before
        if key in after and not same(before[key], after[key])
    ]


def tensors(value: JSON | Missing) -> JSON | Missing:
    """Tensor references in short form: the name of the layer that makes each of them.

    `inbound_nodes` of a layer that is called once is the list of its producers; where the
    calls take more than tensors, each call is shown with its arguments.
    """
    if isinstance(value, Missing):
        return MISSING
    short = _tensor_names(value)
    calls = short if isinstance(short, list) else None
    if not calls or not all(isinstance(call, (dict, list)) for call in calls):
        return short
    plain = [_plain_call(call) for call in calls]
    if any(call is None for call in plain):
        return short
    return plain[0] if len(plain) == 1 else cast(JSON, plain)


def _plain_call(call: JSON) -> list[JSON] | None:
    """The producers of one call, None where it has other arguments as well.

    An argument that is none, such as a mask, is as good as one that is not there.
    """
    if isinstance(call, dict):
        kwargs = call.get("kwargs") or {}
        if not isinstance(kwargs, dict) or any(value is not None for value in kwargs.values()):
            return None
        if set(call) - {"args", "kwargs"}:
            return None
        call = call.get("args")
    names = _flat(call)
    return names if all(isinstance(name, str) for name in names) else None


def _flat(value: JSON) -> list[JSON]:
    if not isinstance(value, list):
        return [value]
    return [name for item in value for name in _flat(item)]


def _tensor_names(value: JSON) -> JSON:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return _tensor_names(as_mapping(value.get("config")).get("keras_history"))
        if is_record(value):
            return shorten(value)
        return {key: _tensor_names(item) for key, item in value.items() if item != {}}
    if is_tensor_reference(value):
        name, node, tensor, *rest = cast("list[JSON]", value)
        tail = "" if (node, tensor) == (0, 0) else f"[{node}][{tensor}]"
        arguments = [item for item in rest if item != {}]
        return [f"{name}{tail}", *map(_tensor_names, arguments)] if arguments else f"{name}{tail}"
    if isinstance(value, list):
        return [_tensor_names(item) for item in value]
    return value


def without_made_up_names(value: JSON) -> JSON:
    """Serialised objects without names that Keras made up (`adam_1`): those are noise."""
    if isinstance(value, list):
        return [without_made_up_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    result: dict[str, JSON] = {key: without_made_up_names(item) for key, item in value.items()}
    config = as_mapping(result.get("config"))
    name = config.get("name")
    if is_record(value) and isinstance(name, str) and is_made_up(name, str(value["class_name"])):
        result["config"] = {key: item for key, item in config.items() if key != "name"}
    return result


def mapping_changes(
    before: Mapping[str, JSON], after: Mapping[str, JSON], prefix: str = ""
) -> tuple[AttributeChange, ...]:
    """The entries of two mappings of short values that differ."""
    found = (
        attribute_change(f"{prefix}{key}", before.get(key, MISSING), after.get(key, MISSING))
        for key in dict.fromkeys((*before, *after))
    )
    return tuple(change for change in found if change is not None)
