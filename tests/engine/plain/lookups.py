"""Models that begin with a lookup layer, its vocabulary in the config or in a file of its own."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from facts import load
from keras import layers


def make(path: str, kind: str, adapted: bool = False, **arguments: Any) -> None:
    """Save a model of one lookup layer and a Dense."""
    whole = kind == "IntegerLookup"
    tokens = [1, 2, 3] if whole else ["a", "b", "c"]
    if not adapted:
        arguments["vocabulary"] = tokens
    layer = getattr(layers, kind)(name="look", **arguments)
    if adapted:
        layer.adapt(np.array(tokens))
    inputs = keras.Input((1,), dtype="int64" if whole else "string")
    outputs = keras.ops.cast(layer(inputs), "float32")
    keras.Model(inputs, layers.Dense(2, name="head")(outputs), name="net").save(path)


def vocabulary(path: str) -> dict[str, Any]:
    """What the layer of the loaded file knows, and what its config would say of it."""
    model, said = load(path)
    layer = model.get_layer("look")
    return {
        "warnings": said,
        "tokens": [str(each) for each in layer.get_vocabulary()],
        "noted": layer.get_config()["vocabulary_size"],
        "outputs": list(model(np.array([[layer.get_vocabulary()[-1]]])).shape),
    }
