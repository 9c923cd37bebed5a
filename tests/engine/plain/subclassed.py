"""A model of a class of its own, whose layers are made in code: some with names, some without."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable("subclassed")
class Block(keras.layers.Layer):
    """Two layers without names, and a variable that is made of a value."""

    def __init__(self, width: int = 6, **others: Any) -> None:
        super().__init__(**others)
        self.width = width
        self.up = keras.layers.Dense(width, activation="relu")
        self.norm = keras.layers.LayerNormalization()

        self.scale = keras.Variable(np.full((width,), 2.0, "float32"), name="scale")

    def build(self, shape: Any) -> None:
        self.up.build(shape)
        self.norm.build((*shape[:-1], self.width))

    def call(self, inputs: Any) -> Any:
        return self.norm(self.up(inputs)) * self.scale

    def get_config(self) -> Any:
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable("subclassed")
class Net(keras.Model):
    """A stem without a name, blocks with names, a head without."""

    def __init__(self, classes: int = 3, rate: float = 0.0, **others: Any) -> None:
        super().__init__(**others)
        self.classes = classes
        self.rate = rate
        self.stem = keras.layers.Dense(4)
        self.blocks = [Block(name=f"block_{at}") for at in range(2)]
        self.drop = keras.layers.Dropout(rate)
        self.head = keras.layers.Dense(classes)

    def call(self, inputs: Any, training: Any = None) -> Any:
        inputs = self.stem(inputs)
        for block in self.blocks:
            inputs = block(inputs)
        return self.head(self.drop(inputs, training=training))

    def get_config(self) -> Any:
        return {**super().get_config(), "classes": self.classes, "rate": self.rate}


def make(path: str) -> None:
    """A model trained for a step."""
    keras.utils.set_random_seed(1)
    model = Net(name="net")
    model.compile(keras.optimizers.SGD(0.5), "mse")
    model.fit(np.random.rand(8, 5), np.random.rand(8, 3), verbose=0)
    model.save(path)


def rates(path: str, fresh: bool) -> Any:
    """The rate of each variable by its attribute, and again after a save and a load.

    Args:
        path: a file.
        fresh: load as a process does that has made nothing yet.
    """
    found = []
    for _ in range(2):
        if fresh:
            keras.utils.clear_session()
        model = keras.models.load_model(path)
        path = path.replace(".keras", ".saved.keras")
        model.save(path)
        found.append(_by_attribute(model))
    return found


def _by_attribute(model: Net) -> dict[str, float]:
    """The step of each variable from zero at gradient one: its rate."""
    owners: dict[str, Any] = {"stem": model.stem, "head": model.head}
    for at, block in enumerate(model.blocks):
        owners |= {f"blocks/{at}/up": block.up, f"blocks/{at}/norm": block.norm}
        owners[f"blocks/{at}/own"] = _Own(block)
    variables = model.trainable_variables
    for variable in variables:
        variable.assign(np.zeros(variable.shape))
    model.optimizer.apply([keras.ops.ones(variable.shape) for variable in variables], variables)
    return {
        f"{name}/{variable.name}": -float(np.unique(keras.ops.convert_to_numpy(variable)).item())
        for name, owner in owners.items()
        for variable in owner.trainable_variables
    }


class _Own:
    """The variables of a layer itself."""

    def __init__(self, layer: Any) -> None:
        self.trainable_variables = [layer.scale]


def fit(path: str) -> Any:
    """What a step moves, the loss of the drop rate, and the output's size."""
    model = keras.models.load_model(path)
    before = [each.numpy() for each in model.trainable_variables]
    model.fit(np.random.rand(8, 5), np.random.rand(8, model.classes), verbose=0)
    moved = [
        each.path for each, old in zip(model.trainable_variables, before, strict=True)
        if (each.numpy() != old).any()
    ]  # fmt: skip
    return {
        "classes": int(model(np.zeros((1, 5))).shape[-1]),
        "rate": model.drop.rate,
        "moved": len(moved),
        "trainable": len(model.trainable_variables),
        "iterations": int(model.optimizer.iterations),
    }
