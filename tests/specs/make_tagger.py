"""Write a small sequence tagger with wrapped layers: python tests/specs/make_tagger.py OUT."""

from __future__ import annotations

import sys

import keras
import numpy as np
from keras import layers


def main(target: str) -> None:
    """Build, train for a step, save."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((6,), dtype="int32", name="tokens"),
            layers.Embedding(20, 4, name="embedding"),
            layers.Bidirectional(
                layers.LSTM(5, return_sequences=True, name="lstm"), name="encoder"
            ),
            layers.TimeDistributed(
                layers.Dense(3, activation="softmax", name="dense"), name="tags"
            ),
        ],
        name="tagger",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    tokens = np.arange(48).reshape(8, 6) % 20
    model.fit(tokens, tokens % 3, verbose=0)
    model.save(target)


if __name__ == "__main__":
    main(sys.argv[1])
