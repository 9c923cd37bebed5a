"""When two values of an attribute mean the same to Keras.

`l2`, `{class: L2, l2: 0.01}` and the record that Keras writes for both are one value; for a
kernel's size `3` is `[3, 3]`; a setting that has its class's default may as well be left out.
"""

from __future__ import annotations

from kover.catalogue import Argument
from kover.catalogue.values import expand
from kover.modelconfig.keras_values import is_record, shorten
from kover.planning.layer_classes import record_entry
from kover.values import JSON, MISSING, Missing, same

_DEEPEST = 100


def fulfils(actual: JSON | Missing, wanted: JSON, argument: Argument | None) -> bool:
    """Whether an attribute has the value wanted, or one of them if `wanted` is a list."""
    if actual is MISSING:
        return False
    if holds(actual, wanted, argument):
        return True
    return isinstance(wanted, list) and any(holds(actual, choice, argument) for choice in wanted)


def holds(actual: JSON | Missing, wanted: JSON | Missing, argument: Argument | None) -> bool:
    """Whether an attribute has exactly this value; `3` also stands for Keras' `[3, 3]`."""
    if same_meaning(actual, wanted, argument):
        return True
    if not isinstance(actual, list) or not actual or not _is_number(wanted):
        return False
    return all(same(item, wanted) for item in actual)


def same_meaning(
    one: JSON | Missing, other: JSON | Missing, argument: Argument | None = None
) -> bool:
    """Whether two values, each in Keras' form or in short form, make no difference to Keras."""
    if one is MISSING or other is MISSING:
        return one is other
    if same(one, other):
        return True
    return same(_normal(one, argument), _normal(other, argument))


def same_as_default(value: JSON | Missing, argument: Argument | None) -> bool:
    """Whether the class would take the value by itself."""
    if argument is None or argument.required or value is MISSING:
        return False
    return same_meaning(value, argument.default, argument)


def _normal(value: JSON, argument: Argument | None) -> JSON:
    if argument is not None and not is_record(value):
        value = expand(argument, value)
    return shorten(_without_defaults(value, _DEEPEST))


def _without_defaults(value: JSON, depth: int) -> JSON:
    """Serialised objects without the settings that have their class's default."""
    if depth == 0 or not isinstance(value, (list, dict)):
        return value
    if isinstance(value, list):
        return [_without_defaults(item, depth - 1) for item in value]
    reduced = {key: _without_defaults(item, depth - 1) for key, item in value.items()}
    config = reduced.get("config")
    entry = record_entry(reduced) if isinstance(config, dict) and is_record(reduced) else None
    if entry is None or not isinstance(config, dict):
        return reduced
    kept = {
        key: item for key, item in config.items() if not _is_default(item, entry.arguments.get(key))
    }
    return {**reduced, "config": kept}


def _is_default(value: JSON, argument: Argument | None) -> bool:
    if argument is None or argument.required or argument.default is MISSING:
        return False
    return same(value, argument.default)


def _is_number(value: JSON | Missing) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
