"""What `kover show` finds in an archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kover.archive.reader import open_archive
from kover.errors import UsageError
from kover.showing.collect import show_archive, show_layer
from kover.showing.model import LayerShown, ModelShown
from kover.values import MISSING

Write = Callable[[Path, dict[str, Any]], None]


def shown(path: Path) -> ModelShown:
    with open_archive(path) as archive:
        return show_archive(archive)


def by_path(model: ModelShown) -> dict[str, LayerShown]:
    return {layer.path: layer for layer in model.layers}


def test_a_layer_is_shown_with_what_matters(tiny_archive: Path) -> None:
    model = shown(tiny_archive)
    layer = by_path(model)["dense_a"]
    assert (layer.class_name, layer.output_shape, layer.parameters) == ("Dense", [None, 3], 15)
    assert layer.settings == {"units": 3, "activation": "relu"}
    assert [(each.variable, each.shape) for each in layer.arrays] == [
        ("kernel", (4, 3)),
        ("bias", (3,)),
    ]
    assert layer.inputs == ("input",)
    assert (model.parameters, model.trainable_parameters) == (23, 23)


def test_the_rate_is_the_one_that_a_load_gives(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> None:
    tiny_config["compile_config"]["optimizer"]["config"]["learning_rate"] = 0.5
    archive_of(tmp_path / "m.keras", tiny_config)
    model = shown(tmp_path / "m.keras")
    assert [(rate.where, rate.value, rate.written) for rate in model.rates] == [("*", 0.001, 0.5)]
    assert (model.slots, model.iterations) == (8, 5)


def test_what_is_not_the_default_is_shown_and_nothing_else(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> None:
    config = tiny_config["config"]["layers"][1]["config"]
    config["kernel_regularizer"] = {
        "module": "keras.regularizers",
        "class_name": "L2",
        "config": {"l2": 0.009999999776482582},
        "registered_name": None,
    }
    config |= {"use_bias": False, "trainable": False, "activation": "linear"}
    archive_of(tmp_path / "m.keras", tiny_config)
    layer = by_path(shown(tmp_path / "m.keras"))["dense_a"]
    assert not layer.trainable
    assert layer.settings == {
        "units": 3,
        "use_bias": False,
        "kernel_regularizer": {"class": "L2", "l2": 0.01},
    }


def test_a_model_saved_uncompiled_is_shown_as_such(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> None:
    del tiny_config["compile_config"]
    archive_of(tmp_path / "m.keras", tiny_config)
    model = shown(tmp_path / "m.keras")
    assert (model.compiled, model.rates) == (False, ())


def test_a_layer_is_shown_whole(tiny_archive: Path) -> None:
    with open_archive(tiny_archive) as archive:
        detail = show_layer(archive, "dense_b")
    assert detail.config["kernel_initializer"] == "GlorotUniform"
    assert detail.config["kernel_regularizer"] is None
    assert "kernel_regularizer" in detail.defaults
    assert "units" not in detail.defaults


def test_a_layer_that_is_not_there_is_said_with_its_neighbours(tiny_archive: Path) -> None:
    with open_archive(tiny_archive) as archive, pytest.raises(UsageError) as raised:
        show_layer(archive, "dense_c")
    problem = raised.value.problems[0]
    assert problem.code == "unknown-layer"
    assert problem.help == "did you mean 'dense_b' or 'dense_a'?"


def test_every_real_model_is_shown(real_models: Path) -> None:
    for path in sorted(real_models.glob("*.keras")):
        model = shown(path)
        assert len(model.layers) == model.facts.layer_count
        told = [layer for layer in model.layers if layer.output_shape is not MISSING]
        assert len(told) >= len(model.layers) // 2, path.name


@pytest.mark.keras
def test_parameters_and_shapes_are_those_of_keras(demo_model: Path) -> None:
    import keras

    loaded = keras.models.load_model(demo_model)
    model = shown(demo_model)
    assert model.parameters == loaded.count_params()
    for path, layer in by_path(model).items():
        kept = loaded
        for name in path.split("/"):
            kept = kept.get_layer(name)
        shape = kept.output.shape if layer.class_name != "InputLayer" else kept.batch_shape
        assert tuple(layer.output_shape) == tuple(shape), path  # type: ignore[arg-type]
        assert layer.parameters == kept.count_params(), path
