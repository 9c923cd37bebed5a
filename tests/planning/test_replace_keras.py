"""Keras builds, compiles and trains the model with a layer of another class in it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from kover.modelconfig.keras_values import shorten
from kover.modelconfig.tree import read_tree
from kover.planning.plan import Plan

PlanIt = Callable[..., Plan]

pytestmark = pytest.mark.keras


def revived(config: Any) -> Any:
    """The live model; Keras must have nothing to warn of."""
    import keras

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return keras.models.model_from_json(json.dumps(config))


@pytest.mark.parametrize(
    ("model", "path", "new", "more"),
    [
        ("flowers", "backbone/relu1", "{class: LeakyReLU, negative_slope: 0.1}", ""),
        ("flowers", "backbone/relu1", "PReLU", ""),
        ("flowers", "backbone/relu1", "{class: Conv2D, filters: 7, kernel_size: 1}", ""),
        ("flowers", "dropout", "GaussianDropout", ""),
        ("flowers", "backbone/bn1", "LayerNormalization", ""),
        ("flowers", "backbone/bn1", "SpatialDropout2D", ", set: {rate: 0.1}"),
        ("flowers", "backbone/bn1", "{class: GroupNormalization, groups: 2}", ""),
        ("flowers", "backbone/conv1", "SeparableConv2D", ", set: {depth_multiplier: 2}"),
        ("flowers", "backbone/conv2", "Conv2DTranspose", ", rename: up"),
        ("flowers", "backbone/average", "GlobalMaxPooling2D", ""),
        ("mixed", "{class: LSTM}", "GRU", ""),
        ("mixed", "{class: LSTM}", "SimpleRNN", ", set: {units: 3}"),
        ("mixed", "rnn/stacked_rnn_cells/lstm_cell", "GRUCell", ""),
        ("mixed", "d/leaky", "ReLU", ""),
        ("mixed", "bb/drop", "AlphaDropout", ""),
        ("mixed", "bi", "Bidirectional", ""),
    ],
)  # fmt: skip
def test_keras_builds_what_was_planned(
    plan: PlanIt, model: str, path: str, new: str, more: str
) -> None:
    if new == "SpatialDropout2D":
        new, more = "{class: SpatialDropout2D, rate: 0.1}", ""
    made = plan(model, f"overrides:\n- {{layers: {path}, replace: {new}{more}}}")
    live = {layer.name: type(layer).__name__ for layer in revived(made.after)._flatten_layers()}
    for change in made.changes:
        if change.attribute == "class":
            assert live[change.layer.rpartition("/")[2]] == change.after


@pytest.mark.parametrize(
    ("path", "new"),
    [("backbone/conv1", "SeparableConv2D"), ("backbone/bn1", "UnitNormalization"),
     ("backbone/relu1", "{class: LeakyReLU, negative_slope: 0.25}"), ("dropout", "AlphaDropout")],
)  # fmt: skip
def test_keras_writes_the_record_as_it_was_planned(plan: PlanIt, path: str, new: str) -> None:
    """All but the build config, which is left out, comes back from Keras as it went in."""
    made = plan("flowers", f"overrides:\n- {{layers: {path}, replace: {new}}}")
    again = read_tree(json.loads(revived(made.after).to_json()))
    planned = read_tree(made.after)
    one, other = (dict(tree.record(tree.node(path))) for tree in (planned, again))
    other.pop("build_config", None)
    assert shorten(one["config"]) == shorten(other["config"])
    assert {**one, "config": None} == {**other, "config": None}


def test_a_replaced_activation_computes_the_new_function(plan: PlanIt) -> None:
    import numpy as np

    made = plan(
        "flowers",
        "overrides:\n- {layers: relu1, replace: {class: LeakyReLU, negative_slope: 0.25}}",
    )
    layer = revived(made.after).get_layer("backbone").get_layer("relu1")
    assert np.allclose(layer(np.array([-2.0, 3.0])), [-0.5, 3.0])


def test_a_class_registered_by_the_user_takes_the_place(plan: PlanIt) -> None:
    import keras

    @keras.saving.register_keras_serializable("my_pkg")
    class Cap(keras.layers.Layer):  # type: ignore[misc,name-defined]  # keras has no types
        def __init__(self, limit: float, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.limit = limit

        def call(self, inputs: Any) -> Any:
            return keras.ops.minimum(inputs, self.limit)

    made = plan(
        "flowers", 'overrides:\n- {layers: relu1, replace: {class: "my_pkg>Cap", limit: 2}}'
    )
    layer = revived(made.after).get_layer("backbone").get_layer("relu1")
    assert (type(layer), layer.limit, layer.dtype_policy.name) == (Cap, 2, "float32")


def test_a_policy_survives_where_the_new_class_saves_a_plain_dtype(plan: PlanIt) -> None:
    text = "overrides:\n- {layers: dropout, set: {dtype: mixed_bfloat16}}\n"
    made = plan(
        "shared", "overrides:\n- {layers: b, replace: {class: SpatialDropout1D, rate: 0.1}}"
    )
    assert read_tree(made.after).node("b").class_name == "SpatialDropout1D"
    made = plan("flowers", text + "- {layers: dropout, replace: GaussianDropout}")
    layer = revived(made.after).get_layer("dropout")
    assert (type(layer).__name__, layer.compute_dtype) == ("GaussianDropout", "bfloat16")
