"""Keras accepts a model with new names, calls its layers by them, and computes the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kover.modelconfig.tree import ModelTree, read_tree
from kover.planning.plan import Plan

PlanIt = Callable[..., Plan]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.keras


def revived(config: Any) -> Any:
    """The live model; Keras must have nothing to warn of."""
    import keras

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return keras.models.model_from_json(json.dumps(config))


def held_names(model: Any, tree: ModelTree, path: str | None = None) -> list[str]:
    """The names of the live layers, in the order of the tree; nested models and all."""
    found = []
    for node in tree.children(path):
        layer = model.get_operation(node.name) if hasattr(model, "get_operation") else None
        layer = layer or next(op for op in model.operations if op.name == node.name)
        found.append(layer.name)
        if node.is_model:
            found += held_names(layer, tree, node.path)
    return found


def two_towers(outputs: Any, **compiled: Any) -> Any:
    """Inputs and outputs by name, a layer used twice, nested models called with mappings."""
    import keras
    from keras import layers

    def tower(name: str, mapped: bool) -> Any:
        p, q = (keras.Input((4,), name=key) for key in "pq")
        total = layers.Add(name="sum")([layers.Dense(3, name="dp")(p), layers.Dense(3)(q)])
        return keras.Model({"p": p, "q": q} if mapped else [p, q], total, name=name)

    left, right = (keras.Input((4,), name=name) for name in ("left", "right"))
    shared = layers.Dense(4, name="shared")
    one = tower("one", mapped=True)({"p": shared(left), "q": shared(right)})
    other = tower("other", mapped=False)({"p": left, "q": right})
    merged = keras.ops.relu(one) + other * 2
    heads = [layers.Dense(units, name=f"o{units}")(merged) for units in (1, 2)]
    mapped = isinstance(outputs, dict)
    model = keras.Model(
        {"left": left, "right": right} if mapped else [left, right],
        dict(zip(outputs, heads, strict=True)) if mapped else heads,
        name="net",
    )
    model.compile("adam", **compiled)
    return model


def by_name(model: Any, values: dict[str, Any]) -> Any:
    """The values as the model takes them, the nth being the nth input."""
    return dict(zip([tensor.name for tensor in model.inputs], values.values(), strict=True))


@pytest.mark.parametrize(
    "mapped",
    # Before, Keras does not find the losses of outputs that have other names than their layers.
    [False, pytest.param(True, marks=pytest.mark.needs_keras(">=3.15"))],
)
@pytest.mark.parametrize(
    "override",
    [
        "{layers: shared, rename: both}",
        "{layers: one/p, rename: o}",
        "{layers: other/p, rename: zz}",
        "{layers: /left, rename: links}",
        "{layers: o1, rename: first}",
        "{layers: [one, other], rename: 'the-{name}'}",
        "{layers: {class: Relu}, rename: rectified}",
        "{layers: '**', rename: 'n_{name}'}",
    ],
)
def test_a_renamed_model_computes_and_trains_as_before(
    plan: PlanIt, mapped: bool, override: str
) -> None:
    import numpy as np

    if mapped:
        outputs, names = {"o1": 1, "second": 2}, ["o1", "second"]
    else:
        outputs, names = None, ["o1", "o2"]
    first = two_towers(
        outputs,
        loss=dict(zip(names, ("mse", "mae"), strict=True)),
        metrics={names[1]: ["mse"]},
    )
    made = plan(json.loads(first.to_json()), f"overrides:\n- {override}")
    assert made.renamed
    after = revived(made.after)
    tree = read_tree(made.after)
    assert held_names(after, tree) == [node.name for node in tree.layers]
    after.set_weights(first.get_weights())
    random = np.random.default_rng(3)
    inputs = {name: random.random((4, 4), dtype="float32") for name in ("left", "right")}
    old, new = (m.predict(by_name(m, inputs), verbose=0) for m in (first, after))
    for one, other in zip(*(x.values() if mapped else x for x in (old, new)), strict=True):
        assert np.array_equal(one, other)
    targets = {
        key: np.zeros((4, units))
        for key, units in zip(names if mapped else after.output_names, (1, 2), strict=True)
    }
    history = after.fit(by_name(after, inputs), targets, verbose=0).history
    assert len(history) == 4, "a loss, two parts of it, a metric"


dotted = pytest.mark.needs_backend("tensorflow", "jax")  # torch takes no dot in a name


@pytest.mark.parametrize(
    ("model", "path", "name"),
    [("mixed", "bi", "both"), ("mixed", "bi/forward_lstm", "forward_reader"),
     ("mixed", "bi/backward_lstm", "anything"), ("mixed", "rnn/stacked_rnn_cells", "cells"),
     ("mixed", "rnn/stacked_rnn_cells/gru_cell", "second"), ("mixed", "d/leaky", "slope"),
     ("mixed", "bb", "seq"), ("mixed", "bb/bn", "norm"),
     pytest.param("shared", "b", "b.2", marks=dotted),
     pytest.param("loss_scale", "a", "x.y", marks=dotted), ("flowers", "backbone/image", "pixels")],
)  # fmt: skip
def test_layers_that_others_hold_get_the_name_too(
    plan: PlanIt, model: str, path: str, name: str
) -> None:
    made = plan(model, f"overrides:\n- {{layers: {path}, rename: {json.dumps(name)}}}")
    live = revived(made.after)
    found = {layer.name for layer in live._flatten_layers()}
    old = path.rpartition("/")[2]
    assert name in found
    assert (old in found) == any(n.name == old for n in read_tree(made.after).layers)


def test_keras_still_insists_on_the_name_of_a_forward_layer(
    config: Callable[[str], dict[str, Any]],
) -> None:
    """Pins the refusal: keras 3.15.1 layers/rnn/bidirectional.py, `Bidirectional.__init__`."""
    model = config("mixed")
    bidirectional = model["config"]["layers"][2]["config"]
    bidirectional["layer"]["config"]["name"] = "reader"
    bidirectional["backward_layer"]["config"]["name"] = "writer"
    live = revived(model).get_layer("bi")
    assert (live.forward_layer.name, live.backward_layer.name) == ("forward_reader", "writer")


@pytest.mark.needs_backend("tensorflow")
def test_tensorflow_still_insists_on_plain_names() -> None:
    """Pins the refusal: tensorflow 2.21 framework/ops.py, `name_scope_v1`."""
    import keras
    import numpy as np

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="a b")])
    with pytest.raises(ValueError, match="not a valid scope name"):
        model.predict(np.zeros((1, 2)), verbose=0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="_a.b-c>d")])
    model.predict(np.zeros((1, 2)), verbose=0)


@pytest.mark.needs_keras(">=3.15.1")  # the first with MultiOptimizer
def test_rates_by_layer_follow_through_apply(
    run_kover: Run, demo_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "flowers.keras"
    shutil.copy(demo_model, model)
    specs = {
        "rates": "- {layers: backbone, learning_rate: {multiply: 0.1}}",
        "names": "- {layers: backbone, rename: trunk}\n- {layers: conv1, rename: stem}",
    }
    for name, text in specs.items():
        spec = tmp_path / f"{name}.yaml"
        spec.write_text(f"version: 1\noverrides:\n{text}\n")
        verify = "train" if name == "names" else "build"
        arguments = ("apply", model, spec, "--in-place", "--verify", verify)
        done = run_kover(*arguments)
        assert done.returncode == 0, done.stderr
    assert "✓ rates are the ones asked for" in done.stdout
    assert "20 kept" in done.stdout
