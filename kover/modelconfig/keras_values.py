"""Keras' serialised objects in short form, for people and for comparison.

`{"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.01}, ...}` is
`{"class": "L2", "l2": 0.01}`; an object without settings is its name alone (`"relu"`). Noise is
left out: object ids, unset seeds, the last digits of float32 numbers, a Lambda's code.
"""

from __future__ import annotations

import hashlib
import json

from kover.modelconfig.records import is_marker, is_record, keras_package
from kover.values import JSON, normal

__all__ = ["is_record", "shorten"]

_POLICIES = frozenset({"DTypePolicy", "Policy", "FloatDTypePolicy"})
_DEEPEST = 120


def shorten(value: JSON) -> JSON:
    """`value` with every serialised Keras object in it in short form.

    What has not the shape of a serialised object is left as it is. Never raises.
    """
    return _shorten(value, _DEEPEST)


def _shorten(value: JSON, depth: int) -> JSON:
    if depth == 0:
        return value
    if isinstance(value, list):
        return [_shorten(item, depth - 1) for item in value]
    if not isinstance(value, dict):
        return normal(value)
    if is_record(value):
        return _short_record(value, depth)
    return {key: _shorten(item, depth - 1) for key, item in value.items()}


def _short_record(record: dict[str, JSON], depth: int) -> JSON:
    class_name, config = str(record["class_name"]), record["config"]
    if is_marker(class_name):
        return _short_marker(class_name, config, depth)
    if class_name == "function" and isinstance(config, str):
        return config
    if config is None:
        config = {}
    if not isinstance(config, dict) or "class" in config:
        known = {key: item for key, item in record.items() if key != "shared_object_id"}
        return {key: _shorten(item, depth - 1) for key, item in known.items()}
    if class_name in _POLICIES and isinstance(config.get("name"), str) and len(config) == 1:
        return config["name"]
    unset = {"seed"} if _is_initializer(record) else set()
    settings: dict[str, JSON] = {
        key: _shorten(item, depth - 1)
        for key, item in config.items()
        if not (key in unset and item is None)
    }
    name = _identifier(record, class_name)
    return {"class": name, **settings} if settings else name


def _identifier(record: dict[str, JSON], class_name: str) -> str:
    """What a spec calls the class: the registered name of a custom one, else the class name."""
    registered = record.get("registered_name")
    if isinstance(registered, str) and registered and not _is_keras(record):
        return registered
    return class_name


def _is_keras(record: dict[str, JSON]) -> bool:
    return keras_package(record.get("module")) is not None


def _is_initializer(record: dict[str, JSON]) -> bool:
    return keras_package(record.get("module")) == "initializers"


def _short_marker(class_name: str, config: JSON, depth: int) -> JSON:
    """Plain data that JSON has no form for. Code is named by its digest, never shown."""
    if class_name == "__lambda__":
        code = json.dumps(config, sort_keys=True).encode("utf-8", "surrogatepass")
        return {"class": class_name, "sha256": hashlib.sha256(code).hexdigest()}
    short = _shorten(config, depth - 1)
    if isinstance(short, dict) and "class" not in short:
        return {"class": class_name, **short}
    return {"class": class_name, "config": short}
