"""What Keras makes of a saved file: variables, slots and rates, each by name."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from models import batch

Named = dict[str, Any]

seen: list[tuple[Any, Any, str]] = []
"""Each slot that was made since the last load, the variable it is for, and its role."""

_add_slot = keras.optimizers.Optimizer.add_variable_from_reference


def _observe(self: Any, reference_variable: Any, name: str = "var", **others: Any) -> Any:
    slot = _add_slot(self, reference_variable, name=name, **others)
    seen.append((slot, reference_variable, name))
    return slot


keras.optimizers.Optimizer.add_variable_from_reference = _observe


def load(path: str) -> tuple[Any, list[str]]:
    """The model, and what Python warned of meanwhile."""
    seen.clear()
    with warnings.catch_warnings(record=True, action="always") as said:
        model = keras.models.load_model(path)
    ignored = "__array__ implementation doesn't accept a copy keyword"
    texts = [str(each.message) for each in said]
    return model, [text for text in texts if ignored not in text]


def walk(layer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every layer that holds no model's layers, with its path."""
    for inner in layer.layers:
        below = f"{path}/{inner.name}" if path else inner.name
        if hasattr(inner, "layers"):
            yield from walk(inner, below)
        else:
            yield below, inner


def named(model: Any) -> Named:
    """Every variable of the model, by its layer's path and its own name."""
    found: Named = {}
    for path, layer in walk(model):
        used: Counter[str] = Counter()
        for variable in layer.variables:
            name = f"{path}/{variable.name}"
            used[name] += 1
            found[name if used[name] == 1 else f"{name}#{used[name]}"] = variable
    return found


def listed(variable: Any) -> Any:
    """The values, exactly, in a form that JSON has."""
    return np.asarray(keras.ops.convert_to_numpy(variable)).astype("float64").tolist()


def values(model: Any) -> Named:
    """The values of every variable."""
    return {name: listed(variable) for name, variable in named(model).items()}


def slots(model: Any) -> Named:
    """What the optimizer keeps for each variable: `head/kernel momentum`."""
    name_of = {id(variable): name for name, variable in named(model).items()}
    kept = {id(variable) for variable in getattr(model.optimizer, "variables", ())}
    return {
        f"{name_of[id(reference)]} {role}": listed(slot)
        for slot, reference, role in seen
        if id(slot) in kept
    }


def parts(optimizer: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """The optimizer and those inside it."""
    yield place, optimizer
    if hasattr(optimizer, "inner_optimizer"):
        yield from parts(optimizer.inner_optimizer, f"{place}inner.")
    for number, part in enumerate(getattr(optimizer, "optimizers", ())):
        yield from parts(part, f"{place}{number}.")


def rate(optimizer: Any) -> Any:
    """The learning rate that a step would use now, or None for a wrapper."""
    wraps = hasattr(optimizer, "inner_optimizer") or hasattr(optimizer, "optimizers")
    return None if wraps else float(optimizer.learning_rate)


def owned(model: Any) -> Named:
    """What each optimizer keeps for itself."""
    if model.optimizer is None:
        return {}
    return {
        place: {
            "class": type(part).__name__,
            "name": part.name,
            "iterations": int(part.iterations),
            "rate": rate(part),
            "weight_decay": getattr(part, "weight_decay", None),
            "others": others(part),
        }
        for place, part in parts(model.optimizer)
    }


def others(optimizer: Any) -> list[float]:
    """What an optimizer keeps beside slots, iterations and rate: Nadam's product, a loss scale."""
    known = {id(slot) for slot, _, _ in seen}
    known |= {
        id(v) for _, part in parts(optimizer) if part is not optimizer for v in part.variables
    }
    own = [v for v in optimizer.variables if id(v) not in known]
    return [float(v) for v in own if v.path.split("/")[-1] not in ("iteration", "learning_rate")]


def of_file(path: str, steps: int = 0) -> Named:
    """Everything above of one file; then, after a few steps, what the variables are."""
    model, warned = load(path)
    facts: Named = {
        "warnings": warned,
        "values": values(model),
        "dtypes": {name: str(v.dtype) for name, v in named(model).items()},
        "trainable": [n for n, v in named(model).items() if is_trained(model, v)],
        "slots": slots(model),
        "optimizers": owned(model),
        "losses": [float(loss) for loss in model.losses],
        "outputs": listed(model(batch(model)[0], training=False)),
    }
    if steps:
        for _ in range(steps):
            model.train_on_batch(*batch(model))
        facts["after"] = values(model)
        facts["slots_after"] = slots(model)
    return facts


def is_trained(model: Any, variable: Any) -> bool:
    """Whether a step would change the variable."""
    return any(variable is each for each in model.trainable_variables)
