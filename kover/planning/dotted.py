"""Attributes that reach into nested objects: `kernel_regularizer.l2`.

A step into a serialised object goes into its `config`; a step into plain data is a key.
"""

from __future__ import annotations

from collections.abc import Mapping

from kover.modelconfig.keras_values import is_record
from kover.values import JSON, MISSING, Missing


def split_attribute(config: Mapping[str, JSON], attribute: str) -> tuple[str, ...]:
    """The steps of an attribute; a key of the config that has dots in it is one step."""
    return (attribute,) if attribute in config else tuple(attribute.split("."))


def attribute_value(config: Mapping[str, JSON], attribute: str) -> JSON | Missing:
    """What a layer's config holds under an attribute, or MISSING."""
    first, *rest = split_attribute(config, attribute)
    value: JSON | Missing = config.get(first, MISSING)
    for step in rest:
        value = inside(value).get(step, MISSING)
    return value


def inside(value: JSON | Missing) -> Mapping[str, JSON]:
    """What a dot reaches: the config of a serialised object, the keys of a mapping, or nothing."""
    if not isinstance(value, dict):
        return {}
    if is_record(value):
        config = value["config"]
        return config if isinstance(config, dict) else {}
    return value


def with_inside(value: dict[str, JSON], new: Mapping[str, JSON]) -> dict[str, JSON]:
    """`value` with other insides. An edited copy is an object of its own: it has no id."""
    if not is_record(value):
        return dict(new)
    kept = {key: item for key, item in value.items() if key != "shared_object_id"}
    return {**kept, "config": dict(new)}
