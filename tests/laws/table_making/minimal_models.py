"""The smallest model around each layer class of Keras that can be built alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

NAME = "it"
"""What the layer in question is called in its model."""

LEFT_OUT = {
    "FlaxLayer": "needs Flax",
    "InputSpec": "is no layer",
    "JaxLayer": "needs JAX",
    "Lambda": "holds code, which Keras does not load in safe mode",
    "Layer": "is abstract",
    "TFSMLayer": "needs a SavedModel beside it",
    "TorchModuleWrapper": "needs PyTorch",
    "Wrapper": "is abstract",
}
"""Names in `keras.layers` without a row in the table, and why."""

ATTRIBUTES_LEFT_OUT = {"STFTSpectrogram.window": "all its values but null need SciPy"}

COUNTED = {"output_mode": "count", "max_tokens": 10}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "CategoryEncoding": {"num_tokens": 8, "output_mode": "count"},
    "CenterCrop": {"height": 4, "width": 4},
    "Discretization": {"bin_boundaries": [0.0, 1.0], "output_mode": "one_hot"},
    "Conv1DTranspose": {"strides": 2}, "Conv2DTranspose": {"strides": 2},
    "Conv3DTranspose": {"strides": 2}, "Dot": {"axes": 1},
    "EinsumDense": {"equation": "abc,cd->abd", "output_shape": [None, 4]},
    "Embedding": {"input_dim": 8, "output_dim": 4}, "GroupNormalization": {"groups": 2},
    "GroupedQueryAttention": {"head_dim": 4, "num_query_heads": 4, "num_key_value_heads": 2},
    "HashedCrossing": {"num_bins": 4, "output_mode": "one_hot"},
    "Hashing": {"num_bins": 4, "output_mode": "one_hot"},
    "IntegerLookup": {"vocabulary": [3, 5, 7], **COUNTED},
    "StringLookup": {"vocabulary": ["a", "b", "c"], **COUNTED},
    "MaxNumBoundingBoxes": {"max_number": 4}, "MelSpectrogram": {"fft_length": 64},
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 4}, "Permute": {"dims": [2, 1]},
    "RandomCrop": {"height": 4, "width": 4}, "RandomPosterization": {"factor": 4},
    "RandomShear": {"x_factor": [0.1, 0.2], "y_factor": [0.1, 0.2]},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1},
    "RandomZoom": {"height_factor": 0.1}, "RepeatVector": {"n": 2}, "Rescaling": {"scale": 0.5},
    "Reshape": {"target_shape": [4, 8]}, "Resizing": {"height": 4, "width": 4},
    "ReversibleEmbedding": {"input_dim": 8, "output_dim": 4}, "STFTSpectrogram": {"window": None},
    "TextVectorization": {"vocabulary": ["a", "b", "c"], **COUNTED}, "UpSampling1D": {"size": 2},
}  # fmt: skip
BY_ARGUMENT: dict[str, Any] = {
    "activation": "relu", "pool_size": 2, "factor": 0.1, "filters": 4, "kernel_size": 3,
    "output_size": 2, "rate": 0.5, "scale": 0.5, "stddev": 0.1, "units": 4,
}  # fmt: skip
"""Values of required arguments that many classes share."""


def layer_classes() -> dict[str, Any]:
    """Every class of `keras.layers` that the table is about, by class name."""
    import keras

    classes = (getattr(keras.layers, name) for name in dir(keras.layers))
    named = {each.__name__: each for each in classes if isinstance(each, type)}
    return {name: each for name, each in sorted(named.items()) if name not in LEFT_OUT}


def minimal_model(name: str, layer_class: Any) -> tuple[Any, str]:
    """A functional model that is little more than the layer, and the layer's path in it."""
    import keras

    keras.backend.clear_session(free_memory=False)  # automatic names start anew
    if name == "InputLayer":
        source = keras.Input((4,), name=NAME)
        return keras.Model(source, keras.layers.Dense(2, name="out")(source), name="net"), NAME
    layer, path = _layer(name, layer_class)
    inputs = _inputs(name)
    outputs = layer(**inputs) if isinstance(inputs, dict) else layer(inputs)
    return keras.Model(inputs, outputs, name="net"), path


