"""What the generator knows beforehand: the values it tries, and what some names mean."""

from __future__ import annotations

from typing import Any

OBJECT_SUFFIXES = {
    "activation": "activation", "regularizer": "regularizer", "initializer": "initializer",
    "constraint": "constraint",
}  # fmt: skip
NESTED = {
    "layer": "layer",
    "backward_layer": "layer",
    "cell": "layer",
    "inner_optimizer": "optimizer",
}
INTS = (-3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8, 16, 64, 256)
FLOATS = (-1.5, -1.0, -0.5, -0.001, 0.0, 0.001, 0.25, 0.5, 0.75, 0.999, 1.0, 1.001, 1.5, 2.5, 300.5)
LISTS: tuple[list[Any], ...] = (
    [], [1], [2], [1, 1], [2, 2], [1, 2], [2, 1], [2, 3], [1, 1, 1], [2, 2, 2], [1, 2, 3],
    [2, 3, 4], [4, 4, 3], [0.1], [0.1, 0.2], [-0.1, 0.1], [0.5, 1.5], [[1, 1], [1, 1]],
    [[1, 1], [1, 1], [1, 1]], [0.2, 0.3, 0.5], [None, 4],
    [1, 1, 1, 1], [2, 2, 2, 2], [0.1, 0.2, 0.3, 0.4], [[1, 1], [1, 1], [1, 1], [1, 1]],
)  # fmt: skip
WORDS: tuple[list[Any], ...] = (["a"], ["a", "b"], ["valid"])
GARBAGE = ("no-such-choice", "")

POOL = (
    "valid", "same", "causal", "full", "channels_first", "channels_last", "auto", "bilinear",
    "nearest", "bicubic", "lanczos3", "lanczos5", "area", "gaussian", "constant", "reflect",
    "wrap", "mirror", "symmetric", "zero", "sum", "mean", "mul", "concat", "ave", "int", "binary",
    "multi_hot", "one_hot", "count", "tf_idf", "horizontal", "vertical",
    "horizontal_and_vertical", "fan_in", "fan_out", "fan_avg", "truncated_normal",
    "untruncated_normal", "uniform", "ROC", "PR", "interpolation", "minoring", "majoring",
    "micro", "macro", "weighted", "none", "sum_over_batch_size", "mean_with_sample_weight",
    "uniform_average", "variance_weighted_average", "xyxy", "yxyx", "xywh", "center_xywh",
    "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh", "dot", "hann", "hamming", "float32",
    "float16", "bfloat16", "int32", "int64", "string", "whitespace", "character",
    "lower_and_strip_punctuation", "lower", "strip_punctuation", "rows", "columns", "slaney",
    "htk", "magnitude", "psd", "complex", "real", "imag", "angle", "log", "stft", "scale", "lora",
    "flash", "coo", "min", "max",
)  # fmt: skip
"""Strings that Keras documents somewhere as a choice."""

WHOLE = {
    "axis", "seed", "units", "filters", "top_k", "class_id", "k", "max_tokens", "batch_size",
    "height", "width", "ema_overwrite_frequency", "gradient_accumulation_steps", "head_dim",
    "key_dim", "value_dim", "max_number", "decay_steps", "ignore_class", "output_sequence_length",
    "depth_multiplier", "lora_alpha", "fft_length", "oov_token", "first_decay_steps",
}  # fmt: skip
"""Arguments that are integers, whatever the constructor lets through."""

QUANTIZED = (
    "AWQDTypePolicy", "GPTQDTypePolicy", "Int4DTypePolicy", "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
)  # fmt: skip
FORMATS = {"kind": "string", "choices": ["channels_first", "channels_last"], "null": True}


def listed(items: str, *types: str, **more: Any) -> dict[str, Any]:
    """A list of integers, numbers or strings; a `?` behind lets each be null."""
    return {"kind": "any", "types": [*types, "list"], "items": items, **more}


