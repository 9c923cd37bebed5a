"""Made-up inputs of the right shapes and dtypes, the same every time."""

from __future__ import annotations

from typing import Any

from kover.engine import keras_private

_UNKNOWN_SIZES = (8, 32, 64, 224)
_BATCH = 2


def made_up_inputs(model: Any) -> tuple[Any, list[Any]] | None:
    """Inputs that `model` accepts, and its outputs on them.

    Unknown dimensions get the first of a few sizes that the model accepts. Integers are 0 and 1,
    which every vocabulary has.

    Returns:
        (inputs in the model's own structure, outputs as NumPy arrays), or None where the model does
        not tell its inputs or accepts none of those tried.
    """
    import keras

    structure = _input_specs(model)
    if structure is None:
        return None
    for size in _UNKNOWN_SIZES:
        inputs = keras.tree.map_structure(lambda spec, size=size: _array(spec, size), structure)
        try:
            outputs = model(inputs, training=False)
        except Exception:  # noqa: BLE001  (another size may fit)
            continue
        return inputs, [keras_private.to_numpy(each) for each in keras.tree.flatten(outputs)]
    return None


def _input_specs(model: Any) -> Any:
    """What the model's inputs look like, in its own structure; None where it does not tell."""
    import keras

    if not model.built:
        return None
    try:
        return model.input
    except AttributeError:  # never called on symbolic inputs: subclassed, or around a Lambda
        pass
    shape = (model.get_build_config() or {}).get("input_shape")
    if not shape or not all(size is None or isinstance(size, int) for size in shape):
        return None
    return keras.KerasTensor(tuple(shape))


def _array(spec: Any, size: int) -> Any:
    import numpy as np

    batch, *rest = spec.shape
    shape = (batch or _BATCH, *(length or size for length in rest))
    random = np.random.default_rng(0)
    if spec.dtype == "string":
        return np.full(shape, "word")
    if "int" in spec.dtype or spec.dtype == "bool":
        return random.integers(0, 2, shape).astype(spec.dtype)
    return random.uniform(0.0, 1.0, shape).astype(spec.dtype)
