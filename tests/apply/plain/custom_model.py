"""Plain Keras with a custom class: `make PATH`, or `tell PATH` what is in a model, as JSON."""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import keras
import numpy as np
from custom import Scale


def make(path: str) -> None:
    """Save a trained model with two layers of a custom class."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((4,), name="features")
    x = keras.layers.Dense(3, name="hidden")(inputs)
    x = Scale(2.0, name="scale_1")(x)
    x = Scale(3.0, name="scale_2")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    train(model)
    model.save(path)


def train(model: Any) -> None:
    """One step on made-up data."""
    random = np.random.default_rng(1)
    model.train_on_batch(random.random((8, 4)), random.random((8, 2)))


def tell(path: str) -> dict[str, Any]:
    """Warnings while loading, values, limits, and the rate that each layer trains with."""
    with warnings.catch_warnings(record=True, action="always") as said:
        model = keras.saving.load_model(path)
    values = {layer.name: [w.tolist() for w in layer.get_weights()] for layer in model.layers}
    train(model)
    parts = getattr(model.optimizer, "optimizers", [model.optimizer])
    owner = {id(v): part for part in parts for v in part._trainable_variables}
    return {
        "warnings": [str(each.message) for each in said],
        "values": values,
        "limits": [layer.limit for layer in model.layers if isinstance(layer, Scale)],
        "rates": {
            layer.name: sorted(
                {float(owner[id(v)].learning_rate) for v in layer.trainable_variables}
            )
            for layer in model.layers
        },
    }


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        print(json.dumps(tell(sys.argv[2])))
