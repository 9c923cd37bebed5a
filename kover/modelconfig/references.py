"""What a config refers to, and whether loading a model may touch it: kover's own allow-list.

Keras keeps a list of what a config may *not* name; anything else that it exports can be called by a
crafted file while it is loaded. Here it is the other way round: only what models are made of may be
named. Only names are looked at; nothing is imported, decoded or opened.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from kover.modelconfig.records import keras_package
from kover.values import JSON

Danger = Literal["code", "outside", "foreign"]

_CLASS_PACKAGES = frozenset({
    "constraints", "dtype_policies", "engine", "initializers", "layers", "legacy", "losses",
    "metrics", "mixed_precision", "models", "ops", "optimizers", "quantizers", "random",
    "regularizers",
})  # fmt: skip
_FUNCTION_PACKAGES = frozenset({
    "activations", "constraints", "initializers", "losses", "metrics", "ops", "regularizers",
})  # fmt: skip
_AT_THE_TOP = frozenset({
    "DTypePolicy", "FloatDTypePolicy", "Functional", "Initializer", "InputSpec", "KerasTensor",
    "Layer", "Model", "Operation", "Quantizer", "Regularizer", "Sequential", "Variable",
})  # fmt: skip
_NO_OBJECTS = frozenset({"deserialize", "get", "serialize"})  # make objects out of what they get
_APPLICATION_LAYERS = frozenset({"CustomScaleLayer", "LayerScale", "StochasticDepth"})
_UTILS = frozenset({"Cross", "Feature", "FeatureSpace"})  # all that `keras.utils` has for models
_CODE = {
    "__lambda__": "Python code",
    "Lambda": "Python code",
    "TFSMLayer": "a SavedModel outside the archive, which is run",
    "TorchModuleWrapper": "a pickled PyTorch module, which is run",
}
_DATA = frozenset({"__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__",
                   "__tensor__", "__tuple__", "__typespec__"})  # fmt: skip
_IMPORTED_BY_NAME = frozenset({"keras_cv", "keras_hub", "keras_nlp"})  # by Keras, if installed
_FILES = frozenset({"vocabulary", "idf_weights"})  # lists are values, strings name a file


@dataclass(frozen=True)
class Reference:
    """Something in a config that loading would run, open or import.

    Attributes:
        pointer: where it stands in `config.json`.
        name: what is named: `Lambda`, `keras.utils.get_file`.
        danger: it holds `code`, names something `outside` the archive, or is `foreign`: neither
            part of a model in Keras nor a custom object.
        why: for people.
    """

    pointer: tuple[str | int, ...]
    name: str
    danger: Danger
    why: str


def dangerous_references(config: Mapping[str, JSON]) -> tuple[Reference, ...]:
    """Everything in `config` that loading should not touch, in the config's order."""
    found: list[Reference] = []
    pending: list[tuple[tuple[str | int, ...], dict[str, JSON] | list[JSON]]] = [((), dict(config))]
    while pending:
        pointer, value = pending.pop()
        if isinstance(value, dict):
            if "class_name" in value or not _FILES.isdisjoint(value):
                found.extend(_judged(value, pointer))
            steps: Iterable[tuple[str | int, JSON]] = value.items()
        else:
            steps = enumerate(value)
        inside = [
            ((*pointer, step), item) for step, item in steps if isinstance(item, (dict, list))
        ]
        pending.extend(reversed(inside))
    return tuple(found)


def _judged(record: Mapping[str, JSON], pointer: tuple[str | int, ...]) -> Iterator[Reference]:
    for key in _FILES:
        if isinstance(record.get(key), str):
            why = "it names a file or address, which would be opened"
            yield Reference((*pointer, key), key, "outside", why)
    name = record.get("class_name")
    if not isinstance(name, str) or "config" not in record:
        return
    if name in _CODE and _is_kerasish(record):
        yield Reference(pointer, name, "code", f"it holds {_CODE[name]}")
    elif name in _DATA:
        return
    elif name.startswith("__"):
        yield Reference(pointer, name, "foreign", "it is no kind of value that kover knows")
    else:
        named = str(record["config"]) if name == "function" else name
        if not _is_allowed(record, named, is_function=name == "function"):
            full = f"{record.get('module')}.{named}"
            yield Reference(pointer, full, "foreign", "no model is made of it")


def _is_kerasish(record: Mapping[str, JSON]) -> bool:
    """Whether Keras may take the record for its own class of that name."""
    return record.get("module") is None or keras_package(record.get("module")) is not None


def _is_allowed(record: Mapping[str, JSON], name: str, *, is_function: bool) -> bool:
    """Keras' own building blocks; and custom objects, which Keras takes from its registry only."""
    package = keras_package(record.get("module"))
    if package is None:
        return _may_be_custom(record, name, is_function=is_function)
    if is_function:
        return package in _FUNCTION_PACKAGES and _is_plain_function(name)
    if package in ("", "applications", "utils"):
        return name in {"": _AT_THE_TOP, "applications": _APPLICATION_LAYERS}.get(package, _UTILS)
    return package in _CLASS_PACKAGES and name[:1].isupper()


def _may_be_custom(record: Mapping[str, JSON], name: str, *, is_function: bool) -> bool:
    """Whether a custom object may be meant, or a built-in that old Keras knows by name alone.

    Nobody's layers are in Python's own library, nor called as what is built into Python.
    """
    module = record.get("module")
    package = module.split(".")[0] if isinstance(module, str) else "builtins"
    if package in _IMPORTED_BY_NAME:
        return False
    if package != "builtins":
        return package not in sys.stdlib_module_names
    return not (is_function and hasattr(builtins, name))


def _is_plain_function(name: str) -> bool:
    return name.isidentifier() and name[0] != "_" and name not in _NO_OBJECTS
