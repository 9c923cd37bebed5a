"""Small models of three kinds, trained for a few steps and saved."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers


def sequential() -> Any:
    """Two layers of the same shapes, and a head."""
    return keras.Sequential(
        [
            keras.Input((4,), name="input"),
            layers.Dense(4, activation="tanh", name="a"),
            layers.Dense(4, activation="tanh", name="b"),
            layers.Dense(3, activation="softmax", name="head"),
        ],
        name="seq",
    )


def nested() -> Any:
    """A backbone within, and a layer outside that bears the name of one inside."""
    inside = keras.Input((4,), name="inside")
    hidden = layers.Dense(4, activation="tanh", name="a")(inside)
    hidden = layers.Dense(4, activation="tanh", name="b")(hidden)
    backbone = keras.Model(inside, hidden, name="bb")
    outside = keras.Input((4,), name="outside")
    hidden = layers.Dense(4, activation="tanh", name="a")(backbone(outside))
    hidden = layers.Dropout(0.0, name="drop")(hidden)
    return keras.Model(
        outside, layers.Dense(3, activation="softmax", name="head")(hidden), name="net"
    )


def mixed() -> Any:
    """An embedding and a batch normalisation, whose averages training changes by itself."""
    return keras.Sequential(
        [
            keras.Input((5,), dtype="int32", name="input"),
            layers.Embedding(20, 4, name="words"),
            layers.Flatten(name="flat"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(4, activation="tanh", name="a"),
            layers.Dense(3, activation="softmax", name="head"),
        ],
        name="mixed",
    )


def stacked() -> Any:
    """A Sequential within a Sequential."""
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="a"), layers.Dense(4, name="b")], name="inner"
    )
    return keras.Sequential(
        [keras.Input((4,)), inner, layers.Dense(3, activation="softmax", name="head")], name="outer"
    )


def wide() -> Any:
    """Layers with enough numbers to see a distribution."""
    return keras.Sequential(
        [
            keras.Input((200,)),
            layers.Dense(300, name="one"),
            layers.Dense(300, name="two"),
            layers.Reshape((30, 10), name="reshaped"),
            layers.LSTM(8, name="lstm"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(3, activation="softmax", name="head"),
        ],
        name="wide",
    )


def wrapped() -> Any:
    """Layers within wrappers."""
    return keras.Sequential(
        [
            keras.Input((6, 4)),
            layers.TimeDistributed(layers.Dense(4, name="inner"), name="td"),
            layers.Bidirectional(layers.LSTM(3, name="lstm"), name="bi"),
            layers.Dense(3, activation="softmax", name="head"),
        ],
        name="wrapped",
    )


def batch(model: Any) -> tuple[Any, Any]:
    """Inputs and labels that the model takes, the same every time."""
    random = np.random.default_rng(1)
    shape = (8, *model.input_shape[1:])
    whole = "int" in model.inputs[0].dtype
    inputs = random.integers(0, 20, shape) if whole else random.random(shape, dtype="float32")
    return inputs, random.integers(0, 3, (8,))


def make(
    path: str,
    kind: str,
    optimizer: Any = "adam",
    frozen: list[str] | None = None,
    steps: int = 3,
    **compiled: Any,
) -> None:
    """Build, train and save one of the models above.

    Args:
        path: where to.
        kind: name of a function of this module.
        optimizer: a name, or a config as Keras reads it; None leaves the model uncompiled.
        frozen: layers of the model itself that do not train.
        steps: how many batches.
        compiled: more for `compile`.
    """
    keras.utils.set_random_seed(3)
    model = globals()[kind]()
    for name in frozen or ():
        model.get_layer(name).trainable = False
    if optimizer is not None:
        settings = {
            "optimizer": keras.optimizers.get(optimizer),
            "loss": "sparse_categorical_crossentropy",
            "run_eagerly": True,
            **compiled,
        }
        model.compile(**settings)
        for _ in range(steps):
            model.train_on_batch(*batch(model))
    model.save(path)
