"""Keras alone, of any version: save a trained model; and look at what kover made of it elsewhere.

there_and_back.py save MODEL | there_and_back.py check BEFORE AFTER
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import keras
import numpy as np
from keras import layers

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(64, 4)).astype("float32")
CLASSES = RANDOM.integers(0, 3, 64)


def save(path: str) -> None:
    """A nested model with a recurrent layer, trained for a few steps."""
    keras.utils.set_random_seed(1)
    backbone = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, activation="relu", name="a"),
            layers.BatchNormalization(name="norm"),
        ],
        name="backbone",
    )
    inputs = keras.Input((4,), name="inputs")
    hidden = layers.Reshape((2, 4), name="reshape")(backbone(inputs))
    hidden = layers.LSTM(4, name="lstm")(hidden)
    hidden = layers.Dropout(0.2, name="drop")(hidden)
    outputs = layers.Dense(3, activation="softmax", name="head")(hidden)
    model = keras.Model(inputs, outputs, name="net")
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(INPUTS, CLASSES, epochs=2, verbose=0)
    model.save(path)


def numbers(variable: Any) -> Any:
    return np.asarray(keras.ops.convert_to_numpy(variable.value)).copy()


def by_name(model: Any) -> dict[str, Any]:
    """Every variable that is stored, by its layer and its name."""
    found = {}
    for layer in (*model.get_layer("backbone").layers, *model.layers):
        if layer.name != "backbone":
            found |= {f"{layer.name}/{v.name}": numbers(v) for v in layer.weights}
    return found


def slots(model: Any) -> dict[str, Any]:
    """What the optimizer keeps for each variable, by name."""
    own = {"iteration", "learning_rate"}
    found = {v.path.partition("/")[2]: numbers(v) for v in model.optimizer.variables}
    return {name: value for name, value in found.items() if name not in own}


def load(path: str) -> Any:
    with warnings.catch_warnings(record=True, action="always") as said:
        model = keras.models.load_model(path)
    heard = [str(each.message) for each in said if issubclass(each.category, UserWarning)]
    assert not heard, heard
    return model


def check(before_path: str, after_path: str) -> None:
    """Settings, weights, optimizer state; and it trains."""
    before, after = load(before_path), load(after_path)
    a = after.get_layer("backbone").get_layer("a")
    assert not a.trainable_variables
    assert after.get_layer("drop").rate == 0.375
    assert abs(float(after.get_layer("lstm").cell.kernel_regularizer.l2) - 0.001) < 1e-9
    assert type(after.get_layer("head").kernel_initializer).__name__ == "HeNormal"
    assert type(after.optimizer).__name__ == "AdamW"
    assert abs(float(keras.ops.convert_to_numpy(after.optimizer.learning_rate)) - 0.001) < 1e-9
    assert int(after.optimizer.iterations) == int(before.optimizer.iterations) == 4
    check_values(by_name(before), by_name(after))
    check_slots(slots(before), slots(after))
    old = by_name(after)
    history = after.fit(INPUTS, CLASSES, epochs=1, verbose=0).history["loss"]
    new = by_name(after)
    assert np.isfinite(history).all()
    assert (old["a/kernel"] == new["a/kernel"]).all()
    for name in ("lstm/kernel", "head/kernel"):
        assert (old[name] != new[name]).any(), name


def check_values(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert before.keys() == after.keys()
    moved = {name for name in before if (before[name] != after[name]).any()}
    assert moved == {"head/kernel", "head/bias"}, moved


def check_slots(before: dict[str, Any], after: dict[str, Any]) -> None:
    kept = [name for name in after if (after[name] == before[name]).all() and after[name].any()]
    assert len(kept) == 2 * 5, kept  # two each of the layers lstm and norm
    others = set(after) - set(kept)
    assert len(others) == 2 * 2, others
    assert all("head" in name and not after[name].any() for name in others), others


if __name__ == "__main__":
    {"save": save, "check": check}[sys.argv[1]](*sys.argv[2:])
