"""Models trained under the global policy `mixed_float16`, as most training scripts do it."""

from __future__ import annotations

from typing import Any

import keras
from facts import load, slots
from models import batch, sequential


def make(path: str, optimizer: str | None = None) -> None:
    """Build, train and save a model under the policy.

    Args:
        path: where to.
        optimizer: a name, for `compile`; an Adam with a rate of its own by default.
    """
    keras.utils.set_random_seed(3)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = sequential()
        adam = keras.optimizers.Adam(0.01)
        model.compile(optimizer or adam, "sparse_categorical_crossentropy", run_eagerly=True)
        for _ in range(3):
            model.train_on_batch(*batch(model))
        model.save(path)
    finally:
        keras.config.set_dtype_policy("float32")


def loaded(path: str, policy: str) -> dict[str, Any]:
    """Slots, optimizer and warnings of a file that is loaded under a policy."""
    keras.config.set_dtype_policy(policy)
    try:
        model, said = load(path)
        optimizer = model.optimizer
        return {
            "warnings": said,
            "slots": slots(model),
            "class": type(optimizer).__name__,
            "iterations": int(optimizer.iterations),
            "rate": float(optimizer.learning_rate),
            "scale": float(getattr(optimizer, "dynamic_scale", 0.0)),
        }
    finally:
        keras.config.set_dtype_policy("float32")
