"""One line of keras.json for each public class or function."""

from __future__ import annotations

import inspect
import struct
from typing import Any

from catalogue_making.domains import domain
from catalogue_making.instances import Instance, constructible
from catalogue_making.knowledge import EVERY_LAYER
from catalogue_making.public import Public
from catalogue_making.signatures import (
    default_of,
    documentation,
    first_sentence,
    parameters,
    required,
)
from catalogue_making.variables import stored_variables

EMPTY = inspect.Parameter.empty


def entry(public: Public) -> dict[str, Any]:
    """Everything that kover knows about one class or function."""
    line: dict[str, Any] = {"kind": public.kind, "class": public.name, "module": public.module}
    names = sorted(public.identifiers)
    others = sorted((public.aliases | {public.name}) - public.identifiers)
    line |= {"names": names} if names else {}
    line |= {"others": others} if others != [public.name] else {}
    if public.is_function:
        return line | {"function": True}
    if not constructible(public.name):
        return line | {"arguments": unprobed_arguments(public)}
    instance = Instance(public, required(public.object))
    found = arguments(public, instance)
    variables = stored_variables(instance, found) if public.kind == "layer" else []
    line |= {"arguments": found, "config": list(instance.config)}
    return line | ({"variables": variables} if variables else {})


def unprobed_arguments(public: Public) -> dict[str, Any]:
    """Names and plain defaults of a class that cannot be constructed here."""
    if public.name in {"Sequential", "Functional"}:
        return {
            "name": {"kind": "string", "default": None, "null": True},
            "trainable": {"kind": "bool", "default": True},
        }
    found = {}
    for name, parameter in sorted(parameters(public.object).items()):
        default = default_of(parameter)
        usual = EVERY_LAYER.get(name) if public.kind == "layer" else None
        found[name] = (usual or {"kind": "any"}) | (
            {} if default is EMPTY else {"default": default}
        )
    return found


def arguments(public: Public, instance: Instance) -> dict[str, Any]:
    """Name -> kind, default, domain; for each argument that Keras takes in a config."""
    known = parameters(public.object)
    texts = documentation(public.object)
    found: dict[str, Any] = {}
    for name in sorted({*known, *instance.config}):
        default = default_of(known.get(name))
        if name not in instance.config and (default is EMPTY or not instance.takes(name, default)):
            continue
        line = domain(
            instance,
            name,
            guessed(instance, name, default),
            texts.get(name, ""),
            asked_for=default is EMPTY and name in known,
        )
        if name not in instance.config and not others_taken(instance, name, default):
            continue
        line |= written_default(public, instance, name, default)
        null = line.pop("null", line.get("default", EMPTY) is None)
        found[name] = line | ({"null": True} if null else {})
    return found


OTHERS = (None, True, False, 1, 2, 0.5, "relu", "l2", "float32", "xyxy", [1], [2, 2], [0.1, 0.2])


def others_taken(instance: Instance, name: str, default: Any) -> list[Any]:
    """Values besides the default that Keras takes; none where a subclass refuses them all."""
    return [v for v in OTHERS if v is not default and v != default and instance.takes(name, v)]


def is_saved(instance: Instance, name: str, default: Any) -> bool:
    """Whether `get_config` holds the argument once it has another value than its default."""
    if name == "lora_alpha":  # saved along with lora_rank, without which it means nothing
        return True
    values = others_taken(instance, name, default)
    return any(instance.stored(name, value) is not None for value in values)


def guessed(instance: Instance, name: str, default: Any) -> Any:
    """The default of the constructor, or what the config holds where that says more."""
    stored = instance.config.get(name)
    if default is EMPTY or (default is None and isinstance(stored, (bool, int, float, list))):
        return stored if name in instance.config and default is not EMPTY else None
    return stored if isinstance(stored, list) and isinstance(default, (int, float)) else default


def written_default(public: Public, instance: Instance, name: str, default: Any) -> dict[str, Any]:
    """The default as `get_config` gives it, in the short form where that is the same."""
    if name not in instance.config:
        unsaved = {} if is_saved(instance, name, default) else {"saved": False}
        return unsaved | ({} if default is EMPTY else {"default": default})
    if default is EMPTY and name in parameters(public.object):
        return {}
    if (name == "name" and public.kind == "layer") or name in {"backward_layer", "seed"}:
        return {"default": None}
    if name in instance.overridden:
        return {"default": default}
    return {"default": shortened(instance.config[name])}


def shortened(value: Any) -> Any:
    """A record without arguments of its own as its class name; float32 images as decimals."""
    if isinstance(value, float):
        return short_float(value)
    if isinstance(value, dict) and set(value) == {
        "module",
        "class_name",
        "config",
        "registered_name",
    }:
        return {
            "class": value["class_name"],
            **{k: shortened(v) for k, v in value["config"].items()},
        }
    return value


def short_float(number: float) -> float:
    """`0.001` for `0.0010000000474974513`."""
    for digits in range(1, 9):
        candidate = float(f"{number:.{digits}g}")
        if struct.pack("<f", candidate) == struct.pack("<f", number):
            return candidate
    return number


def documented(public: Public) -> dict[str, str]:
    """Argument -> the first sentence of its documentation."""
    known = parameters(public.object)
    texts = documentation(public.object)
    return {name: first_sentence(text) for name, text in texts.items() if name in known and text}


def compile_arguments() -> dict[str, Any]:
    """The arguments of `Model.compile`, in its order."""
    import keras

    kinds: dict[str, dict[str, Any]] = {
        "optimizer": {"kind": "optimizer"}, "loss": {"kind": "losses"},
        "loss_weights": {"kind": "weights"}, "metrics": {"kind": "metrics"},
        "weighted_metrics": {"kind": "metrics"}, "run_eagerly": {"kind": "bool"},
        "steps_per_execution": {"kind": "int", "min": 1},
        "jit_compile": {"kind": "any", "choices": ["auto", True, False]},
        "auto_scale_loss": {"kind": "bool", "saved": False},
    }  # fmt: skip
    found = {}
    for name, parameter in inspect.signature(keras.Model.compile).parameters.items():
        if name == "self":
            continue
        null = {"null": True} if parameter.default is None or name == "jit_compile" else {}
        found[name] = kinds.get(name, {"kind": "any"}) | {"default": parameter.default} | null
    return found
