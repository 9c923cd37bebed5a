"""Optimizers that were saved as a backend's own class, by the name that every backend knows.

On the torch backend `keras.optimizers.Adam()` makes a `torch_adam.Adam`, and saving writes that
name: such a file loads where PyTorch is installed, and trains on no other backend. Keras' public
name makes the same optimizer on each of them.
Source: keras 3.15 `backend.torch.optimizers.torch_optimizer.TorchOptimizer.__new__`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

from kover.values import JSON

_OF_A_BACKEND = "keras.src.backend."


def with_public_optimizers(compile_config: Mapping[str, JSON]) -> dict[str, JSON]:
    """A compile config whose optimizers, those within others too, have public names."""
    config = dict(compile_config)
    if "optimizer" in config:
        config["optimizer"] = _public(config["optimizer"])
    return config


def names_a_backend(compile_config: Mapping[str, JSON]) -> bool:
    """Whether an optimizer is a backend's own class."""
    return with_public_optimizers(compile_config) != dict(compile_config)


def _public(value: JSON) -> JSON:
    """An optimizer, or what holds some: `inner_optimizer`, an `OptimizerMap`."""
    if not isinstance(value, dict):
        return value
    held = {name: _public(item) for name, item in value.items()}
    if _is_of_a_backend(value):
        return {**held, "module": "keras.optimizers", "registered_name": None}
    return held


def _is_of_a_backend(record: Mapping[str, JSON]) -> TypeGuard[dict[str, JSON]]:
    module = record.get("module")
    if not isinstance(module, str) or not isinstance(record.get("class_name"), str):
        return False
    _, found, rest = module.partition(_OF_A_BACKEND)
    return bool(found) and module.startswith(_OF_A_BACKEND) and ".optimizers." in rest
