"""What a config names, judged by kover's own allow-list."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from kover.modelconfig.references import dangerous_references


def record(module: str | None, name: str, config: Any = None, **more: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config or {}, **more}


def function(module: str | None, name: str) -> dict[str, Any]:
    return record(module, "function", name)


@pytest.mark.parametrize(
    "harmless",
    [
        record("keras.layers", "Dense"),
        record("keras", "Sequential"),
        record("keras", "DTypePolicy", {"name": "float32"}),
        record("keras.src.models.functional", "Functional"),
        record("keras.src.ops.numpy", "GetItem"),
        record("keras.src.engine.functional", "Functional"),
        record("keras.optimizers.legacy", "Adam"),
        record("keras.optimizers.schedules", "CosineDecay"),
        record("keras.random", "SeedGenerator"),
        record("keras.utils", "FeatureSpace"),
        record("builtins", "__tuple__"),
        record("my.package", "Custom", registered_name="pkg>Custom"),
        function("builtins", "mean_squared_error"),
        function("keras.ops", "relu"),
        function("keras.losses", "mean_absolute_error"),
        {"vocabulary": ["a", "b"]},
        {"vocabulary": None},
    ],
    ids=str,
)
def test_what_models_are_made_of_passes(harmless: dict[str, Any]) -> None:
    assert dangerous_references({"config": {"layers": [harmless]}}) == ()


@pytest.mark.parametrize(
    ("harmful", "danger"),
    [
        (record("keras.layers", "Lambda"), "code"),
        (record("builtins", "__lambda__"), "foreign"),
        (record(None, "__lambda__"), "code"),
        (record("keras.layers", "TFSMLayer"), "code"),
        (record("keras.layers", "TorchModuleWrapper"), "code"),
        (record("keras.utils", "get_file"), "foreign"),
        (function("keras.config", "set_floatx"), "foreign"),
        (function("keras.config", "enable_unsafe_deserialization"), "foreign"),
        (function("keras.utils", "set_random_seed"), "foreign"),
        (function("keras.visualization", "plot_image_gallery"), "foreign"),
        (function("keras.saving", "load_model"), "foreign"),
        (function("keras.ops", "__class__.__base__"), "foreign"),
        (record("keras.src.saving.saving_lib", "H5IOStore"), "foreign"),
        (record("keras.src.utils.python_utils", "func_load"), "foreign"),
        (record("keras_hub.models", "Backbone"), "foreign"),
        (record("keras", "Loss"), "foreign"),
        (record(None, "__import__"), "foreign"),
        ({"vocabulary": "/etc/passwd"}, "outside"),
        ({"idf_weights": "https://example.com/x"}, "outside"),
    ],
    ids=str,
)
def test_the_rest_is_found_wherever_it_stands(harmful: dict[str, Any], danger: str) -> None:
    for config in (
        harmful,
        {"config": {"layers": [{"config": {"kernel_initializer": harmful}}]}},
        {"compile_config": {"optimizer": {"config": {"learning_rate": harmful}}}},
        {"a": [[[{"b": [harmful]}]]]},
    ):
        found = dangerous_references(config)
        assert [each.danger for each in found] == [danger]
        value: Any = config
        for step in found[0].pointer:
            value = value[step]
        assert value in (harmful, *harmful.values())


def test_a_config_nested_beyond_reason_is_walked() -> None:
    config: dict[str, Any] = record("keras.layers", "Lambda")
    for _ in range(5000):
        config = {"inside": [config]}
    assert len(dangerous_references(config)) == 1


def test_nothing_dangerous_is_found_in_real_archives(real_models: Path) -> None:
    for path in real_models.glob("*.keras"):
        with zipfile.ZipFile(path) as archive:
            assert dangerous_references(json.loads(archive.read("config.json"))) == ()
