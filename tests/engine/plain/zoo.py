"""One model with a layer of nearly every kind that stores something."""

from __future__ import annotations

import importlib.util
from typing import Any

import keras
import numpy as np
from keras import layers


def lookups(words: Any) -> list[Any]:
    """What Keras does with TensorFlow on every backend; nothing where it is not installed."""
    if importlib.util.find_spec("tensorflow") is None:
        return []
    vectorization = layers.TextVectorization(output_sequence_length=4, name="vectorization")
    vectorization.adapt(["a b", "b c"])
    lookup = layers.StringLookup(vocabulary=["a", "b"], name="string_lookup")
    return [vectorization(words), lookup(words)]


def on_features(x: Any) -> list[Any]:
    normalization = layers.Normalization(name="normalization")
    normalization.adapt(np.arange(24.0).reshape(3, 8))
    lora = layers.Dense(5, name="lora")
    lora.build((None, 8))
    lora.enable_lora(2)
    nested = keras.Sequential(
        [
            layers.Dense(4, name="dense"),
            keras.Sequential([layers.Dense(4, name="dense")], name="deep"),
        ],
        name="nested",
    )
    shared = layers.Dense(8, name="shared")
    found = [
        normalization(x),
        layers.Dense(3, name="dense")(x),
        layers.Dense(3, use_bias=False, name="dense_2")(x),
        lora(x),
        layers.EinsumDense("ab,bc->ac", output_shape=4, bias_axes="c", name="einsum")(x),
        layers.BatchNormalization(name="batch_norm")(x),
        layers.BatchNormalization(scale=False, trainable=False, name="frozen_norm")(x),
        layers.LayerNormalization(name="layer_norm")(x),
        layers.SpectralNormalization(layers.Dense(3, name="within"), name="spectral")(x),
        layers.PReLU(name="prelu")(x),
        layers.Discretization(bin_boundaries=[0.0, 1.0], name="bins")(x),
        layers.Dropout(0.5, name="dropout")(x),
        layers.Dropout(0.0, name="idle")(x),
        nested(x),
    ]
    return [*found, shared(shared(x))]


def on_sequences(x: Any) -> list[Any]:
    cells = [layers.LSTMCell(3, name="first"), layers.GRUCell(2, name="second")]
    return [
        layers.LSTM(3, name="lstm")(x),
        layers.GRU(3, name="gru")(x),
        layers.SimpleRNN(3, name="simple")(x),
        layers.RNN(cells, name="rnn")(x),
        layers.Bidirectional(layers.LSTM(3, name="inner"), name="both")(x),
        layers.Bidirectional(
            layers.GRU(3), backward_layer=layers.GRU(3, go_backwards=True), name="two"
        )(x),
        layers.TimeDistributed(layers.Dense(2, name="step"), name="timed")(x),
        layers.MultiHeadAttention(2, 4, name="heads")(x, x),
        layers.GroupQueryAttention(4, 4, 2, name="groups")(x, x),
        layers.AdditiveAttention(name="additive")([x, x]),
        layers.Conv1D(3, 2, name="conv_1d")(x),
        layers.SeparableConv1D(3, 2, name="separable_1d")(x),
    ]


def on_images(x: Any) -> list[Any]:
    return [
        layers.Conv2D(3, 2, name="conv")(x),
        layers.Conv2DTranspose(3, 2, name="transposed")(x),
        layers.DepthwiseConv2D(2, name="depthwise")(x),
        layers.SeparableConv2D(3, 2, name="separable")(x),
        layers.GroupNormalization(3, name="groups_norm")(x),
        layers.ConvLSTM2D(2, 2, name="conv_lstm")(keras.ops.expand_dims(x, 1)),
        layers.RandomFlip(name="flip")(x),
    ]


def whole() -> Any:
    """All of them, side by side."""
    words = keras.Input((), dtype="string", name="words")
    numbers = keras.Input((4,), dtype="int32", name="numbers")
    features = keras.Input((8,), name="features")
    sequence = keras.Input((6, 8), name="sequence")
    image = keras.Input((8, 8, 3), name="image")
    outputs = [
        *lookups(words),
        layers.Embedding(9, 3, name="embedding")(numbers),
        *on_features(features),
        *on_sequences(sequence),
        *on_images(image),
    ]
    return keras.Model([words, numbers, features, sequence, image], outputs, name="zoo")


def optimizer(name: str) -> Any:
    """One that is called like its class, or one that wraps others."""
    wrapped = keras.optimizers
    if name == "LossScaleOptimizer":
        return wrapped.LossScaleOptimizer(wrapped.Nadam())
    if name == "MultiOptimizer":
        groups = {"einsum/.*": wrapped.SGD(0.1, momentum=0.9), "conv/.*": wrapped.RMSprop()}
        return wrapped.MultiOptimizer(wrapped.OptimizerMap(wrapped.Adam(), groups))
    if name == "everything":
        return wrapped.Adam(amsgrad=True, use_ema=True, gradient_accumulation_steps=2)
    return getattr(wrapped, name)()


def make(folder: str, names: list[str]) -> dict[str, str]:
    """Save the model once for each optimizer that this Keras has, built but not trained."""
    paths = {}
    model = whole()
    for name in names:
        if name != "everything" and not hasattr(keras.optimizers, name):
            continue
        model.compile(optimizer(name), "mse")
        model.optimizer.build(model.trainable_variables)
        paths[name] = f"{folder}/zoo_{name}.keras"
        model.save(paths[name])
    return paths
