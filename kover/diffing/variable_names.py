"""Names of the variables that Keras' layers store, which the weights file only numbers.

Source: keras 3.15 `Layer.save_own_variables`: trainable variables first, each in the order in
which `build` adds them. `tests/diffing/test_variable_names.py` holds this table against Keras.
"""

from __future__ import annotations

from collections.abc import Mapping

from kover.values import JSON

_KERNEL = ("kernel", "bias?use_bias")
_NORM = ("gamma?scale", "beta?center")
_RECURRENT = ("kernel", "recurrent_kernel", "bias?use_bias")
_SEPARABLE = ("depthwise_kernel", "pointwise_kernel", "bias?use_bias")

_BY_CLASS: Mapping[str, tuple[str, ...]] = {
    "Dense": _KERNEL,
    "EinsumDense": ("kernel", "bias?bias_axes"),
    **{
        f"{kind}{rank}{transposed}": _KERNEL
        for kind in ("Conv", "DepthwiseConv")
        for rank in ("1D", "2D", "3D")
        for transposed in ("", "Transpose")
    },
    "SeparableConv1D": _SEPARABLE,
    "SeparableConv2D": _SEPARABLE,
    "Embedding": ("embeddings",),
    "BatchNormalization": (*_NORM, "moving_mean", "moving_variance"),
    "LayerNormalization": _NORM,
    "GroupNormalization": _NORM,
    "RMSNormalization": ("scale",),
    "Normalization": ("mean", "variance", "count"),
    "PReLU": ("alpha",),
    "SpectralNormalization": ("kernel", "vector_u"),
    "LSTM": _RECURRENT,
    "LSTMCell": _RECURRENT,
    "GRU": _RECURRENT,
    "GRUCell": _RECURRENT,
    "SimpleRNN": _RECURRENT,
    "SimpleRNNCell": _RECURRENT,
    "ConvLSTM1D": _RECURRENT,
    "ConvLSTM2D": _RECURRENT,
    "ConvLSTM3D": _RECURRENT,
    "MultiHeadAttention": (),
    "GroupedQueryAttention": (),
    "Attention": ("scale?use_scale",),
}
_NOT_TRAINED = frozenset({"moving_mean", "moving_variance", "mean", "variance", "vector_u"})
_STATE = frozenset({"count", "seed_generator_state"})
_CELL = "cell/"
_SEEDS = "seed_generator/vars/0"


def variable_name(class_name: str, config: Mapping[str, JSON], stored: str) -> str:
    """The name of a variable, or its stored path where that is all there is.

    Args:
        class_name: the layer's class.
        config: the layer's config.
        stored: the array's path below the layer's group: `vars/0`, `query_dense/vars/1`.
    """
    if stored.endswith(_SEEDS):
        return f"{stored.removesuffix(_SEEDS)}seed_generator_state"
    where, _, number = stored.rpartition("vars/")
    if not number.isdecimal():
        return stored
    names = _names_at(class_name, config, where)
    if names is None or int(number) >= len(names):
        return stored
    return f"{'' if where == _CELL else where}{names[int(number)]}"


def is_trained(class_name: str, variable: str) -> bool | None:
    """Whether training can change a variable of a trainable layer; None where unknown.

    Args:
        class_name: the layer's class.
        variable: what `variable_name` gave.
    """
    last = variable.rpartition("/")[2]
    if last in _NOT_TRAINED or not is_parameter(class_name, variable):
        return False
    return True if class_name in _BY_CLASS and not last.isdecimal() else None


def is_parameter(class_name: str, variable: str) -> bool:
    """Whether a variable counts as a parameter: seeds, counters and second copies do not."""
    if class_name == "SpectralNormalization" and variable == "kernel":
        return False  # the kernel of the layer it holds, stored there as well
    return variable.rpartition("/")[2] not in _STATE


def _names_at(class_name: str, config: Mapping[str, JSON], where: str) -> list[str] | None:
    names = _BY_CLASS.get(class_name)
    if names is None:
        return None
    if where in ("", _CELL):
        return [name for name in (_present(each, config) for each in names) if name]
    inner = where.removesuffix("/").rpartition("/")[2]
    if class_name in ("MultiHeadAttention", "GroupedQueryAttention") and "dense" in inner:
        return ["kernel", "bias"]
    return None


def _present(name: str, config: Mapping[str, JSON]) -> str | None:
    """`bias?use_bias` is `bias` unless the config says otherwise."""
    bare, _, switch = name.partition("?")
    return bare if not switch or config.get(switch, True) not in (False, None) else None
