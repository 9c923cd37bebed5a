"""Fresh values for variables, from their own initializers.

A fresh value depends on the seed, the layer's path and the variable's name alone: not on the order
of things, the process, or what else is re-created.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kover.engine import keras_private
from kover.engine.identity import VariableKey
from kover.engine.random_state import seeded_generators
from kover.engine.twin import TwinArray


def derived_seed(seed: int, key: VariableKey) -> int:
    """A 31-bit seed for one variable."""
    text = f"{seed}\0{key.layer}\0{key.part}\0{key.name}\0{key.ordinal}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def fresh_value(array: TwinArray, seed: int) -> Any:
    """A NumPy array with the shape and dtype of `array`.

    Model variables come from their initializer; what belongs to an optimizer is filled with the
    value that a fresh one has.
    """
    import numpy as np

    if not isinstance(array.key, VariableKey) or array.live is None:
        return np.full(array.shape, array.fill, dtype=_numpy_dtype(array.dtype))
    initializer = keras_private.initializer_of(array.live)
    if initializer is None:  # made with a value: the value is part of the config
        return np.asarray(array.live.numpy(), dtype=_numpy_dtype(array.dtype))
    with _seeded(initializer, derived_seed(seed, array.key)) as seeded:
        return keras_private.to_numpy(seeded(array.shape, dtype=array.dtype))


def _numpy_dtype(name: str) -> Any:
    import ml_dtypes
    import numpy as np

    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


@contextmanager
def _seeded(initializer: Callable[..., Any], seed: int) -> Iterator[Callable[..., Any]]:
    """`initializer` drawing from `seed`, also where a layer wraps it in a function of its own."""
    random_initializers = list(_random_initializers(initializer))
    before = [each.seed for each in random_initializers]
    for each in random_initializers:
        each.seed = seed
    try:
        with seeded_generators(seed):
            yield initializer
    finally:
        for each, old in zip(random_initializers, before, strict=True):
            each.seed = old


def _random_initializers(initializer: object) -> Iterator[Any]:
    """Initializers with a seed that calling `initializer` may call.

    A recurrent layer's bias initializer is a function that closes over its cell, whose attribute
    is the real initializer.
    """
    if keras_private.is_random_initializer(initializer):
        yield initializer
    for cell in getattr(initializer, "__closure__", None) or ():
        held = cell.cell_contents
        if keras_private.is_random_initializer(held):
            yield held
        for value in getattr(held, "__dict__", {}).values():
            if keras_private.is_random_initializer(value):
                yield value
