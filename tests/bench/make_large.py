"""Make a model of many small layers without Keras: make_large.py TARGET LAYERS [--variant NAME].

Keras takes minutes to build ten thousand layers. This writes what it would have saved: the config
of a residual network with an optimizer, and a weights file whose arrays are tiny. The file is the
same every time.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PER_MODEL = 50  # layers of each inner model of a nested one
BLOCK = ("LayerNormalization", "Dense", "Dropout", "Dense", "Add")
GROUPS = {"LayerNormalization": "layer_normalization"}  # other classes: in lower case
Config = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """In what a model differs from the plain one.

    Attributes:
        prefix: of the names of all layers.
        rate: of all Dropout layers.
        activation: of all Dense layers.
        epsilon: of all normalizations.
        trainable: of all additions, which have nothing to train.
        shift: what is added to all weights.
        width: of all tensors.
        block: the classes of the layers, again and again.
    """

    prefix: str = "block"
    rate: float = 0.1
    activation: str = "gelu"
    epsilon: float = 1e-3
    trainable: bool = True
    shift: float = 0.0
    width: int = 4
    block: tuple[str, ...] = BLOCK


VARIANTS = {
    "plain": Variant(),
    "changed": Variant("block", 0.3, "relu", 1e-5, False, 0.5),
    "renamed": Variant(prefix="stage"),
}


def record(module: str, class_name: str, config: Config) -> Config:
    """An object as Keras writes it."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def tensor(layer: str, width: int) -> Config:
    """The output of a layer, as an argument of the next one."""
    config = {"shape": [None, width], "dtype": "float32", "keras_history": [layer, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def input_layer(name: str, width: int) -> Config:
    """Where a model begins."""
    config = {"batch_shape": [None, width], "dtype": "float32", "sparse": False, "ragged": False}
    made = record("keras.layers", "InputLayer", {**config, "name": name, "optional": False})
    return {**made, "name": name, "inbound_nodes": []}


def layer_config(class_name: str, name: str, variant: Variant) -> Config:
    """The config of one layer, with all that Keras 3.15 writes."""
    config: Config = {
        "name": name,
        "trainable": variant.trainable if class_name == "Add" else True,
        "dtype": record("keras", "DTypePolicy", {"name": "float32"}),
    }
    zeros = record("keras.initializers", "Zeros", {})
    if class_name == "Dense":
        glorot = {"seed": None, "input_axes": None, "output_axes": None}
        config |= {"units": variant.width, "activation": variant.activation, "use_bias": True}
        config |= {
            "kernel_initializer": record("keras.initializers", "GlorotUniform", glorot),
            "bias_initializer": zeros,
            **dict.fromkeys(("kernel_regularizer", "bias_regularizer", "kernel_constraint")),
            **dict.fromkeys(("bias_constraint", "quantization_config")),
        }
    elif class_name == "LayerNormalization":
        config |= {"axis": [-1], "epsilon": variant.epsilon, "center": True, "scale": True}
        config |= {
            "rms_scaling": False,
            "beta_initializer": zeros,
            "gamma_initializer": record("keras.initializers", "Ones", {}),
            **dict.fromkeys(("beta_regularizer", "gamma_regularizer")),
            **dict.fromkeys(("beta_constraint", "gamma_constraint")),
        }
    elif class_name == "Dropout":
        config |= {"rate": variant.rate, "seed": None, "noise_shape": None}
    return config


def chain(name: str, count: int, variant: Variant) -> Config:
    """A Functional model of `count` layers in all: an input, then residual blocks."""
    made = [input_layer(f"{name}_input", variant.width)]
    skip = last = f"{name}_input"
    shape = [None, variant.width]
    for index in range(count - 1):
        block, place = divmod(index, len(variant.block))
        class_name, own = variant.block[place], f"{name}_{variant.prefix}{block}_{place}"
        arguments: list[Any] = [tensor(last, variant.width)]
        if class_name == "Add":
            arguments = [[*arguments, tensor(skip, variant.width)]]
        layer = record("keras.layers", class_name, layer_config(class_name, own, variant))
        layer["build_config"] = {"input_shape": [shape, shape] if class_name == "Add" else shape}
        layer["name"] = own
        layer["inbound_nodes"] = [{"args": arguments, "kwargs": {}}]
        made.append(layer)
        skip, last = (own if class_name == "Add" else skip), own
    return functional(name, made, f"{name}_input", last)


def nested(name: str, count: int, variant: Variant) -> Config:
    """A Functional model of Functional models, `count` layers in all."""
    made, last = [input_layer(f"{name}_input", variant.width)], f"{name}_input"
    left = count - 1
    while left > 1:
        inner = chain(f"stage{len(made)}", min(PER_MODEL, left - 1), variant)
        left -= 1 + len(inner["config"]["layers"])
        inner["name"] = inner["config"]["name"]
        inner["inbound_nodes"] = [{"args": [tensor(last, variant.width)], "kwargs": {}}]
        last = inner["name"]
        made.append(inner)
    return functional(name, made, f"{name}_input", last)


def functional(name: str, layers: list[Config], first: str, last: str) -> Config:
    """A model around layers."""
    config = {"name": name, "trainable": True, "layers": layers}
    config |= {"input_layers": [first, 0, 0], "output_layers": [last, 0, 0]}
    return {
        **record("keras.src.models.functional", "Functional", config),
        "registered_name": "Functional",
        "build_config": {"input_shape": None},
    }


def compiled(model: Config) -> Config:
    """The model with Adam."""
    adam = {"name": "adam", "learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999}
    compile_config = {
        "optimizer": record("keras.optimizers", "Adam", {**adam, "epsilon": 1e-7}),
        **{"loss": "mse", "loss_weights": None, "metrics": None, "weighted_metrics": None},
        **{"run_eagerly": False, "steps_per_execution": 1, "jit_compile": False},
    }
    return {**model, "compile_config": compile_config}


def stored_shapes(layer: Config) -> list[tuple[int, ...]]:
    """The shapes of what a layer stores."""
    if layer["class_name"] not in ("Dense", "LayerNormalization"):
        return []
    width = layer["build_config"]["input_shape"][-1]
    return [(width, width) if layer["class_name"] == "Dense" else (width,), (width,)]


def groups(model: Config, place: str = "") -> Iterator[tuple[str, str, list[tuple[int, ...]]]]:
    """Group in the weights file, name, and shapes of what it stores, for all layers."""
    used: dict[str, int] = {}
    for layer in model["config"]["layers"]:
        class_name = layer["class_name"]
        stem = {"InputLayer": "input_layer"}.get(class_name, GROUPS.get(class_name))
        stem = stem or class_name.lower()
        number = used[stem] = used.get(stem, -1) + 1
        group = f"{place}layers/{stem}_{number}" if number else f"{place}layers/{stem}"
        yield group, layer["name"], stored_shapes(layer)
        if class_name == "Functional":
            yield from groups(layer, f"{group}/")


def weights(model: Config, shift: float) -> bytes:
    """The weights file: what the layers store, and two moments of Adam for each."""
    import h5py
    import numpy as np

    random = np.random.default_rng(11)
    slots: list[Any] = [np.int64(1), np.float32(1e-3)]
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("vars").attrs["name"] = model["config"]["name"]
        for group, name, shapes in groups(model):
            stored = file.create_group(f"{group}/vars")
            stored.attrs["name"] = name
            for number, shape in enumerate(shapes):
                values = (random.random(shape) + shift).astype("float32")
                stored.create_dataset(str(number), data=values)
                slots += [values / 10, values**2]
        optimizer = file.create_group("optimizer/vars")
        optimizer.attrs["name"] = "adam"
        for number, slot in enumerate(slots):
            optimizer.create_dataset(str(number), data=slot)
    return buffer.getvalue()


def write(target: Path, count: int, variant: Variant, *, inner: bool = False) -> None:
    """Write the archive."""
    model = compiled((nested if inner else chain)("large", count, variant))
    members = {
        "metadata.json": b'{"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}',
        "config.json": json.dumps(model).encode(),
        "model.weights.h5": weights(model, variant.shift),
    }
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)


def main() -> None:
    """Write one model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("layers", type=int)
    parser.add_argument("--variant", choices=VARIANTS, default="plain")
    parser.add_argument("--nested", action="store_true", help="models of 50 layers in a model")
    options = parser.parse_args()
    write(options.target, options.layers, VARIANTS[options.variant], inner=options.nested)


if __name__ == "__main__":
    main()
