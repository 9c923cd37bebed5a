"""The usual ways to change a saved or a loaded model, and what each of them does."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from facts import Named, listed, load, of_file, values
from models import batch, sequential


def edited(path: str, change: Callable[[Any], None]) -> str:
    """A copy of an archive with another `config.json`."""
    target = path.replace(".keras", f".{change.__name__}.keras")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for member in source.infolist():
            data = source.read(member)
            if member.filename == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            copy.writestr(member, data)
    return target


def optimizer_of(config: Any) -> Any:
    return config["compile_config"]["optimizer"]


def layer_of(config: Any, name: str) -> Any:
    return next(x["config"] for x in config["config"]["layers"] if x["config"]["name"] == name)


def after_edit(path: str, edit: str, steps: int = 1) -> Named:
    """What Keras makes of an archive whose config was edited by one of the functions below."""
    return of_file(edited(path, globals()[edit]), steps)


def edited_file(path: str, edit: str) -> str:
    """The path of a copy whose config was edited by one of the functions below."""
    return edited(path, globals()[edit])


def failure(path: str, edit: str) -> str | None:
    """The first line of what loading such an archive raises."""
    try:
        keras.models.load_model(edited(path, globals()[edit]))
    except Exception as error:  # noqa: BLE001  (it is what was asked for)
        return str(error).strip().splitlines()[0]
    return None


def lower_rate(config: Any) -> None:
    optimizer_of(config)["config"]["learning_rate"] = 1e-5


def freeze_a(config: Any) -> None:
    layer_of(config, "a")["trainable"] = False


def freeze_b_and_thaw_a(config: Any) -> None:
    layer_of(config, "b")["trainable"] = False
    layer_of(config, "a")["trainable"] = True


def freeze_inner(config: Any) -> None:
    layer_of(config, "inner")["trainable"] = False


def freeze_bb(config: Any) -> None:
    layer_of(config, "bb")["trainable"] = False


def adamw(config: Any) -> None:
    optimizer_of(config)["class_name"] = "AdamW"


def nadam(config: Any) -> None:
    optimizer_of(config)["class_name"] = "Nadam"


def schedule(config: Any) -> None:
    optimizer_of(config)["config"]["learning_rate"] = keras.saving.serialize_keras_object(
        keras.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9)
    )


def moving_average(config: Any) -> None:
    optimizer_of(config)["config"]["use_ema"] = True


def amsgrad(config: Any) -> None:
    optimizer_of(config)["config"]["amsgrad"] = True


def two_optimizers(config: Any) -> None:
    from keras.optimizers import Adam, MultiOptimizer, OptimizerMap

    groups = OptimizerMap(Adam(0.01), {"(seq/)?a/.*": Adam(0.001)})
    config["compile_config"]["optimizer"] = keras.saving.serialize_keras_object(
        MultiOptimizer(groups)
    )


def fewer_units(config: Any) -> None:
    layer_of(config, "head")["units"] = 2


def scale_optimizer_weights(path: str) -> str:
    """What asking the optimizer for its weights raises."""
    model, _ = load(path)
    try:
        model.optimizer.get_weights()
    except AttributeError as error:
        return str(error)
    return ""


def set_regularizer(path: str) -> Named:
    """Losses after the attribute is set, after compile, and after a save and a load."""
    model, _ = load(path)
    layer = model.get_layer("a")
    layer.kernel_regularizer = keras.regularizers.L1(0.01)
    found: Named = {"set": len(model.losses)}
    model.compile("adam", "sparse_categorical_crossentropy")
    found["compiled"] = len(model.losses)
    found["config"] = layer.get_config()["kernel_regularizer"] is not None
    target = path.replace(".keras", ".regularized.keras")
    model.save(target)
    found["loaded"] = len(load(target)[0].losses)
    return found


def set_activation(path: str) -> Named:
    """How far outputs move, eagerly and from `predict`, when the attribute is set."""
    model, _ = load(path)
    model.compile("adam", "sparse_categorical_crossentropy")  # predict runs a traced function
    inputs = batch(model)[0]
    eager, traced = listed(model(inputs)), listed(model.predict(inputs, verbose=0))
    model.get_layer("head").activation = keras.activations.sigmoid
    return {
        "eager": distance(eager, listed(model(inputs))),
        "predict": distance(traced, listed(model.predict(inputs, verbose=0))),
    }


def distance(one: Any, other: Any) -> float:
    return float(np.abs(np.subtract(one, other)).max())


def predicted(path: str) -> Any:
    model, _ = load(path)
    return listed(model.predict(batch(model)[0], verbose=0))


def set_rate(path: str) -> str:
    """What a training step raises after the rate of a Dropout of 0 was set."""
    model, _ = load(path)
    model.get_layer("drop").rate = 0.5
    try:
        model.train_on_batch(*batch(model))
    except AttributeError as error:
        return str(error)
    return ""


def dropped(path: str) -> float:
    """The share of ones that the Dropout layer turns to zeros in training."""
    model, _ = load(path)
    left = listed(model.get_layer("drop")(np.ones((100, 100)), training=True))
    return float(np.mean(np.equal(left, 0)))


def set_trainable(path: str) -> Named:
    """How far `a/kernel` moves in a fit after `trainable` was set, without and with compile."""
    model, _ = load(path)
    model.compile("sgd", "sparse_categorical_crossentropy")  # fit runs a traced function
    model.fit(*batch(model), verbose=0)
    layer = model.get_layer("a")
    layer.trainable = False
    found: Named = {}
    for when in ("set", "compiled"):
        old = listed(layer.kernel)
        model.fit(*batch(model), verbose=0)
        found[when] = distance(old, listed(layer.kernel))
        model.compile("sgd", "sparse_categorical_crossentropy")
    return found


def trainable_flag(path: str, edit: str, name: str) -> bool:
    """What the nested model says of itself."""
    model, _ = load(edited(path, globals()[edit]))
    return bool(model.get_layer(name).trainable)


def exclude_biases(path: str, target: str) -> Named:
    """How far a zero gradient moves biases that are excluded from decay; then after a load."""
    model = sequential()
    model.get_layer("a").bias.assign(np.ones(4))
    model.compile(keras.optimizers.AdamW(0.1, weight_decay=0.5), "sparse_categorical_crossentropy")
    model.optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.optimizer.build(model.trainable_variables)
    found = {"built": decay(model)}
    model.save(target)
    model.save(path)
    return {**found, "loaded": decay(load(target)[0])}


def decay(model: Any) -> float:
    """How far `a/bias` moves when all gradients are zero."""
    bias = model.get_layer("a").bias
    old = listed(bias)
    model.optimizer.apply([keras.ops.zeros(v.shape, v.dtype) for v in model.trainable_variables])
    return distance(old, listed(bias))


def decay_of_file(path: str) -> Named:
    """The same for a file, and how far `a/kernel` moves; also after one more save and load."""
    found: Named = {}
    for when in ("first", "second"):
        model, warned = load(path)
        kernel = listed(model.get_layer("a").kernel)
        found[when] = {
            "warnings": warned,
            "bias": decay(model),
            "kernel": distance(kernel, listed(model.get_layer("a").kernel)),
        }
        path = path.replace(".keras", ".again.keras")
        model, _ = load(path.replace(".again.keras", ".keras"))
        model.save(path)
    return found


def clone(path: str) -> Named:
    """What is left in a clone."""
    model, _ = load(path)
    copy = keras.models.clone_model(model)
    return {
        "values equal": values(copy) == values(model),
        "iterations": [int(m.optimizer.iterations) for m in (model, copy)],
    }


def file_editor(one: str, other: str) -> Named:
    """What Keras' own editor says of two files, and whether it writes one."""
    from keras.saving import KerasFileEditor

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        editor = KerasFileEditor(one)
        same = editor.compare(keras.models.load_model(other))
        try:
            editor.save(one.replace(".keras", ".editor.keras"))
            refusal = ""
        except ValueError as error:
            refusal = str(error)
    return {
        "status": same["status"] if isinstance(same, dict) else str(same),
        "matches": same.get("match_count") if isinstance(same, dict) else None,
        "refusal": refusal,
        "stored": len(keras.models.load_model(one).variables),
        "exists": Path(one.replace(".keras", ".editor.keras")).exists(),
    }
