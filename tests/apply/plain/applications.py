"""Plain Keras, without kover: makes models of `keras.applications`, and judges edited ones.

Reads one question a line from standard input, [function, arguments], and answers in JSON.
"""

from __future__ import annotations

import gc
import json
import sys
import warnings
from typing import Any

import keras
import numpy as np

CLASSES = 10
SETTINGS: dict[str, tuple[int, dict[str, Any]]] = {  # name -> smallest input size, arguments
    "MobileNet": (32, {"alpha": 0.25}),
    "MobileNetV2": (32, {"alpha": 0.35}),
    "MobileNetV3Small": (32, {"alpha": 0.75}),
    "EfficientNetB0": (32, {}),
    "EfficientNetV2B0": (32, {}),
    "DenseNet121": (32, {}),
    "NASNetMobile": (32, {}),
    "ResNet50": (32, {}),
    "ResNet50V2": (32, {}),
    "VGG16": (32, {}),
    "Xception": (71, {}),
    "InceptionV3": (75, {}),
    "InceptionResNetV2": (75, {}),
    "ConvNeXtTiny": (32, {}),
}


def make(name: str, path: str) -> dict[str, Any]:
    """Save the model, with the state that one step of Adam leaves; tell about its layers."""
    size, arguments = SETTINGS[name]
    keras.utils.set_random_seed(3)
    base = getattr(keras.applications, name)(
        weights=None, include_top=False, pooling="avg", input_shape=(size, size, 3), **arguments
    )
    outputs = keras.layers.Dense(CLASSES, activation="softmax", name="predictions")(base.output)
    model = keras.Model(base.input, outputs, name=name.lower())
    # Eager: tracing these graphs for a single step takes far longer than the step.
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", run_eagerly=True)
    step(model, CLASSES)
    model.save(path)
    facts = {"layers": [layer.name for layer in model.layers]}
    forget(model)
    return facts


def step(model: Any, classes: int) -> None:
    """Train one step on made-up data."""
    random = np.random.default_rng(5)
    images = random.uniform(0, 1, (4, *model.input_shape[1:])).astype("float32")
    model.train_on_batch(images, random.integers(0, classes, 4))


def judge(before: str, after: str, frozen: list[str], classes: int) -> list[str]:
    """What is wrong with `after`: `before` with frozen layers, regularised, with a new head."""
    original = keras.saving.load_model(before)
    values, slots = values_of(original), slots_of(original)
    iterations = int(original.optimizer.iterations)
    forget(original)
    with warnings.catch_warnings(record=True, action="always") as said:
        model = keras.saving.load_model(after)
    wrong = [f"Keras warns: {each.message}" for each in said]
    wrong += wrong_settings(model, frozen)
    wrong += wrong_values(model, values, slots, classes)
    if int(model.optimizer.iterations) != iterations:
        wrong.append(f"iterations: {int(model.optimizer.iterations)}")
    step(model, classes)
    wrong += wrong_training(model, values)
    forget(model)
    return wrong


def wrong_settings(model: Any, frozen: list[str]) -> list[str]:
    """Layers that are not frozen or not regularised as asked."""
    wrong = []
    for layer in model.layers:
        if layer.trainable_variables and layer.name in frozen:
            wrong.append(f"{layer.name} is not frozen")
        if not layer.trainable and layer.name not in frozen:
            wrong.append(f"{layer.name} is frozen")
    convolutions = [
        (layer, f"{part}_regularizer")
        for layer in model._flatten_layers(include_self=False)
        for part in ("kernel", "depthwise", "pointwise")
        if "Conv" in type(layer).__name__ and hasattr(layer, f"{part}_regularizer")
    ]
    for layer, attribute in convolutions:
        penalty = getattr(layer, attribute)
        if not isinstance(penalty, keras.regularizers.L2) or abs(penalty.l2 - 1e-4) > 1e-10:
            wrong.append(f"{layer.name}: {attribute} is {penalty}")
    if not convolutions or not model.losses:
        wrong.append("there is no penalty at all")
    return wrong


def wrong_values(
    model: Any, values: dict[str, Any], slots: dict[str, Any], classes: int
) -> list[str]:
    """Weights and slots that are not those of the original; the head's are fresh."""
    now, slots_now = values_of(model), slots_of(model)
    wrong = [f"{path} is another variable" for path in now.keys() ^ values.keys()]
    trainable = {f"{v.path} {role}" for v in model.trainable_variables for role in ("m", "v")}
    wrong += [f"slot of {path}" for path in trainable ^ slots_now.keys()]
    for path, value in now.items():
        if path.startswith("predictions/"):
            if value.shape[-1] != classes or not np.isfinite(value).all():
                wrong.append(f"{path} has the shape {value.shape}")
        elif not same(value, values[path]):
            wrong.append(f"{path} is not what it was")
    for path, value in slots_now.items():
        if path.startswith("predictions/"):
            if np.any(value):
                wrong.append(f"the slot of {path} is not fresh")
        elif not same(value, slots[path]):
            wrong.append(f"the slot of {path} is not what it was")
    return wrong


def wrong_training(model: Any, values: dict[str, Any]) -> list[str]:
    """Frozen variables that moved, and trainable ones that never do."""
    now = values_of(model)
    trainable = {variable.path for variable in model.trainable_variables}
    wrong = [
        f"{path} moved although it is frozen"
        for path in now.keys() - trainable
        if layer_of(model, path).trainable is False and not same(now[path], values[path])
    ]
    moved = [
        path
        for path in trainable
        if path.startswith("predictions/") or not same(now[path], values[path])
    ]
    if len(moved) < 0.9 * len(trainable):
        wrong.append(f"only {len(moved)} of {len(trainable)} trainable variables moved")
    return wrong


def layer_of(model: Any, path: str) -> Any:
    """The top-level layer that holds a variable."""
    owner: Any = next(
        layer for layer in model.layers if any(v.path == path for v in layer.variables)
    )
    return owner


def values_of(model: Any) -> dict[str, Any]:
    """Every variable's value, by its path; seeds of random layers are no weights."""
    found = {v.path: v.numpy().copy() for v in model.variables if "seed_generator" not in v.path}
    assert len({v.path for v in model.variables}) == len(model.variables)
    return found


def slots_of(model: Any) -> dict[str, Any]:
    """Adam's two moments of every variable that trains, by the variable's path."""
    optimizer = model.optimizer
    found = {}
    for variable in model.trainable_variables:
        index = optimizer._get_variable_index(variable)
        found[f"{variable.path} m"] = optimizer._momentums[index].numpy().copy()
        found[f"{variable.path} v"] = optimizer._velocities[index].numpy().copy()
    return found


def same(one: Any, other: Any) -> bool:
    """Equal bit for bit."""
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def forget(model: Any) -> None:
    """Free what a model holds."""
    del model
    keras.utils.clear_session()
    gc.collect()


def main() -> None:
    """Answer questions until there are no more."""
    for line in sys.stdin:
        function, arguments = json.loads(line)
        try:
            answer = {"result": {"make": make, "judge": judge}[function](**arguments)}
        except Exception as error:  # noqa: BLE001 (the answer to the question)
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
