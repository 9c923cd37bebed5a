"""Write an encoder with Adam state, of so many megabytes: make_model.py OUT MEGABYTES [SEED]."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers

BLOCKS = 6
FEATURES = 64
BYTES_PER_PARAMETER = 4 * 3  # float32, and two moments of Adam


def build(width: int) -> keras.Model:
    """Residual blocks of two Dense layers, as in a transformer without its attention."""
    inputs = keras.Input((FEATURES,), name="features")
    x = layers.Dense(width, name="embedding")(inputs)
    for number in range(BLOCKS):
        hidden = layers.LayerNormalization(name=f"block{number}_norm")(x)
        hidden = layers.Dense(4 * width, activation="gelu", name=f"block{number}_up")(hidden)
        hidden = layers.Dropout(0.1, name=f"block{number}_dropout")(hidden)
        hidden = layers.Dense(width, name=f"block{number}_down")(hidden)
        x = layers.Add(name=f"block{number}_add")([x, hidden])
    outputs = layers.Dense(10, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, outputs, name="encoder")


def main(target: Path, megabytes: float, seed: int = 11) -> None:
    """Build, train for one step, save. Another seed gives the same model with other weights."""
    keras.utils.set_random_seed(seed)
    width = round(math.sqrt(megabytes * 1e6 / BYTES_PER_PARAMETER / (8 * BLOCKS)))
    model = build(width)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    random = np.random.default_rng(seed)
    model.fit(random.random((4, FEATURES)), random.integers(0, 10, 4), verbose=0)
    model.save(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:]))
