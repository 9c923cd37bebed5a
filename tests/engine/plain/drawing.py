"""Layers and initializers that draw from global generators. Imported where a model needs them."""

from __future__ import annotations

import random
from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable("drawing")
class Drawn(keras.initializers.Initializer):
    """Numbers from a generator that has no seed of its own."""

    def __init__(self, source: str = "numpy") -> None:
        self.source = source

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        count = int(np.prod(shape))
        if self.source == "numpy":
            drawn = np.random.rand(count)
        elif self.source == "python":
            drawn = np.array([random.random() for _ in range(count)])
        elif self.source == "keras":
            drawn = keras.random.uniform((count,))
        else:
            import tensorflow as tf

            drawn = tf.random.uniform((count,)).numpy()
        return keras.ops.cast(keras.ops.reshape(drawn, shape), dtype or "float32")

    def get_config(self) -> Any:
        return {"source": self.source}


@keras.saving.register_keras_serializable("drawing")
class Noted(keras.layers.Layer):
    """A layer that makes a variable with a value that it has drawn itself."""

    def __init__(self, parts: int = 3, **others: Any) -> None:
        super().__init__(**others)
        self.parts = parts
        drawn = np.random.rand(parts)
        self.drawn = self.add_weight(
            shape=(parts,), initializer=lambda shape, dtype: drawn.astype("float32"), name="drawn"
        )

    def call(self, inputs: Any) -> Any:
        return inputs * keras.ops.sum(self.drawn)

    def get_config(self) -> Any:
        return {**super().get_config(), "parts": self.parts}


def make(path: str) -> None:
    """A model with both."""
    keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(4, name="a"),
            keras.layers.Dense(4, name="b"),
            Noted(name="noted"),
            keras.layers.Dropout(0.0, name="drop"),
        ]
    ).save(path)
