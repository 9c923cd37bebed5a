"""What a Nadam keeps beside its slots, and what a step of one does."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from facts import listed, load, parts
from models import batch


def nadams(model: Any) -> list[Any]:
    """Every Nadam among a model's optimizers."""
    return [part for _, part in parts(model.optimizer) if type(part).__name__ == "Nadam"]


def product_after(steps: int, **config: Any) -> float:
    """The product of the momenta of a Nadam that has run."""
    nadam = keras.optimizers.Nadam(**config)
    variable = keras.Variable(np.ones(2, "float32"))
    for _ in range(steps):
        nadam.apply([keras.ops.ones(2)], [variable])
    return float(nadam._u_product)


def products(path: str) -> list[float]:
    """The product of each Nadam of a file."""
    return [float(nadam._u_product) for nadam in nadams(load(path)[0])]


def step_of_file(path: str) -> list[Any]:
    """The model's variables after a step of the file as it is."""
    model, _ = load(path)
    return _step(model)


def step_of_nadam(path: str, steps: int, **config: Any) -> list[Any]:
    """The same of the model in `path`, trained by Adam, with a Nadam that has run `steps` steps.

    It has run on the model's own variables, from its own formula; then it gets the slots of Adam,
    and the variables what they were.
    """
    model, _ = load(path)
    adam = model.optimizer
    nadam = keras.optimizers.Nadam(**config)
    trainable = model.trainable_variables
    before = [variable.numpy() for variable in trainable]
    for _ in range(steps):
        nadam.apply([keras.ops.ones(each.shape) for each in before], trainable)
    for variable, value in zip(trainable, before, strict=True):
        variable.assign(value)
    for name in ("_momentums", "_velocities"):
        for slot, other in zip(getattr(nadam, name), getattr(adam, name), strict=True):
            slot.assign(other)
    model.compile(nadam, model.loss, run_eagerly=True)
    return _step(model)


def _step(model: Any) -> list[Any]:
    model.train_on_batch(*batch(model))
    return [listed(variable) for variable in model.trainable_variables]
