"""Judge the example specs by Keras alone: python plain_keras.py FOLDER.

FOLDER holds `<name>.before.keras` and `<name>.after.keras` for each example. This process never
imports kover. It prints a JSON object: for each name null, or what is wrong.
"""

from __future__ import annotations

import json
import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np


def weights(model: Any) -> dict[str, Any]:
    """Every variable of the layers, by path; states of random generators are no weights."""
    return {v.path: np.array(v.numpy()) for v in model.variables if "seed_generator" not in v.path}


def slots(model: Any) -> dict[str, Any]:
    """Every variable of the optimizer, by path without the optimizer's own name."""
    return {v.path.split("/", 1)[1]: np.array(v.numpy()) for v in model.optimizer.variables}


def differing(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The keys that are not on both sides with the same bits."""
    return {
        key
        for key in before.keys() | after.keys()
        if key not in before or key not in after or before[key].tobytes() != after[key].tobytes()
    }


def inside(model: Any, path: str) -> Any:
    """The layer at a path such as `backbone/conv1`."""
    for name in path.split("/"):
        model = model.get_layer(name)
    return model


def example_batch(model: Any) -> tuple[Any, Any]:
    """Inputs and integer labels that the model takes."""
    random = np.random.default_rng(1)
    if not getattr(model, "inputs", None):  # of a class of its own, which knows no shapes
        return random.random((8, 4), dtype="float32"), random.integers(0, 2, (8,))
    shape = (8, *model.input_shape[1:])
    inputs = (
        random.integers(0, 20, shape)
        if "int" in model.inputs[0].dtype
        else random.random(shape, dtype="float32")
    )
    return inputs, random.integers(0, 2, (8, *model.output_shape[1:-1]))


def freeze_backbone(before: Any, after: Any) -> None:
    assert [v.path.split("/")[-2] for v in after.trainable_variables] == [
        "hidden",
        "hidden",
        "predictions",
        "predictions",
    ]
    assert not differing(weights(before), weights(after))
    kept = slots(after)
    assert len(kept) == 2 + 2 * 4
    assert differing(slots(before), kept) == slots(before).keys() - kept.keys()
    frozen = weights(inside(after, "backbone"))
    after.fit(*example_batch(after), verbose=0)
    assert not differing(frozen, weights(inside(after, "backbone")))


def add_l2(before: Any, after: Any) -> None:
    assert not before.losses
    assert len(after.losses) == 3
    kernels = [inside(after, p).kernel for p in ("backbone/conv1", "backbone/conv2", "hidden")]
    expected = sum(1e-4 * float(np.sum(np.square(kernel.numpy()))) for kernel in kernels)
    assert np.isclose(float(sum(after.losses)), expected, rtol=1e-5)
    assert after.get_layer("predictions").kernel_regularizer is None
    assert not differing(weights(before), weights(after))
    assert not differing(slots(before), slots(after))


def change_dropout(before: Any, after: Any) -> None:
    assert before.get_layer("dropout").rate == 0.2
    assert after.get_layer("dropout").rate == 0.5
    dropped = np.array(after.get_layer("dropout")(np.ones((100, 100)), training=True))
    assert 0.45 < np.mean(dropped == 0) < 0.55
    assert not differing(weights(before), weights(after))
    assert not differing(slots(before), slots(after))


def swap_activation(before: Any, after: Any) -> None:
    for path in ("backbone/relu1", "backbone/relu2", "hidden"):
        assert inside(before, path).activation is keras.activations.relu
        assert inside(after, path).activation is keras.activations.gelu
    assert after.get_layer("predictions").activation is keras.activations.softmax
    inputs, _ = example_batch(after)
    assert not np.allclose(before.predict(inputs, verbose=0), after.predict(inputs, verbose=0))
    assert not differing(weights(before), weights(after))
    assert not differing(slots(before), slots(after))


def new_head(before: Any, after: Any) -> None:
    assert after.output_shape == (None, 10)
    fresh = differing(weights(before), weights(after))
    assert {path.split("/")[-2] for path in fresh} == {"predictions"}
    kernel, bias = after.get_layer("predictions").get_weights()
    assert kernel.std() > 0.05
    assert not bias.any()
    assert all("predictions" in slot for slot in differing(slots(before), slots(after)))
    assert all(not v.any() for k, v in slots(after).items() if "predictions" in k)
    assert after.loss == "sparse_categorical_crossentropy"
    history = after.fit(*example_batch(after), verbose=0).history
    assert {"accuracy", "top3"} <= history.keys()


def retune_optimizer(before: Any, after: Any) -> None:
    assert np.isclose(float(after.optimizer.learning_rate), 1e-4)
    assert after.optimizer.clipnorm == 1.0
    assert type(after.optimizer) is type(before.optimizer)
    assert differing(slots(before), slots(after)) == {"learning_rate"}
    assert not differing(weights(before), weights(after))


def mixed_precision(before: Any, after: Any) -> None:
    for path in ("backbone/conv1", "backbone/bn2", "hidden", "dropout"):
        assert inside(after, path).compute_dtype == "bfloat16", path
        assert inside(after, path).variable_dtype == "float32", path
    assert after.get_layer("predictions").compute_dtype == "float32"
    inputs, _ = example_batch(after)
    moved = np.abs(before.predict(inputs, verbose=0) - after.predict(inputs, verbose=0)).max()
    assert 0 < moved < 0.05
    assert not differing(weights(before), weights(after))


def wrapper_inner_layer(before: Any, after: Any) -> None:
    encoder = after.get_layer("encoder")
    for layer in (encoder.forward_layer, encoder.backward_layer):
        assert (layer.cell.dropout, layer.cell.recurrent_dropout) == (0.2, 0.1)
    assert encoder.backward_layer.go_backwards
    assert after.get_layer("tags").layer.kernel_constraint.max_value == 2
    inputs, _ = example_batch(after)
    assert np.allclose(before.predict(inputs, verbose=0), after.predict(inputs, verbose=0))
    made = (after(inputs, training=training) for training in (True, False))
    assert not np.allclose(*map(keras.ops.convert_to_numpy, made))
    assert not differing(weights(before), weights(after))
    assert not differing(slots(before), slots(after))


def swap_layer(before: Any, after: Any) -> None:
    for name in ("relu1", "relu2"):
        layer = inside(after, f"backbone/{name}")
        assert type(layer) is keras.layers.LeakyReLU
        assert np.isclose(layer.negative_slope, 0.1)
        assert np.allclose(layer(np.array([-2.0, 3.0])), [-0.2, 3.0])
    inputs, _ = example_batch(after)
    assert not np.allclose(before.predict(inputs, verbose=0), after.predict(inputs, verbose=0))
    assert not differing(weights(before), weights(after))
    assert not differing(slots(before), slots(after))


def rename_layer(before: Any, after: Any) -> None:
    assert [layer.name for layer in after.layers] == [
        {"backbone": "trunk", "predictions": "species"}.get(layer.name, layer.name)
        for layer in before.layers
    ]
    trunk = {layer.name for layer in after.get_layer("trunk").layers}
    assert {"stem_conv1", "stem_conv2", "stem_bn1", "stem_bn2", "relu1", "pool2"} <= trunk
    assert after.output_names == ["species"]
    inputs, _ = example_batch(after)
    assert np.array_equal(before.predict(inputs, verbose=0), after.predict(inputs, verbose=0))
    for one, other in (
        (before.weights, after.weights),
        (before.optimizer.variables, after.optimizer.variables),
    ):
        assert len(one) == len(other)
        assert all(map(np.array_equal, one, other))


def hold_layers(before: Any, after: Any) -> None:
    assert not differing(weights(before), weights(after))
    held = weights(after.get_layer("attention"))
    assert len(held) == 8
    rest = weights(after.get_layer("predictions"))
    for _ in range(2):
        after.fit(*example_batch(after), verbose=0)
    assert not differing(held, weights(after.get_layer("attention")))
    assert len(differing(rest, weights(after.get_layer("predictions")))) == 2


def own_class(before: Any, after: Any) -> None:
    assert (before.rate, before.drop.rate) == (0.1, 0.1)
    assert (after.rate, after.drop.rate) == (0.3, 0.3)
    for one, other in (  # not by name: Keras makes up those of layers made in code
        (before.weights, after.weights),
        (before.optimizer.variables, after.optimizer.variables),
    ):
        assert len(one) == len(other) > 3
        assert all(map(np.array_equal, one, other))


def judge(name: str, check: Callable[[Any, Any], None], folder: Path) -> str | None:
    """What is wrong with one example, or None."""
    try:
        before, after = (
            keras.models.load_model(folder / f"{name}.{when}.keras") for when in ("before", "after")
        )
        check(before, after)
        after.fit(*example_batch(after), verbose=0)
        assert all(np.isfinite(value).all() for value in weights(after).values())
    except Exception:  # noqa: BLE001 (whatever it is, it is this example's verdict)
        return traceback.format_exc()
    return None


CHECKS = {
    check.__name__: check
    for check in (
        freeze_backbone,
        add_l2,
        change_dropout,
        swap_activation,
        new_head,
        retune_optimizer,
        mixed_precision,
        wrapper_inner_layer,
        swap_layer,
        rename_layer,
        hold_layers,
        own_class,
    )
}


def main(folder: Path) -> None:
    """Judge every example in `folder`."""
    runpy.run_path(str(Path(__file__).with_name("own_class.py")))  # Keras must know the class
    found = {path.name.split(".")[0] for path in folder.glob("*.after.keras")}
    verdicts = {
        name: judge(name, CHECKS[name], folder) if name in CHECKS else "no check for it"
        for name in sorted(found)
    }
    assert not any(module.split(".")[0] == "kover" for module in sys.modules)
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
