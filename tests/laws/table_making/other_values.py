"""For an attribute of a layer: values that differ from the one it has, likely ones first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kover.catalogue import Argument
from kover.values import MISSING

OWN: dict[str, list[Any]] = {
    "Bidirectional.merge_mode": ["sum"],
    "CategoryEncoding.num_tokens": [9],
    "Cropping2D.cropping": [[[1, 1], [1, 1]]],
    "Cropping3D.cropping": [[[1, 2], [1, 2], [1, 2]]],
    "Discretization.bin_boundaries": [[0.0, 2.0]],
    "Dot.axes": [2],
    "EinsumDense.bias_axes": ["d"],
    "EinsumDense.equation": ["abc,cd->abd", "abc,dc->abd"],
    "EinsumDense.output_shape": [[None, 5]],
    "GroupNormalization.groups": [4],
    "GroupedQueryAttention.num_key_value_heads": [4],
    "GroupedQueryAttention.num_query_heads": [2],
    "Hashing.salt": [[1, 2]],
    "HashedCrossing.output_mode": ["one_hot"],
    "IntegerLookup.vocabulary": [[3, 5, 9]],
    "MelSpectrogram.fft_length": [128],
    "Normalization.mean": [1.0],
    "Normalization.variance": [2.0],
    "Permute.dims": [[1, 2]],
    "RandomShear.x_factor": [[0.1, 0.3]],
    "RandomShear.y_factor": [[0.1, 0.3]],
    "Reshape.target_shape": [[8, 4]],
    "STFTSpectrogram.fft_length": [512],
    "StringLookup.vocabulary": [["a", "b", "d"]],
    "TextVectorization.vocabulary": [["a", "b", "d"]],
    "UpSampling2D.interpolation": ["bilinear"],
    "ZeroPadding2D.padding": [[[1, 2], [1, 2]]],
    "ZeroPadding3D.padding": [[[1, 2], [1, 2], [1, 2]]],
}
"""Attributes whose values are bound to other attributes of the class."""

BY_NAME: dict[str, list[Any]] = {
    "attention_axes": [[1], 1],
    "axes": [2],
    "cells": [[]],
    "batch_shape": [[None, 6]],
    "bounding_box_format": ["xywh"],
    "data_format": ["channels_first"],
    "dilation_rate": [2, [2], [2, 2], [2, 2, 2]],
    "fill_value": [0.5],
    "idf_weights": [[0.1, 0.2, 0.3]],
    "kernel_size": [2, [2, 2], 5],
    "mask_token": ["m"],
    "mask_value": [7],
    "name": ["other"],
    "ngrams": [2],
    "noise_shape": [[1, 4], [1, 1]],
    "num_heads": [4],
    "oov_token": ["u", 1],
    "output_padding": [[1], [1, 1], [1, 1, 1]],
    "layers": [[]],
    "output_shape": [6, [6]],
    "chain_depth": [4],
    "quantization_config": [{"mode": "int8"}],
    "renorm_clipping": [{"rmax": 3.0}],
    "reverse_dtype": ["float16"],
    "shared_axes": [[1]],
    "target_shape": [[8, 4]],
    "value_range": [[0, 1]],
    "vocabulary_dtype": ["int32", "string", "int64"],
    "vocabulary_size": [3],
    "weights": [[1.0]],
    "window": ["hamming", "hann"],
}
SUFFIX: dict[str, list[Any]] = {
    "activation": ["tanh", "sigmoid"],
    "constraint": ["non_neg"],
    "initializer": ["he_normal", "ones"],
    "regularizer": [{"l2": 0.01}],
}
NUMBERS = [0.25, 0.3, 2.0, 3.0, 0.05, [0.1, 0.3], [0.2, 0.8]]
INTEGERS = [2, 3, 1, 5, 6, 8, 16, 4, 0, -1]
LISTS = [[2], [2, 2], [1, 1], [2, 2, 2], [1, 1, 1], [3, 3], [3, 3, 3], 2, 3, 1, 5]


def other_values(
    class_name: str, attribute: str, current: Any, argument: Argument | None
) -> Iterator[Any]:
    """Values to try for the attribute, none of them the present one."""
    seen = [current]
    for value in _candidates(class_name, attribute, current, argument):
        if not any(type(value) is type(old) and value == old for old in seen):
            seen.append(value)
            yield value


def _candidates(
    class_name: str, attribute: str, current: Any, argument: Argument | None
) -> Iterator[Any]:
    yield from OWN.get(f"{class_name}.{attribute}", ())
    yield from BY_NAME.get(attribute, ())
    for suffix, values in SUFFIX.items():
        if attribute == suffix or attribute.endswith(f"_{suffix}"):
            yield from values
    if argument is not None and argument.kind == "layer":
        yield {"class": "Dense", "units": 3}
    elif argument is not None:
        yield from _by_argument(argument)
    yield from _by_present_value(current)
    if argument is not None and argument.nullable:
        yield None


def _by_argument(argument: Argument) -> Iterator[Any]:
    kinds: dict[str, list[Any]] = {
        "bool": [True, False],
        "dtype": ["float16", "int64", "float32"],
        "dtype_policy": ["mixed_bfloat16", "float64", "int64"],
        "int": INTEGERS,
        "float": NUMBERS,
        "number": NUMBERS,
        "numbers": NUMBERS,
        "shape": LISTS,
        "string": ["another"],
    }
    yield from argument.choices
    if not argument.choices:
        yield from kinds.get(argument.kind, ())
    if argument.default is not MISSING:
        yield argument.default
    if argument.kind == "any" and not argument.choices:
        yield from [1, 2, 0.5, "another", [1], [0.1, 0.2], True, False]


def _by_present_value(current: Any) -> Iterator[Any]:
    if isinstance(current, bool):
        yield not current
    elif isinstance(current, (int, float)):
        yield from (current + 1, current * 2)
    elif isinstance(current, list):
        yield [item + 1 if isinstance(item, (int, float)) else item for item in current]
