"""What people do without kover: by_hand.py change BEFORE AFTER, by_hand.py compare ONE OTHER."""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np

L2 = {
    "module": "keras.regularizers",
    "class_name": "L2",
    "config": {"l2": 1e-4},
    "registered_name": None,
}


def change(before: str, after: str) -> None:
    """Load, edit the config, rebuild, copy weights, compile, save. (Loses the optimizer state.)"""
    model = keras.models.load_model(before)
    config = model.get_config()
    for layer in config["layers"]:
        if "kernel_regularizer" in layer["config"]:
            layer["config"]["kernel_regularizer"] = L2
        if layer["class_name"] == "Dropout":
            layer["config"]["rate"] = 0.3
    rebuilt = type(model).from_config(config)
    rebuilt.set_weights(model.get_weights())
    rebuilt.compile_from_config(model.get_compile_config())
    rebuilt.save(after)


def compare(one: str, other: str) -> None:
    """Load both, compare configs and every variable."""
    first, second = (keras.models.load_model(path) for path in (one, other))
    print("config:", "equal" if first.get_config() == second.get_config() else "differs")
    pairs: list[tuple[Any, Any]] = [
        *zip(first.variables, second.variables, strict=True),
        *zip(first.optimizer.variables, second.optimizer.variables, strict=True),
    ]
    pairs = [(a, b) for a, b in pairs if "seed_generator" not in a.path]  # drawn anew each time
    equal = sum(np.array_equal(a.numpy(), b.numpy()) for a, b in pairs)
    print(f"arrays: {equal} of {len(pairs)} equal")


if __name__ == "__main__":
    {"change": change, "compare": compare}[sys.argv[1]](sys.argv[2], sys.argv[3])
