"""Write a small model with an attention: python tests/specs/make_attention.py OUT."""

from __future__ import annotations

import sys

import keras
import numpy as np
from keras import layers


def main(target: str) -> None:
    """Build, train for a step, save."""
    keras.utils.set_random_seed(4)
    tokens = keras.Input((6,), dtype="int32", name="tokens")
    words = layers.Embedding(20, 4, name="embedding")(tokens)
    heard = layers.MultiHeadAttention(2, 3, name="attention")(words, words)
    pooled = layers.GlobalAveragePooling1D(name="pool")(heard)
    model = keras.Model(
        tokens, layers.Dense(3, activation="softmax", name="predictions")(pooled), name="reader"
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    batch = np.arange(48).reshape(8, 6) % 20
    model.fit(batch, np.arange(8) % 3, verbose=0)
    model.save(target)


if __name__ == "__main__":
    main(sys.argv[1])
