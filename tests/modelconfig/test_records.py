from __future__ import annotations

from typing import Any

import pytest

from kover.modelconfig.records import (
    is_layer,
    is_model,
    is_operation,
    is_record,
    keras_package,
    model_kind,
)


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("keras", ""),
        ("keras.layers", "layers"),
        ("keras.src.engine.functional", "engine"),
        ("keras.src.layers.core.dense", "layers"),
        ("tf_keras.src.models", "models"),
        ("tensorflow.keras.layers", "layers"),
        ("keras.optimizers.schedules", "optimizers"),
        ("keras_hub.layers", None),
        ("kerastuner", None),
        ("builtins", None),
        (None, None),
        (3, None),
    ],
)
def test_keras_own_modules_are_known(module: Any, package: str | None) -> None:
    assert keras_package(module) == package


def test_a_feature_space_is_a_layer_and_its_features_are_not(record: Any) -> None:
    module = "keras.src.layers.preprocessing.feature_space"
    assert is_layer(record("FeatureSpace", "keras.utils"))
    assert not is_layer(record("Feature", module, dtype="float32"))
    assert not is_layer(record("Cross", module))


def test_a_layer_that_keras_keeps_beside_an_application_is_no_operation(record: Any) -> None:
    assert is_layer(record("LayerScale", "keras.src.applications.convnext"))
    assert not is_operation(record("LayerScale", "keras.src.applications.convnext"))
    assert is_operation(record("Add", "keras.src.ops.numpy"))


def test_a_custom_class_is_a_layer_by_its_structure(record: Any) -> None:
    assert is_layer(record("A", "m", name="a", trainable=True))
    assert not is_layer(record("A", "m", name="a"))
    assert is_layer(record("A", "m"), key="cell")
    assert is_layer({**record("A", "m"), "build_config": {}})
    assert not is_layer({"class_name": "A", "config": "a", "build_config": {}})


def test_models_are_known_by_class_or_by_what_they_keep(record: Any) -> None:
    wiring = {"layers": [], "input_layers": [], "output_layers": []}
    assert model_kind(record("Net", "m", **wiring)) == "functional"
    assert model_kind(record("Net", "m", layers=[], build_input_shape=[None, 2])) == "sequential"
    assert model_kind(record("Net", "m", layers=3)) is None
    assert model_kind({**record("Sequential", None), "registered_name": "m>Sequential"}) is None
    assert model_kind({"class_name": "Sequential", "config": {}}) == "sequential"
    assert is_model({**record("Net", "m"), "compile_config": {}})
    assert not is_model(record("Dense"))


@pytest.mark.parametrize(
    "value", [None, [], {}, {"class_name": "A"}, {"class_name": 1, "config": 0}]
)
def test_a_record_has_a_class_and_a_config(value: Any) -> None:
    assert not is_record(value)
