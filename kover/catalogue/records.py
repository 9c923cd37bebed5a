"""What a serialised record refers to: a name, perhaps its kind, and whether it is Keras' own.

Pure reading of `module`, `class_name`, `config` and `registered_name`, in the forms that
Keras 2.12 to 3.15 write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kover.values import JSON

_KERAS = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")
_PARTS = (
    ("schedules", "schedule"),
    ("learning_rate_schedule", "schedule"),
    ("dtype_policies", "dtype_policy"),
    ("mixed_precision", "dtype_policy"),
    ("layers", "layer"),
    ("engine", "layer"),
    ("models", "layer"),
    ("optimizers", "optimizer"),
    ("losses", "loss"),
    ("metrics", "metric"),
    ("regularizers", "regularizer"),
    ("initializers", "initializer"),
    ("constraints", "constraint"),
    ("activations", "activation"),
)
_TOP_LEVEL = {
    "DTypePolicy": "dtype_policy",
    "FloatDTypePolicy": "dtype_policy",
    "Sequential": "layer",
    "Functional": "layer",
    "Model": "layer",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a class or function of Keras; the kind is None where it does not say."""

    name: str
    kind: str | None
    is_function: bool


def is_record(value: JSON) -> bool:
    """Whether the value is a serialised object: a mapping with class name and config."""
    return (
        isinstance(value, dict) and isinstance(value.get("class_name"), str) and "config" in value
    )


def is_custom_name(name: str) -> bool:
    """Whether a name is that of a registered custom object: `package>name`."""
    return ">" in name


def reference(record: Mapping[str, JSON]) -> Reference | None:
    """What the record refers to, None for a custom object and for what is no record."""
    class_name, module = record.get("class_name"), record.get("module")
    if not isinstance(class_name, str) or not _is_builtin_module(module):
        return None
    is_function = class_name == "function"
    name = record.get("config") if is_function else class_name
    registered = record.get("registered_name")
    if not isinstance(name, str) or registered not in (None, name, class_name):
        return None
    return Reference(name, _kind(module, name), is_function)


def _is_builtin_module(module: JSON) -> bool:
    if module in (None, "builtins"):  # not a set: a config may hold a list here
        return True
    return isinstance(module, str) and any(
        module == root or module.startswith(f"{root}.") for root in _KERAS
    )


def _kind(module: JSON, name: str) -> str | None:
    if not isinstance(module, str) or module == "builtins":
        return None
    parts = module.split(".")
    for part, kind in _PARTS:
        if part in parts:
            return kind
    return _TOP_LEVEL.get(name)
