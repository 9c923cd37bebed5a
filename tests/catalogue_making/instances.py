"""One instance of each class, and the question whether Keras takes another value in its config."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable
from typing import Any

from catalogue_making.public import NOT_CONSTRUCTIBLE, Public

BY_ARGUMENT: dict[str, Any] = {
    "activation": "relu", "axes": 1, "boundaries": [10], "cells": None, "decay_rate": 0.5,
    "decay_steps": 10, "dims": [1], "equation": "ab,bc->ac", "factor": 0.1, "filters": 4,
    "first_decay_steps": 10, "head_dim": 4, "height": 4, "height_factor": 0.1,
    "initial_learning_rate": 0.1, "input_dim": 8, "kernel_size": 3, "key_dim": 4,
    "max_number": 4, "n": 2, "num_bins": 4, "num_classes": 2, "num_heads": 2,
    "num_key_value_heads": 2, "num_query_heads": 4, "output_dim": 4, "output_size": 2,
    "output_shape": 4, "pool_size": 2, "precision": 0.5, "rate": 0.5, "recall": 0.5,
    "scale": 0.5, "sensitivity": 0.5, "specificity": 0.5, "stddev": 0.1,
    "target_class_ids": [0], "target_shape": [-1], "units": 4, "values": [0.1, 0.01],
    "width": 4, "width_factor": 0.1, "fn": "mean_squared_error", "mode": "int8",
}  # fmt: skip
BY_CLASS: dict[str, dict[str, Any]] = {
    "CategoryEncoding": {"num_tokens": 4},
    "Discretization": {"num_bins": 4},
    "InputLayer": {"batch_shape": [None, 4]},
    "RandomPosterization": {"factor": 4},
    "STFT": {"window": None},  # the default, "hann", needs scipy
    "STFTSpectrogram": {"window": None},
    "QuantizedFloat8DTypePolicy": {"mode": "float8"},
    "Int4DTypePolicy": {"mode": "int4/128"},
    "AWQDTypePolicy": {"mode": "awq/4/128"},
    "GPTQDTypePolicy": {"mode": "gptq/4/128"},
    "DTypePolicy": {"name": "float32"},
}


def nested_arguments(name: str) -> dict[str, Any]:
    """Required arguments that are Keras objects themselves."""
    import keras

    layers = keras.layers
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "Bidirectional": lambda: {"layer": layers.LSTM(4)},
        "LossScaleOptimizer": lambda: {"inner_optimizer": keras.optimizers.Adam()},
        "MeanMetricWrapper": lambda: {"fn": keras.losses.mean_squared_error, "name": "wrapped"},
        "Pipeline": lambda: {"layers": [layers.Rescaling(1.0)]},
        "RNN": lambda: {"cell": layers.LSTMCell(4)},
        "SpectralNormalization": lambda: {"layer": layers.Dense(4)},
        "StackedRNNCells": lambda: {"cells": [layers.LSTMCell(4)]},
        "TimeDistributed": lambda: {"layer": layers.Dense(4)},
    }
    return makers[name]() if name in makers else {}


class Instance:
    """A class, one instance's record, and a judge of other values in that record.

    The judge is what loading does: `deserialize_keras_object` on the record.
    """

    def __init__(self, public: Public, required: list[str]) -> None:
        import keras

        self.public = public
        keras.backend.clear_session(free_memory=False)  # auto names start anew
        given = {name: BY_ARGUMENT[name] for name in required if name in BY_ARGUMENT}
        given |= BY_CLASS.get(public.name, {}) | nested_arguments(public.name)
        self.overridden = set(BY_CLASS.get(public.name, {})) - set(required)
        self.record = plain(keras.saving.serialize_keras_object(public.object(**given)))
        self.config: dict[str, Any] = self.record["config"]
        self._known: dict[str, Any] = {}

    def make(self, **changed: Any) -> Any:
        """The object with some values of its config changed; raises what Keras raises."""
        import keras

        record = copy.deepcopy(self.record)
        record["config"].update(copy.deepcopy(changed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return keras.saving.deserialize_keras_object(record)

    def takes(self, name: str, value: Any) -> bool:
        """Whether Keras constructs the object with that value."""
        return self.outcome(name, value) is not _REFUSED

    def stored(self, name: str, value: Any) -> Any:
        """What `get_config` holds after the value was given, or None."""
        outcome = self.outcome(name, value)
        return None if outcome is _REFUSED else outcome

    def outcome(self, name: str, value: Any) -> Any:
        key = f"{name}={json.dumps(value)}"
        if key not in self._known:
            self._known[key] = self._try(name, value)
        return self._known[key]

    def _try(self, name: str, value: Any) -> Any:
        import keras

        try:
            made = self.make(**{name: value})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return plain(keras.saving.serialize_keras_object(made))["config"].get(name)
        except Exception:  # noqa: BLE001 (Keras raises whatever it likes; each means "no")
            return _REFUSED


_REFUSED = object()


def constructible(name: str) -> bool:
    return name not in NOT_CONSTRUCTIBLE and name not in {"Sequential", "Functional"}


def plain(value: Any) -> Any:
    """The value as `config.json` would hold it."""
    return json.loads(json.dumps(value))
