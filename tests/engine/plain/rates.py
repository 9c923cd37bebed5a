"""The rate that each variable really trains with, from what known gradients do to known values."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import keras
import models
import numpy as np
from facts import Named, load, named, parts, rate


def updates(model: Any) -> Named:
    """For each trainable variable its step at gradient one, from zero: the learning rate.

    And its step at gradient zero, from one: learning rate times weight decay.
    """
    variables = model.trainable_variables
    found: Named = {}
    for what, start, gradient in (("rate", 0.0, 1.0), ("decay", 1.0, 0.0)):
        for variable in variables:
            variable.assign(np.full(variable.shape, start))
        gradients = [keras.ops.full(variable.shape, gradient) for variable in variables]
        model.optimizer.apply(gradients, variables)
        for name, variable in named(model).items():
            if any(variable is each for each in variables):
                steps = np.unique(start - variable.numpy().astype("float64"))
                assert len(steps) == 1, (name, steps)
                found.setdefault(name, {})[what] = float(steps[0])
    return found


def of_file(path: str, cycles: int = 2) -> list[Named]:
    """Warnings and updates of a file, and of what Keras saves from it, again and again."""
    found = []
    for _ in range(cycles + 1):
        model, warned = load(path)
        path = path.replace(".keras", ".saved.keras")
        model.save(path)
        found.append({"warnings": warned, "updates": updates(model)})
    return found


def built_by_code(path: str, kind: str) -> Named:
    """The updates in a process that builds the model, and compiles it with a file's optimizer."""
    with zipfile.ZipFile(path) as archive:
        settings = json.loads(archive.read("config.json"))["compile_config"]
    model = getattr(models, kind)()
    model.compile(keras.saving.deserialize_keras_object(settings["optimizer"]), settings["loss"])
    model.optimizer.build(model.trainable_variables)
    return {
        "paths": sorted(variable.path for variable in model.trainable_variables),
        "updates": updates(model),
    }


def at(path: str, iterations: list[int]) -> list[Named]:
    """The rate of each optimizer after so many iterations."""
    model, _ = load(path)
    found = []
    for count in iterations:
        for _, part in parts(model.optimizer):
            part._iterations.assign(count)
        found.append({place: rate(part) for place, part in parts(model.optimizer)})
    return found


def plateau(path: str) -> Named:
    """The rates after a fit with `ReduceLROnPlateau`, and after a save and a load."""
    model, _ = load(path)
    model.compile(model.optimizer, model.loss, run_eagerly=True)
    model.fit(
        *models.batch(model),
        epochs=2,
        verbose=0,
        callbacks=[keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=0, min_delta=9)],
    )
    before = {place: rate(part) for place, part in parts(model.optimizer)}
    target = path.replace(".keras", ".plateau.keras")
    model.save(target)
    after, _ = load(target)
    return {"before": before, "after": {p: rate(part) for p, part in parts(after.optimizer)}}
