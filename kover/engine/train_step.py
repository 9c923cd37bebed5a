"""One training step on made-up data, in a copy: what moves, how far, and with which rate.

The model is thrown away afterwards. Rates are recovered from the updates of optimizers whose
formula is known; see `_DIRECTIONS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from kover.diffing.report import Check
from kover.engine import keras_private
from kover.engine.refusals import reason

_TOLERANCE = 0.02  # of float32 differences of weights, which are all there is to measure
_MEASURABLE = 1e-5  # smallest update, relative to the weight, that float32 shows well enough

_NARROW = {"bfloat16", "float16"}


def check_step(model: Any, inputs: Any, outputs: list[Any]) -> list[Check]:
    """Train `model` for one step and look at every variable.

    Args:
        model: loaded and compiled; it is changed.
        inputs: a batch that it accepts, see `made_up_inputs`.
        outputs: what it makes of them.
    """
    import keras

    if getattr(model, "optimizer", None) is None:
        return [Check("one training step", True, "not run: the model is not compiled")]
    variables = list(model.variables)
    could_train = _own_trainable(model)
    training = {id(variable) for variable in model.trainable_variables}
    before = [variable.numpy().copy() for variable in variables]
    penalty = float(sum(float(keras.ops.convert_to_numpy(each)) for each in model.losses))
    try:
        loss = _fit(model, inputs, outputs)
    except Exception as error:  # noqa: BLE001  (whatever Keras raises is the answer)
        return [Check("one training step", False, f"cannot be run: {reason(error)}")]
    checks = [Check("one training step", math.isfinite(loss), f"loss {loss:.4g}")]
    if penalty:
        share = f"{penalty:.4g} of the loss"
        checks.append(Check("regularization counts", math.isfinite(penalty), share))
    moved = {
        id(variable)
        for variable, old in zip(variables, before, strict=True)
        if old.tobytes() != variable.numpy().tobytes()
    }
    frozen = [v for v in variables if id(v) in could_train and id(v) not in training]
    thawed = [variable.path for variable in frozen if id(variable) in moved]
    checks.append(
        Check(
            "frozen variables stay bit-equal", not thawed, ", ".join(thawed[:4]) or str(len(frozen))
        )
    )
    checks.append(_check_moves(model, len(training & moved)))
    old_values = {id(v): old for v, old in zip(variables, before, strict=True)}
    return [*checks, *_check_rates(model, old_values)]


def _check_moves(model: Any, moved: int) -> Check:
    """Something that trains must have moved; where nothing can, the reason is told."""
    name, count = "trainable variables move", len(model.trainable_variables)
    told = f"{moved} of {count}"
    if moved or not count:
        return Check(name, True, told)
    optimizers = [
        keras_private.optimizer_for(model.optimizer, v) for v in model.trainable_variables
    ]
    if not any(map(_rate, optimizers)):
        return Check(name, False, f"{told}: the learning rate is 0", "set another one")
    dtypes = {keras_private.dtype_of(variable) for variable in model.trainable_variables}
    if not dtypes <= _NARROW:
        return Check(name, False, told)
    dtype = " and ".join(sorted(dtypes))
    keep = f"`dtype: mixed_{min(dtypes)}` keeps the variables in float32"
    stuck = [each for each in optimizers if _rounds_to_one(getattr(each, "beta_2", 0.0), dtype)]
    if len(stuck) == count:
        why = (
            f"`beta_2: {stuck[0].beta_2:g}` is 1 in {dtype}, so {type(stuck[0]).__name__} does not"
        )
        return Check(name, False, f"{told}: {why} move them", f"{keep}; or set a smaller `beta_2`")
    why = f"the step is too small for the precision of {dtype}"
    return Check(name, False, f"{told}: {why}", f"{keep}; or set a larger learning rate")


def _rounds_to_one(number: float, dtype: str) -> bool:
    """Whether nothing is left of the distance to 1, by which Adam corrects its averages.

    Source: keras 3.15 `optimizers.adam.Adam.update_step`, which casts to the variable's dtype.
    """
    import keras

    rounded = keras.ops.cast(keras.ops.cast(number, dtype), "float32")
    return number < 1 and float(keras_private.to_numpy(rounded)) == 1


def _own_trainable(model: Any) -> set[int]:
    """Variables that would train if nothing were frozen.

    Source: keras 3.15 `layers.layer.Layer._trainable_variables`.
    """
    found: set[int] = set()
    pending = [model]
    while pending:
        layer = pending.pop()
        found.update(id(variable) for variable in getattr(layer, "_trainable_variables", ()))
        pending.extend(keras_private.sublayers(layer))
    return found


def _fit(model: Any, inputs: Any, outputs: list[Any]) -> float:
    targets = _targets(model, outputs)
    history = model.fit(inputs, targets, batch_size=len(outputs[0]), epochs=1, verbose=0)
    return float(history.history["loss"][0])


def _targets(model: Any, outputs: list[Any]) -> Any:
    """Targets of the right shapes, in the structure of the model's outputs."""
    import keras

    structure = model.output if getattr(model, "output", None) is not None else outputs
    losses = _losses(model, len(outputs))
    targets = [_target(loss, value) for loss, value in zip(losses, outputs, strict=True)]
    return keras.tree.pack_sequence_as(structure, targets) if len(targets) > 1 else targets[0]


