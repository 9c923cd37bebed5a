from __future__ import annotations

from typing import Any

import pytest

from kover.catalogue import catalogue


def record(
    class_name: str, module: str | None, registered_name: str | None = None, config: Any = None
) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": class_name,
        "config": {} if config is None else config,
        "registered_name": registered_name,
    }


@pytest.mark.parametrize(
    ("given", "kind", "class_name"),
    [
        (record("Dense", "keras.layers"), "layer", "Dense"),
        (record("Dense", "keras.layers", "Dense"), "layer", "Dense"),
        (record("Dense", "keras.src.layers.core.dense"), "layer", "Dense"),
        (record("Dense", "keras.layers.core"), "layer", "Dense"),
        (record("Dense", "tf_keras.src.layers.core.dense"), "layer", "Dense"),
        (record("Functional", "keras.src.engine.functional", "Functional"), "layer", "Functional"),
        (record("Functional", "keras.src.models.functional", "Functional"), "layer", "Functional"),
        (record("Sequential", "keras"), "layer", "Sequential"),
        (record("DTypePolicy", "keras"), "dtype_policy", "DTypePolicy"),
        (record("Identity", "keras.layers"), "layer", "Identity"),
        (record("Identity", "keras.initializers"), "initializer", "Identity"),
        (record("MeanSquaredError", "keras.losses"), "loss", "MeanSquaredError"),
        (record("MeanSquaredError", "keras.metrics"), "metric", "MeanSquaredError"),
        (record("CosineDecay", "keras.optimizers.schedules"), "schedule", "CosineDecay"),
        (record("Adam", "keras.src.optimizers.adam"), "optimizer", "Adam"),
        (record("L2", None), "regularizer", "L2"),
        (record("function", "builtins", "function", "relu"), "activation", "relu"),
        (record("function", "keras.losses", "huber", "huber"), "loss", "huber"),
        (record("function", "keras.metrics", None, "hinge"), "metric", "hinge"),
    ],
)  # fmt: skip
def test_records_of_keras_of_all_ages_lead_to_their_entry(
    given: dict[str, Any], kind: str, class_name: str
) -> None:
    entry = catalogue().entry_for_record(given)
    assert entry is not None
    assert (entry.kind, entry.class_name) == (kind, class_name)


@pytest.mark.parametrize(
    "given",
    [
        record("Dense", "keras.layers", "Custom>Dense"),
        record("Dense", "keras.layers", "my_pkg>Dense"),
        record("Dense", "my_pkg.layers"),
        record("Dense", "my_pkg.keras.layers"),
        record("Dense", "keras_hub.layers"),
        record("Dense", "kerasy.layers"),
        record("Dense", None, "my_pkg>Dense"),
        record("Dense", "keras.losses"),
        record("NoSuchLayer", "keras.layers"),
        record("function", "my_module", "function", "relu"),
        record("function", "builtins", "function", "my_pkg>relu"),
        record("function", "builtins", "function", {}),
        record("relu", "keras.activations"),
        {"class_name": None},
        {"class_name": ["Dense"], "module": "keras.layers"},
        {},
        None,
        "Dense",
        ["Dense"],
    ],
)
def test_custom_and_broken_records_lead_nowhere(given: Any) -> None:
    assert catalogue().entry_for_record(given) is None


def test_the_kind_asked_for_decides_where_a_record_does_not_tell() -> None:
    without_module = record("MeanSquaredError", None)
    loss = catalogue().entry_for_record(without_module, "loss")
    metric = catalogue().entry_for_record(without_module, "metric")
    assert loss is not None
    assert metric is not None
    assert (loss.kind, metric.kind) == ("loss", "metric")