INT_OR_INTS = listed("int", "int")
RATIOS = listed("number", "int", "float", min=0, max=1)
VOCABULARY = listed("string", null=True)
MAPPING = {"kind": "any", "types": ["mapping"], "null": True}
FIXED: dict[str, dict[str, Any]] = {
    **{f"{name}.mode": {"kind": "string"} for name in QUANTIZED},
    "data_format": FORMATS, "name": {"kind": "string"},
    "window": {"kind": "any", "types": ["string", "list"]},
    "fn": {"kind": "any", "types": ["string", "mapping"]},
    "batch_shape": listed("int?", null=False), "noise_shape": listed("int?"),
    "cells": listed("mapping"), "Pipeline.layers": listed("mapping"), "dims": listed("int", min=1),
    "boundaries": listed("number"), "values": listed("number"), "target_shape": listed("int"),
    "EinsumDense.output_shape": listed("int?", "int"), "output_shape": INT_OR_INTS,
    "shared_axes": INT_OR_INTS, "attention_axes": INT_OR_INTS, "input_axes": INT_OR_INTS,
    "output_axes": INT_OR_INTS,
    "Rescaling.scale": {"kind": "numbers"}, "Rescaling.offset": {"kind": "numbers"},
    "CategoricalFocalCrossentropy.alpha": {"kind": "numbers"},
    "label_smoothing": {"kind": "number"}, "source_name": {"kind": "dtype"},
    "equation": {"kind": "string"}, "exclude_layers": listed("string"),
    "use_cudnn": {"kind": "any", "choices": ["auto", True, False]},
    "AUC.thresholds": listed("number", min=0, max=1), "thresholds": RATIOS,
    "label_weights": listed("number"), "target_class_ids": listed("int", min=0),
    "bin_boundaries": listed("number"), "bounding_box_format": {"kind": "string"},
    "flash_attention": {"kind": "bool"}, "rms_scaling": {"kind": "bool"},
    "value_range": listed("number", lengths=[2]),
    "RandomGaussianBlur.kernel_size": {"kind": "shape", "min": 1, "lengths": [2]},
    "RandomErasing.fill_value": {"kind": "number"}, "chain_depth": {"kind": "int", "min": 1},
    "RandomFlip.mode": {
        "kind": "string", "choices": ["horizontal", "horizontal_and_vertical", "vertical"],
    },
    "RandomPosterization.factor": {"kind": "shape", "min": 1, "max": 8, "lengths": [2]},
    "Conv1DTranspose.output_padding": {"kind": "shape", "min": 0, "lengths": [1]},
    "Conv2DTranspose.output_padding": {"kind": "shape", "min": 0, "lengths": [2]},
    "Conv3DTranspose.output_padding": {"kind": "shape", "min": 0, "lengths": [3]},
    "salt": {"kind": "shape", "lengths": [2]}, "ngrams": {"kind": "shape", "min": 1},
    "Bidirectional.weights": {"kind": "any", "types": ["list"], "null": True},
    "idf_weights": listed("number", null=True), "vocabulary_size": {"kind": "int", "null": True},
    "IntegerLookup.vocabulary": listed("int", null=True), "vocabulary": VOCABULARY,
    "StringLookup.mask_token": {"kind": "string"}, "IntegerLookup.oov_token": {"kind": "int"},
    "Hashing.mask_value": {"kind": "any", "types": ["int", "string"]},
    "fft_length": {"kind": "int", "min": 1}, "reverse_dtype": {"kind": "dtype", "null": True},
    "Normalization.mean": {"kind": "any", "types": ["int", "float", "list"], "null": True},
    "Normalization.variance": {"kind": "any", "types": ["int", "float", "list"], "null": True},
    "quantization_config": MAPPING, "renorm_clipping": MAPPING,
    "gptq_unpacked_column_size": {"kind": "int", "min": 1, "null": True},
}  # fmt: skip
"""Arguments whose meaning is plain, though constructors let nearly everything through."""

EVERY_LAYER: dict[str, dict[str, Any]] = {
    "activity_regularizer": {"kind": "regularizer", "null": True}, "autocast": {"kind": "bool"},
    "dtype": {"kind": "dtype_policy", "null": True}, "name": {"kind": "string", "null": True},
    "trainable": {"kind": "bool"},
}  # fmt: skip
"""What a layer takes that cannot be constructed here, like any other."""

NUMBERS = {
    "clipnorm", "clipvalue", "global_clipnorm", "ema_momentum", "loss_scale_factor",
    "weight_decay", "logit_soft_cap", "initial_learning_rate", "decay_rate", "threshold",
}  # fmt: skip

SENSE: dict[str, dict[str, float]] = {
    "l1": {"min": 0}, "l2": {"min": 0}, "dropout": {"min": 0, "max": 1},
    "recurrent_dropout": {"min": 0, "max": 1}, "momentum": {"min": 0, "max": 1},
    "beta_1": {"min": 0, "xmax": 1}, "beta_2": {"min": 0, "xmax": 1}, "rho": {"min": 0, "max": 1},
    "epsilon": {"min": 0}, "ema_momentum": {"min": 0, "max": 1}, "clipnorm": {"min": 0},
    "clipvalue": {"min": 0}, "global_clipnorm": {"min": 0}, "weight_decay": {"min": 0},
    "label_smoothing": {"min": 0, "max": 1}, "stddev": {"min": 0}, "strides": {"min": 1},
    "output_size": {"min": 1}, "initial_learning_rate": {"min": 0},
    "end_learning_rate": {"min": 0}, "warmup_steps": {"min": 0}, "warmup_target": {"min": 0},
    "top_k": {"min": 1}, "k": {"min": 1}, "class_id": {"min": 0},
    "ema_overwrite_frequency": {"min": 1}, "num_heads": {"min": 1}, "key_dim": {"min": 1},
    "value_dim": {"min": 1}, "input_dim": {"min": 1}, "output_dim": {"min": 1},
    "gradient_accumulation_steps": {"min": 2}, "loss_scale_factor": {"xmin": 0},
    "delta": {"min": 0}, "lora_rank": {"min": 1}, "filters": {"min": 1},
    "depth_multiplier": {"min": 1}, "groups": {"min": 1},
}  # fmt: skip
"""Bounds where the constructor lets through what no training can use."""
