"""Which records in a config are layers, and which of those are models.

A record is what `keras.saving.serialize_keras_object` writes: `class_name` and `config`, mostly
with `module` and `registered_name`. Optimizers, initializers, dtype policies, losses, metrics and
functions are records too. Keras' own are told apart by module, custom ones by structure.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from kover.values import JSON, as_mapping

ModelKind = Literal["functional", "sequential"]

_KERAS = frozenset({"keras", "tf_keras", "keras_core"})
_INTERNAL = frozenset({"src", "api", "_tf_keras", "keras"})
# keras.applications has layers of its own: ConvNeXt's LayerScale, InceptionResNetV2's scaling.
_LAYER_PACKAGES = frozenset({"layers", "models", "engine", "applications"})
_MODELS = frozenset({"Functional", "Model", "Sequential"})
_OTHER_LAYERS = frozenset({"FeatureSpace"})  # keras.utils.FeatureSpace is a layer
_FEATURE_SPACE_PARTS = frozenset({"Feature", "Cross"})
_HOLDER_KEYS = frozenset({"layer", "layers", "cell", "cells", "forward_layer", "backward_layer"})
_WIRING = ("layers", "input_layers", "output_layers")


def is_record(value: JSON) -> bool:
    """Whether Keras would read `value` as a serialised object."""
    return (
        isinstance(value, dict) and isinstance(value.get("class_name"), str) and "config" in value
    )


def is_marker(class_name: str) -> bool:
    """Whether the record stands for plain data: `__tensor__`, `__lambda__`, `__keras_tensor__`."""
    return class_name.startswith("__") and class_name.endswith("__")


def keras_package(module: JSON) -> str | None:
    """The Keras package a module belongs to: `layers`, `optimizers`, ... or None if not Keras.

    Internal paths count as well (`keras.src.engine.functional` gives `engine`). For what Keras
    exports at its top (`keras.Sequential`) it is ``.
    """
    return _package(module) if isinstance(module, str) else None


@lru_cache(maxsize=1024)
def _package(module: str) -> str | None:
    first, *rest = module.removeprefix("tensorflow.").split(".")
    if first not in _KERAS:
        return None
    while rest and rest[0] in _INTERNAL:
        rest = rest[1:]
    if rest[:1] == ["backend"] and rest[2:3] == ["optimizers"]:  # PyTorch's own
        rest = rest[2:]
    return rest[0] if rest else ""


def is_layer(record: Mapping[str, JSON], key: str | None = None) -> bool:
    """Whether a record found somewhere in a config is a layer.

    Args:
        record: a value for which `is_record` holds.
        key: the key of the holding layer's config under which it was found.
    """
    class_name, config = record["class_name"], record["config"]
    if not isinstance(class_name, str) or is_marker(class_name) or class_name == "function":
        return False
    if config is not None and not isinstance(config, dict):
        return False
    package = keras_package(record.get("module"))
    if package is None:
        return _looks_like_layer(record, as_mapping(config), key)
    if package == "":
        return class_name in _MODELS or class_name == "Layer"
    if class_name in _OTHER_LAYERS:
        return True
    return package in _LAYER_PACKAGES and class_name not in _FEATURE_SPACE_PARTS


def is_operation(record: Mapping[str, JSON]) -> bool:
    """Whether an item of a Functional's `layers` is one of Keras' operations, not a layer."""
    package = keras_package(record.get("module"))
    if package is None or package in _LAYER_PACKAGES or package == "":
        return False
    return record.get("class_name") not in _OTHER_LAYERS


def _looks_like_layer(
    record: Mapping[str, JSON], config: Mapping[str, JSON], key: str | None
) -> bool:
    """Custom classes, and records of the old form, which names no module.

    Every layer's base config has `name` and `trainable`; of custom metrics, losses and optimizers
    none has both. Only layers have a build config.
    """
    if "build_config" in record or key in _HOLDER_KEYS:
        return True
    return "name" in config and "trainable" in config


def model_kind(record: Mapping[str, JSON]) -> ModelKind | None:
    """How Keras keeps the record's layers, or None if it does not keep them in `layers`.

    A custom subclass counts by its config: what Functional or Sequential write there.
    """
    config = as_mapping(record.get("config"))
    if all(key in config for key in _WIRING):
        return "functional"
    package = keras_package(record.get("module"))
    old_form = record.get("module") is None and not record.get("registered_name")
    if package is not None or old_form:
        if record.get("class_name") == "Functional":
            return "functional"
        if record.get("class_name") == "Sequential":
            return "sequential"
    if "build_input_shape" in config and isinstance(config.get("layers"), list):
        return "sequential"
    return None


def is_model(record: Mapping[str, JSON]) -> bool:
    """Whether the record is a model: it keeps layers as models do, or can be compiled."""
    if model_kind(record) or "compile_config" in record:
        return True
    return keras_package(record.get("module")) is not None and record.get("class_name") in _MODELS
