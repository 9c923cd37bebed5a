"""Write a small trained image classifier: python tests/make_demo_model.py flowers.keras.

A Functional model with a nested backbone, BatchNormalization, Dropout and a softmax head,
trained for a few steps with Adam, so that there is optimizer state to lose.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

CLASSES = 5
SIZE = 16


def build_backbone() -> Any:
    """Two convolutions with batch normalisation, as a model of its own."""
    from keras import Input, Model, layers

    image = Input((SIZE, SIZE, 3), name="pixels")
    x = image
    for number, filters in enumerate((8, 16), start=1):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{number}")(x)
        x = layers.BatchNormalization(name=f"bn{number}")(x)
        x = layers.Activation("relu", name=f"relu{number}")(x)
        x = layers.MaxPooling2D(name=f"pool{number}")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return Model(image, x, name="backbone")


def build_model() -> Any:
    """The backbone, a hidden layer, dropout and the head, compiled."""
    from keras import Input, Model, layers, optimizers

    image = Input((SIZE, SIZE, 3), name="image")
    x = build_backbone()(image)
    x = layers.Dense(32, activation="relu", name="hidden")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    x = layers.Dense(CLASSES, activation="softmax", name="predictions")(x)
    model = Model(image, x, name="flowers")
    model.compile(
        optimizer=optimizers.Adam(learning_rate=1e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def train(model: Any) -> None:
    """A few steps on made-up images, whose class is where their bright stripe lies."""
    import numpy as np

    random = np.random.default_rng(7)
    images = random.random((64, SIZE, SIZE, 3), dtype="float32")
    labels = random.integers(0, CLASSES, 64)
    for image, label in zip(images, labels, strict=True):
        image[3 * label : 3 * label + 3] += 1.0
    model.fit(images, labels, batch_size=16, epochs=3, verbose=0)


def import_quietly() -> Any:
    """Keras, without the lines that TensorFlow writes to stderr whatever it is told."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import keras

        return keras
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def main() -> None:
    """Build, train, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    target: Path = parser.parse_args().target

    import_quietly().utils.set_random_seed(7)
    model = build_model()
    train(model)
    target.parent.mkdir(parents=True, exist_ok=True)
    model.save(target)
    print(f"{target}: {model.count_params()} parameters, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
