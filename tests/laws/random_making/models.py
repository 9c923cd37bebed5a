"""Random models of a few layers of many kinds, nested or not; the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

Block = Callable[[Random, Any], Any]


def save_random_model(seed: int, path: Path) -> Any:
    """Make a model, perhaps compile and train it for two steps, and save it."""
    import keras

    random = Random(seed)
    keras.utils.set_random_seed(seed)
    keras.backend.clear_session(free_memory=False)
    model = random.choice([_vectors, _tokens, _images])(random)
    if random.random() < 0.8:
        optimizer = random.choice(["adam", "adamw", "rmsprop", "sgd", "nadam"])
        model.compile(optimizer, "sparse_categorical_crossentropy", run_eagerly=True)
        for _ in range(random.choice([0, 2])):
            model.train_on_batch(*_batch(model, seed))
    model.save(path)
    return model


def _batch(model: Any, seed: int) -> tuple[Any, Any]:
    import numpy as np

    numbers = np.random.default_rng(seed)
    shape = (4, *model.input_shape[1:])
    whole = "int" in model.inputs[0].dtype
    inputs = numbers.integers(0, 16, shape) if whole else numbers.random(shape, dtype="float32")
    return inputs, numbers.integers(0, 3, (4,))


def _vectors(random: Random) -> Any:
    import keras

    source = keras.Input((6,), name="input")
    if random.random() < 0.5:  # a Sequential has another form in its config
        chain = [_plain(random) for _ in range(random.randint(2, 4))]
        return keras.Sequential([source, *chain, _head()], name="net")
    return _finish(random, source, source)


def _tokens(random: Random) -> Any:
    import keras

    source = keras.Input((5,), dtype="int32", name="input")
    hidden = keras.layers.Embedding(16, 4, name="words")(source)
    for _ in range(random.randint(1, 3)):
        hidden = random.choice(SEQUENCES)(random, hidden)
    return _finish(random, source, keras.layers.GlobalAveragePooling1D(name="mean")(hidden))


def _images(random: Random) -> Any:
    import keras

    source = keras.Input((6, 6, 2), name="input")
    hidden = source
    for _ in range(random.randint(1, 3)):
        hidden = random.choice(IMAGES)(random, hidden)
    return _finish(random, source, keras.layers.GlobalMaxPooling2D(name="most")(hidden))


def _finish(random: Random, source: Any, hidden: Any) -> Any:
    import keras

    for _ in range(random.randint(1, 3)):
        hidden = random.choice([_simple, _sequential_inside, _functional_inside])(random, hidden)
    return keras.Model(source, _head()(hidden), name="net")


def _head() -> Any:
    import keras

    return keras.layers.Dense(3, activation="softmax", name="head")


def _plain(random: Random) -> Any:
    from keras import layers

    makers = [
        lambda: layers.Dense(random.choice([3, 4]), activation="relu"),
        layers.BatchNormalization,
        lambda: layers.Dropout(0.2),
        layers.LayerNormalization,
    ]
    return random.choice(makers)()


def _simple(random: Random, hidden: Any) -> Any:
    return _plain(random)(hidden)


def _sequential_inside(random: Random, hidden: Any) -> Any:
    import keras

    chain = [keras.layers.Dense(4, name="a"), _plain(random), keras.layers.Dense(4, name="b")]
    return keras.Sequential([keras.Input(hidden.shape[1:]), *chain])(hidden)


def _functional_inside(random: Random, hidden: Any) -> Any:
    import keras

    source = keras.Input(hidden.shape[1:])
    left, right = keras.layers.Dense(4, name="a")(source), _simple(random, source)
    return keras.Model(source, keras.layers.Concatenate(name="both")([left, right]))(hidden)


SEQUENCES: list[Block] = [
    lambda random, x: _layers().LSTM(3, return_sequences=True)(x),
    lambda random, x: _layers().GRU(3, return_sequences=True)(x),
    lambda random, x: _layers().Bidirectional(_layers().LSTM(2, return_sequences=True))(x),
    lambda random, x: _layers().Conv1D(4, 2, padding="same")(x),
    lambda random, x: _layers().TimeDistributed(_layers().Dense(4))(x),
    lambda random, x: _layers().MultiHeadAttention(2, 3)(x, x),
    lambda random, x: _layers().Dropout(0.1)(x),
]
IMAGES: list[Block] = [
    lambda random, x: _layers().Conv2D(4, 3, padding="same", activation="relu")(x),
    lambda random, x: _layers().SeparableConv2D(4, 3, padding="same")(x),
    lambda random, x: _layers().BatchNormalization()(x),
    lambda random, x: _layers().SpatialDropout2D(0.1)(x),
]


def _layers() -> Any:
    import keras

    return keras.layers
