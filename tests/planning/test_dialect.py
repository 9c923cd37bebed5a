"""A plan writes new values as the Keras that saved the model would have written them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kover.planning.dialect import as_saved_by
from kover.planning.plan import Plan

Plans = Callable[..., Plan]
LATER = {"input_axes", "output_axes"}  # of initializers, from Keras 3.15 on


def layer_config(plan: Plan, name: str) -> dict[str, Any]:
    root: Any = plan.after
    return next(
        record["config"]
        for record in root["config"]["layers"]
        if record["config"].get("name") == name
    )


@pytest.mark.parametrize(
    ("version", "later"), [("3.10.0", set()), ("3.14.1", set()), ("3.15.1", LATER), (None, LATER)]
)
def test_a_filled_in_default_that_came_later_is_left_out(
    tiny_config: dict[str, Any], plan: Plans, version: str | None, later: set[str]
) -> None:
    text = "overrides: [{layers: dense_a, set: {kernel_initializer: he_normal}}]"
    planned = plan(tiny_config, text, keras_version=version)
    written = layer_config(planned, "dense_a")["kernel_initializer"]
    assert written["class_name"] == "HeNormal"
    assert set(written["config"]) == {"seed"} | later
    (change,) = planned.changes
    assert ("input_axes" in str(change.after)) is bool(later)


def test_what_the_spec_asks_for_stays(tiny_config: dict[str, Any], plan: Plans) -> None:
    text = """
        overrides:
          - layers: dense_a
            set: {kernel_initializer: {class: HeNormal, input_axes: [0]}, quantization_config: null}
    """
    config = layer_config(plan(tiny_config, text, keras_version="3.10.0"), "dense_a")
    assert config["kernel_initializer"]["config"] == {"seed": None, "input_axes": [0]}
    assert config["quantization_config"] is None


def test_a_layer_of_another_class_has_what_the_class_had(
    tiny_config: dict[str, Any], plan: Plans
) -> None:
    given = "{class: EinsumDense, equation: 'ab,bc->ac', output_shape: 3}"
    text = f"overrides: [{{layers: dense_b, replace: {given}}}]"
    new = layer_config(plan(tiny_config, text, keras_version="3.12.1"), "dense_b")
    assert "quantization_config" not in new
    assert new["kernel_initializer"]["config"].keys() == {"seed"}
    newest = layer_config(plan(tiny_config, text, keras_version="3.15.1"), "dense_b")
    assert newest.keys() - new.keys() == {"quantization_config"}


def test_a_new_optimizer_and_what_is_in_a_list_likewise(
    tiny_config: dict[str, Any], plan: Plans
) -> None:
    text = """
        compile:
          optimizer: {class: Muon, learning_rate: 0.1}
          metrics: [{class: SparseCategoricalCrossentropy}]
    """
    for version, has in (("3.12.4", False), ("3.15.1", True)):
        compiled: Any = plan(tiny_config, text, keras_version=version).after["compile_config"]
        assert ("rms_rate" in compiled["optimizer"]["config"]) is has
        assert ("ignore_class" in compiled["metrics"][0]["config"]) is has


def test_what_is_no_object_of_keras_is_left_alone() -> None:
    values: list[Any] = [
        None,
        3,
        [1, [2]],
        {"input_axes": None},
        {"class_name": "HeNormal", "module": "mine", "registered_name": "mine>HeNormal",
         "config": {"input_axes": None}},
    ]  # fmt: skip
    for value in values:
        assert as_saved_by(value, "3.10.0") == value