def _layer(name: str, layer_class: Any) -> tuple[Any, str]:
    """The layer to call, and the path of the layer in question."""
    import keras

    layers = keras.layers
    if name in {"GRUCell", "LSTMCell", "SimpleRNNCell"}:
        return layers.RNN(layer_class(4, name=NAME), name="around"), f"around/{NAME}"
    if name == "Equalization":  # called directly, it hands on its very input, a cycle to Keras
        return layers.Pipeline([layer_class(name=NAME)], name="around"), f"around/{NAME}"
    if name == "StackedRNNCells":
        cells = layer_class([layers.LSTMCell(4), layers.GRUCell(4)], name=NAME)
        return layers.RNN(cells, name="around"), f"around/{NAME}"
    given = {**_inner(name), **ARGUMENTS.get(name, {})}
    for argument in _required(layer_class):
        if argument not in given and argument in BY_ARGUMENT:
            given[argument] = BY_ARGUMENT[argument]
    return layer_class(**given, name=NAME), NAME


def _inner(name: str) -> dict[str, Any]:
    """Required arguments that are layers themselves."""
    import keras

    layers = keras.layers
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "Bidirectional": lambda: {"layer": layers.LSTM(4, name="inner")},
        "Pipeline": lambda: {"layers": [layers.Rescaling(0.5, name="inner")]},
        "RNN": lambda: {"cell": layers.LSTMCell(4, name="inner")},
        "SpectralNormalization": lambda: {"layer": layers.Dense(4, name="inner")},
        "TimeDistributed": lambda: {"layer": layers.Dense(4, name="inner")},
    }
    return makers[name]() if name in makers else {}


def _required(layer_class: Any) -> list[str]:
    import inspect

    parameters = inspect.signature(layer_class.__init__).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.name != "self"]


def _inputs(name: str) -> Any:
    """What the layer is called on."""
    import keras

    two = {"Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract", "Dot"}
    if name in two:
        return [keras.Input((4, 4), name="a"), keras.Input((4, 4), name="b")]
    if name in {"Attention", "AdditiveAttention"}:
        return [keras.Input((4, 8), name="a"), keras.Input((4, 8), name="b")]
    if name in {"MultiHeadAttention", "GroupedQueryAttention"}:
        return {
            "query": keras.Input((4, 8), name="query"),
            "value": keras.Input((4, 8), name="value"),
        }
    if name == "HashedCrossing":
        return (keras.Input((1,), dtype="int32"), keras.Input((1,), dtype="int32"))
    shape, dtype = _shape(name)
    return keras.Input(shape, dtype=dtype, name="input")


def _shape(name: str) -> tuple[tuple[int, ...], str]:
    kinds: dict[str, tuple[tuple[int, ...], str]] = {
        "CategoryEncoding": ((4,), "int32"),
        "Discretization": ((4,), "float32"),
        "Embedding": ((4,), "int32"),
        "Hashing": ((4,), "int32"),
        "IntegerLookup": ((4,), "int32"),
        "MelSpectrogram": ((256,), "float32"),
        "Normalization": ((4,), "float32"),
        "RandomColorDegeneration": ((3, 8, 3), "float32"),
        "RepeatVector": ((4,), "float32"),
        "ReversibleEmbedding": ((4,), "int32"),
        "STFTSpectrogram": ((512, 1), "float32"),
        "SpectralNormalization": ((4,), "float32"),
        "StringLookup": ((4,), "string"),
        "TextVectorization": ((1,), "string"),
    }
    if name in kinds:
        return kinds[name]
    for suffix, rank in (("LSTM1D", 2), ("LSTM2D", 3), ("LSTM3D", 4)):
        if name.endswith(suffix):
            return (3, *(8,) * rank), "float32"
    for suffix, rank in (("1D", 2), ("2D", 3), ("3D", 4)):
        if suffix in name:
            return (*(8,) * (rank - 1), 4), "float32"
    if name in IMAGES or name.startswith("Random"):
        return (8, 8, 3), "float32"
    return (8, 4), "float32"


IMAGES = {
    "AugMix", "AutoContrast", "CenterCrop", "ContrastLimitedAdaptiveHistogramEqualization",
    "CutMix", "Equalization", "MaxNumBoundingBoxes", "MixUp", "RandAugment", "Resizing",
    "Solarization",
}  # fmt: skip
