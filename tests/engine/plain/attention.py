"""Models with layers that make layers of their own when they are built."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from facts import listed, load
from keras import layers


def _attention() -> Any:
    inputs = keras.Input((5, 4))
    hidden = layers.MultiHeadAttention(2, 3, name="heads")(inputs, inputs)
    hidden = layers.GroupQueryAttention(4, 4, 2, name="groups")(hidden, hidden)
    encoder = keras.Model(inputs, layers.Dense(4, name="mix")(hidden), name="encoder")
    outside = keras.Input((5, 4))
    hidden = layers.Flatten(name="flat")(encoder(outside))
    return keras.Model(outside, layers.Dense(2, name="head")(hidden), name="net")


def _film() -> Any:
    return keras.Sequential(
        [
            keras.Input((3, 6, 6, 1)),
            layers.ConvLSTM2D(2, 3, name="film"),
            layers.Flatten(name="flat"),
            layers.Dense(2, name="head"),
        ],
        name="net",
    )


def data(model: Any) -> tuple[Any, Any]:
    """Inputs and targets, the same every time."""
    random = np.random.default_rng(1)
    shape = (8, *model.input_shape[1:])
    return random.random(shape, dtype="float32"), random.random((8, 2), dtype="float32")


def make(path: str, kind: str, optimizer: Any, steps: int = 3) -> None:
    """Build, train and save one of the models above."""
    keras.utils.set_random_seed(3)
    model = {"attention": _attention, "film": _film}[kind]()
    if optimizer is not None:
        model.compile(keras.optimizers.get(optimizer), "mse", run_eagerly=True)
        for _ in range(steps):
            model.train_on_batch(*data(model))
    model.save(path)


def trained(path: str, cycles: int = 0, steps: int = 5) -> dict[str, Any]:
    """Which variables move in a few steps of the loaded file, and what Keras warned of.

    Args:
        path: the file.
        cycles: how often it is saved and loaded before.
        steps: of training.
    """
    model, said = load(path)
    for _ in range(cycles):
        model.save(path)
        model, again = load(path)
        said += again
    before = {variable.path: listed(variable) for variable in model.variables}
    for _ in range(steps):
        model.train_on_batch(*data(model))
    after = {variable.path: listed(variable) for variable in model.variables}
    return {
        "warnings": said,
        "finite": bool(np.isfinite(model.predict(data(model)[0], verbose=0)).all()),
        "moved": sorted(path for path in before if before[path] != after[path]),
        "all": sorted(before),
    }


def frozen_in_the_process(path: str) -> dict[str, int]:
    """How many variables train with a frozen attention: in the process, and once loaded."""
    model, _ = load(path)
    model.get_layer("encoder").get_layer("heads").trainable = False
    model.compile("sgd", "mse")
    here = len(model.trainable_variables)
    target = path.replace(".keras", ".frozen.keras")
    model.save(target)
    return {"here": here, "loaded": len(load(target)[0].trainable_variables)}
