"""A model of a class of its own; to write one: python tests/specs/own_class.py OUT."""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable("examples")
class Ranker(keras.Model):
    """A stem, dropout and a head, all made in code."""

    def __init__(self, rate: float = 0.1, **others: Any) -> None:
        super().__init__(**others)
        self.rate = rate
        self.stem = keras.layers.Dense(5, activation="relu")
        self.drop = keras.layers.Dropout(rate)
        self.head = keras.layers.Dense(2, activation="softmax")

    def call(self, inputs: Any, training: Any = None) -> Any:
        return self.head(self.drop(self.stem(inputs), training=training))

    def get_config(self) -> Any:
        return {**super().get_config(), "rate": self.rate}


def main(target: str) -> None:
    """Build, train for a step, save."""
    keras.utils.set_random_seed(5)
    model = Ranker(name="ranker")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(np.random.rand(8, 4), np.arange(8) % 2, verbose=0)
    model.save(target)


if __name__ == "__main__":
    main(sys.argv[1])