def _losses(model: Any, count: int) -> list[str]:
    """The name of each output's loss; one loss serves all."""
    import keras

    loss = model.loss
    if isinstance(loss, dict):
        listed = [loss.get(name) for name in _output_names(model, loss)]
    elif isinstance(loss, (list, tuple)):
        listed = list(loss)
    else:
        listed = [loss] * count
    flat = list(keras.tree.flatten(listed)) if listed else []
    flat += [None] * (count - len(flat))
    return [_name(each) for each in flat[:count]]


def _output_names(model: Any, loss: Mapping[str, Any]) -> list[str]:
    """What the keys of `loss` are: those of the outputs, where they have any, else their layers."""
    import keras

    outputs = getattr(model, "output", None)
    if isinstance(outputs, Mapping) and loss.keys() <= outputs.keys():
        return [str(key) for key in keras.tree.flatten({key: key for key in outputs})]
    return list(getattr(model, "output_names", loss))


def _name(loss: Any) -> str:
    named = (
        loss
        if isinstance(loss, str)
        else getattr(loss, "name", None) or str(getattr(loss, "__name__", type(loss).__name__))
    )
    return str(named).lower().replace("_", "")


def _target(loss: str, output: Any) -> Any:
    import numpy as np

    random = np.random.default_rng(1)
    if "sparse" in loss:
        return random.integers(0, output.shape[-1], output.shape[:-1])
    if "categorical" in loss and "crossentropy" in loss:
        classes = random.integers(0, output.shape[-1], output.shape[:-1])
        return np.eye(output.shape[-1], dtype="float32")[classes]
    if "binary" in loss or "hinge" in loss:
        return random.integers(0, 2, output.shape).astype("float32")
    return random.uniform(0.0, 1.0, output.shape).astype("float32")


Direction = Callable[[Any, Mapping[str, Any], float], Any]


def _adam(optimizer: Any, slots: Mapping[str, Any], step: float) -> Any:
    """Source: keras 3.15 `optimizers.adam.Adam.update_step`."""
    import numpy as np

    if optimizer.amsgrad:
        return None
    mean = slots["momentum"] / (1 - optimizer.beta_1**step)
    square = slots["velocity"] / (1 - optimizer.beta_2**step)
    epsilon = optimizer.epsilon / math.sqrt(1 - optimizer.beta_2**step)
    return mean / (np.sqrt(square) + epsilon)


_DIRECTIONS: dict[str, Direction] = {"Adam": _adam, "AdamW": _adam}


def _check_rates(model: Any, before: Mapping[int, Any]) -> list[Check]:
    """The rate that each group of variables really had, where its optimizer's formula is known."""
    measured: dict[float, list[float]] = {}
    wrong: list[str] = []
    for variable in model.trainable_variables:
        optimizer = keras_private.optimizer_for(model.optimizer, variable)
        found = _measured_rate(optimizer, variable, before[id(variable)])
        if found is None:
            continue
        expected = _rate(optimizer)
        measured.setdefault(expected, []).append(found)
        if abs(found - expected) > _TOLERANCE * abs(expected):
            wrong.append(f"{variable.path} trains with {found:.4g}, not {expected:.4g}")
    if wrong:
        return [Check("rates are the ones asked for", False, "; ".join(wrong[:4]))]
    if not measured:
        return []
    told = ", ".join(f"{rate:g} for {len(each)} variables" for rate, each in measured.items())
    return [Check("rates are the ones asked for", True, told)]


def _rate(optimizer: Any) -> float:
    """The rate of the step that was just made."""
    import keras

    rate = optimizer._learning_rate
    if keras_private.is_variable(rate):
        return float(rate.numpy())
    return float(keras.ops.convert_to_numpy(rate(int(optimizer.iterations.numpy()) - 1)))


def _measured_rate(optimizer: Any, variable: Any, old: Any) -> float | None:
    import numpy as np

    direction = _DIRECTIONS.get(type(optimizer).__name__)
    if keras_private.dtype_of(variable) in _NARROW:  # what is lost of the step is too much
        return None
    if direction is None or optimizer.gradient_accumulation_steps or optimizer.use_ema:
        return None
    index = optimizer._get_variable_index(variable)
    slots = {
        "momentum": optimizer._momentums[index].numpy().astype("float64"),
        "velocity": optimizer._velocities[index].numpy().astype("float64"),
    }
    step = float(optimizer.iterations.numpy())
    along = direction(optimizer, slots, step)
    if along is None:
        return None
    before = old.astype("float64")
    if optimizer.weight_decay is not None:
        along = along + optimizer.weight_decay * before
    update = before - variable.numpy().astype("float64")
    clear = np.abs(update) > _MEASURABLE * np.maximum(np.abs(before), 1e-8)
    clear &= np.abs(along) > 1e-3 * np.max(np.abs(along), initial=0.0)
    if not clear.any():
        return None
    return float(np.median(update[clear] / along[clear]))
