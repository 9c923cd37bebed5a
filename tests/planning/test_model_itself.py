"""A model of a class of its own: its constructor's arguments are attributes of the model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kover.planning.plan import Plan

COMPILED = "compile: {optimizer: adam, loss: mse}"
INNER: Any = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"name": "projection", "trainable": True, "units": 4},
    "registered_name": None,
}


@pytest.fixture
def net() -> dict[str, Any]:
    """The config of a subclassed model that got one layer as an argument."""
    return {
        "module": "nets",
        "class_name": "Net",
        "config": {"name": "net", "trainable": True, "units": 8, "rate": 0.0, "inner": INNER},
        "registered_name": "nets>Net",
        "build_config": {"input_shape": [None, 5]},
    }


@pytest.mark.parametrize("selector", ["net", "'ne?'", "{class: Net}", "{class: 'nets>*'}",
                                      "{name: net, has: rate}", "{where: {units: 8}}"])  # fmt: skip
def test_the_model_is_selected_where_no_layer_fits(
    selector: str, net: Any, plan: Callable[..., Plan]
) -> None:
    made = plan(net, f"overrides:\n- {{layers: {selector}, set: {{rate: 0.5}}}}\n")
    assert made.outcomes[0].matched == ("net",)
    assert made.after["config"] == {**net["config"], "rate": 0.5}
    assert made.after["build_config"] == net["build_config"]
    assert [(each.layer, each.attribute) for each in made.changes] == [("", "rate")]


@pytest.mark.parametrize(
    ("selector", "matched"),
    [("'*'", ("projection",)), ("{has: units}", ("projection",)), ("{index: 0}", ("projection",))],
)
def test_a_layer_that_fits_comes_first(
    selector: str, matched: tuple[str, ...], net: Any, plan: Callable[..., Plan]
) -> None:
    made = plan(net, f"overrides:\n- {{layers: {selector}, set: {{units: 3}}}}\n")
    assert made.outcomes[0].matched == matched
    assert made.after["config"]["units"] == 8


@pytest.mark.parametrize("wanted", ["{index: 3}", "{from: net}", "nets/net", "{path: 'n*'}"])
def test_what_is_about_places_never_means_the_model(
    wanted: str, net: Any, refusals: Callable[..., list[str]]
) -> None:
    assert refusals(net, f"overrides:\n- {{layers: {wanted}, set: {{rate: 0.5}}}}\n")


def test_freezing_the_model_freezes_the_layers_of_its_config(
    net: Any, plan: Callable[..., Plan]
) -> None:
    made = plan(net, "overrides:\n- {layers: net, set: {trainable: false}}\n")
    assert made.after["config"]["trainable"] is False
    assert made.after["config"]["inner"]["config"]["trainable"] is False


def test_a_rate_for_the_model_is_one_for_all_that_it_holds(
    net: Any, plan: Callable[..., Plan]
) -> None:
    made = plan(net, f"overrides:\n- {{layers: net, learning_rate: 0.1}}\n{COMPILED}")
    assert [rate.layer for rate in made.rates] == ["", "projection"]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("{layers: net, set: {ratio: 1}}", "the model (Net) has no attribute 'ratio'"),
        ("{layers: net, set: {inner: null}}", "'inner' of the model holds layers"),
        ("{layers: net, was: {rate: 0.5}, set: {rate: 1}}", "'rate' of the model is 0.0, not 0.5"),
        ("{layers: net, set: {name: other}}", "'name' cannot be set"),
        ("{layers: net, rename: other}", "no layer matches 'net'"),
        ("{layers: net, replace: Dense}", "no layer matches 'net'"),
        ("{layers: stem, learning_rate: 1}", "no layer matches 'stem'"),
    ],
)
def test_what_does_not_fit_is_said_of_the_model(
    override: str, said: str, net: Any, refusals: Callable[..., list[str]]
) -> None:
    (problem,) = refusals(net, f"overrides:\n- {override}\n{COMPILED}")
    assert said in problem


@pytest.mark.parametrize("model", ["flowers"])
def test_functional_and_sequential_models_are_no_layers(
    model: str, config: Any, refusals: Callable[..., list[str]]
) -> None:
    name = config(model)["config"]["name"]
    (problem,) = refusals(model, f"overrides:\n- {{layers: {name}, set: {{trainable: false}}}}\n")
    assert "unknown-layer" in problem
