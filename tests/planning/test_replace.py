"""`replace`: what is carried over to the new class, what comes from it, what is in the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kover.catalogue import catalogue
from kover.modelconfig.tree import read_tree
from kover.planning.plan import Plan
from kover.spec.loading import load_spec
from kover.values import MISSING

PlanIt = Callable[..., Plan]
Refusals = Callable[..., list[str]]
Config = Callable[[str], dict[str, Any]]


def changed(made: Plan) -> dict[tuple[str, str], tuple[object, object]]:
    return {(c.layer, c.attribute): (c.before, c.after) for c in made.changes}


def replaced(plan: PlanIt, model: Any, path: str, new: str, more: str = "") -> tuple[Plan, Any]:
    """The plan, and the layer's record in it."""
    made = plan(model, f"overrides:\n- {{layers: {path}, replace: {new}{more}}}")
    tree = read_tree(made.after)
    return made, tree.record(tree.node(path.strip("/")))


@pytest.mark.parametrize(
    ("model", "path", "new", "expected"),
    [
        ("flowers", "backbone/relu1", "{class: LeakyReLU, negative_slope: 0.1}",
         {"class": ("Activation", "LeakyReLU"), "activation": ("relu", MISSING),
          "negative_slope": (MISSING, 0.1)}),
        ("flowers", "dropout", "SpatialDropout2D",
         {"class": ("Dropout", "SpatialDropout2D"), "noise_shape": (None, MISSING),
          "trainable": (True, MISSING), "data_format": (MISSING, "channels_last")}),
        ("flowers", "dropout", "{class: GaussianNoise, stddev: 0.5}",
         {"class": ("Dropout", "GaussianNoise"), "noise_shape": (None, MISSING),
          "rate": (0.2, MISSING), "stddev": (MISSING, 0.5)}),
        ("flowers", "dropout", "{class: AlphaDropout, rate: 0.3}",
         {"class": ("Dropout", "AlphaDropout"), "rate": (0.2, 0.3)}),
        ("flowers", "hidden", "{class: Dense, units: 9}", {"units": (8, 9)}),
        ("mixed", "bi/backward_lstm", "GRU",
         {"class": ("LSTM", "GRU"), "unit_forget_bias": (True, MISSING),
          "reset_after": (MISSING, True)}),
        ("mixed", "d/leaky", "ELU",
         {"class": ("LeakyReLU", "ELU"), "negative_slope": (0.3, MISSING),
          "alpha": (MISSING, 1.0)}),
    ],
)  # fmt: skip
def test_a_replacement_changes_exactly_this(
    plan: PlanIt, model: str, path: str, new: str, expected: dict[str, tuple[object, object]]
) -> None:
    made, _ = replaced(plan, model, path, new)
    assert changed(made) == {(path, name): sides for name, sides in expected.items()}
    after = read_tree(made.after).node(path).class_name
    assert {change.class_name for change in made.changes} == {after}
    assert made.renamed == {}
    assert not made.warnings


def test_the_record_is_what_keras_would_write_for_the_class(plan: PlanIt) -> None:
    made, record = replaced(plan, "flowers", "backbone/conv1", "SeparableConv2D")
    before = read_tree(made.before)
    old: Any = before.record(before.node("backbone/conv1"))
    entry = catalogue().layer("SeparableConv2D")
    assert entry is not None
    assert {key: record[key] for key in ("module", "class_name", "registered_name")} == {
        "module": "keras.layers", "class_name": "SeparableConv2D", "registered_name": None,
    }  # fmt: skip
    assert set(record["config"]) == set(entry.config_keys)
    for name in ("name", "filters", "kernel_size", "padding", "activation", "dtype", "trainable"):
        assert record["config"][name] == old["config"][name], name
    assert record["config"]["depth_multiplier"] == 1
    assert (record["name"], record["inbound_nodes"]) == (old["name"], old["inbound_nodes"])
    assert "build_config" in old
    assert "build_config" not in record


def test_what_was_chosen_is_carried_over_and_what_was_left_is_the_new_classs(
    plan: PlanIt, config: Config
) -> None:
    model = config("flowers")
    backbone = model["config"]["layers"][1]["config"]["layers"]
    relu = next(each for each in backbone if each["name"] == "relu1")
    relu["class_name"] = "ReLU"
    del relu["config"]["activation"]
    for slope, expected in ((0.0, 0.3), (0.05, 0.05)):
        relu["config"] |= {"max_value": None, "negative_slope": slope, "threshold": 0.0}
        _, record = replaced(plan, model, "backbone/relu1", "LeakyReLU")
        assert record["config"]["negative_slope"] == expected
        assert "threshold" not in record["config"]


def test_arguments_of_one_name_and_another_kind_are_not_carried_over(
    plan: PlanIt, config: Config
) -> None:
    model = config("flowers")
    backbone = model["config"]["layers"][1]["config"]["layers"]
    norm = next(each for each in backbone if each["name"] == "bn1")["config"]
    norm |= {"axis": 2, "epsilon": 0.5, "center": False}
    _, record = replaced(plan, model, "backbone/bn1", "LayerNormalization")
    assert record["config"]["axis"] == -1, "the axis that stays, and the axis that is normalised"
    assert (record["config"]["epsilon"], record["config"]["center"]) == (0.5, False)


def test_calls_lose_the_null_arguments_that_the_new_class_may_not_take(
    plan: PlanIt, config: Config
) -> None:
    model = config("flowers")
    backbone = model["config"]["layers"][1]["config"]["layers"]
    norm = next(each for each in backbone if each["name"] == "bn1")
    norm["inbound_nodes"][0]["kwargs"] = {"mask": None, "training": False}
    _, record = replaced(plan, model, "backbone/bn1", "LayerNormalization", ", rename: bn1")
    assert record["inbound_nodes"][0]["kwargs"] == {"training": False}
    assert record["inbound_nodes"][0]["args"] == norm["inbound_nodes"][0]["args"]


def test_a_custom_class_keeps_what_every_layer_has(plan: PlanIt) -> None:
    made, record = replaced(plan, "flowers", "hidden", '{class: "my_pkg>Clip", limit: 3}')
    assert (record["module"], record["class_name"]) == (None, "Clip")
    assert record["registered_name"] == "my_pkg>Clip"
    assert set(record["config"]) == {"name", "trainable", "dtype", "limit"}
    assert changed(made)["hidden", "class"] == ("Dense", "my_pkg>Clip")
    again, record = replaced(plan, made.after, "hidden", '{class: "my_pkg>Clip", limit: 4}')
    assert changed(again) == {("hidden", "limit"): (3, 4)}
    _, record = replaced(plan, "custom", "clip", "{class: ReLU, max_value: 2.5}")
    assert (record["class_name"], record["registered_name"]) == ("ReLU", None)
    assert (record["config"]["name"], record["config"]["max_value"]) == ("clip", 2.5)


def test_set_and_unset_speak_of_the_new_class_and_the_new_name_comes_last(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        """
        overrides:
        - layers: conv1
          rename: separable
          set: {depth_multiplier: 2, depthwise_regularizer: l2, filters: 3}
          unset: [padding]
          replace: {class: SeparableConv2D, filters: 6}
        """,
    )
    found = changed(made)
    path = "backbone/separable"
    assert {layer for layer, _ in found} == {path}
    assert found[path, "class"] == ("Conv2D", "SeparableConv2D")
    assert found[path, "depth_multiplier"] == (MISSING, 2)
    assert found[path, "filters"] == (4, 3)
    assert found[path, "padding"] == ("same", MISSING)
    assert found[path, "name"] == ("conv1", "separable")
    assert [(s.layer, s.attribute, s.source.line, s.by.line) for s in made.shadowed] == [
        (path, "filters", 8, 6)
    ]
    assert {place.line for place in made.blame(path)} == {5, 6, 7, 8}


def test_later_overrides_find_the_layer_as_the_archive_has_it_and_set_the_new_class(
    plan: PlanIt, refusals: Refusals
) -> None:
    text = """
        overrides:
        - {layers: relu1, replace: {class: LeakyReLU, negative_slope: 0.1}}
        - {layers: {class: Activation}, was: {activation: relu}, set: {negative_slope: 0.2}}
        """
    made = plan("flowers", text)
    assert changed(made)["backbone/relu1", "negative_slope"] == (MISSING, 0.2)
    found = refusals(
        "flowers", text.replace("set: {negative_slope: 0.2}", "set: {activation: elu}")
    )
    assert [line.split()[1] for line in found] == ["no-layer-takes"]
    found = refusals("flowers", text.replace("{class: Activation}", "{class: LeakyReLU}"))
    assert [line.split()[1] for line in found] == ["unknown-class"]


def test_a_layer_replaced_twice_is_of_the_last_class(plan: PlanIt) -> None:
    text = "overrides:\n- {layers: relu1, replace: ELU}\n- {layers: relu1, replace: %s}"
    made = plan("flowers", text % "{class: Activation, activation: tanh}")
    assert changed(made) == {("backbone/relu1", "activation"): ("relu", "tanh")}
    assert [
        (s.attribute, s.source.line, s.by.line) for s in made.shadowed if s.attribute == "class"
    ]
    made = plan("flowers", text % "{class: PReLU}")
    assert changed(made)["backbone/relu1", "class"] == ("Activation", "PReLU")
    assert not any(attribute == "alpha" for _, attribute in changed(made))


def test_the_same_class_with_the_same_values_changes_nothing(plan: PlanIt) -> None:
    made, _ = replaced(plan, "flowers", "hidden", "{class: Dense, units: 8}")
    assert made.is_noop
    assert made.after == made.before
    assert {(u.attribute, u.value) for u in made.unchanged} == {("class", "Dense"), ("units", 8)}
    assert [warning.code for warning in made.warnings] == ["no-effect"]


def test_the_build_configs_downstream_go_as_for_a_new_shape(plan: PlanIt) -> None:
    def built(made: Plan) -> set[str]:
        tree = read_tree(made.after)
        return {node.path for node in tree.layers if "build_config" in tree.record(node)}

    made, _ = replaced(plan, "flowers", "backbone/conv2", "{class: SeparableConv2D}")
    before = built(plan("flowers", "overrides:\n- {layers: dropout, set: {rate: 0.4}}"))
    gone = {"backbone/conv2", "backbone/average", "hidden", "predictions"}
    assert built(made) == before - gone


@pytest.mark.parametrize(
    ("model", "override", "expected"),
    [
        ("flowers", "{layers: conv1, replace: {class: Conv9D}}",
         "3:36 unknown-name replace names no layer that Keras knows: 'Conv9D' | did you mean"),
        ("flowers", "{layers: conv1, replace: LeakyRelu}", None),
        ("flowers", "{layers: conv1, replace: Laeky}", "3:28 unknown-name "),
        ("flowers", "{layers: relu1, replace: {class: LeakyReLU, slope: 1}}",
         "3:47 unknown-argument replace is LeakyReLU, which takes no 'slope' | known arguments"),
        ("flowers", "{layers: relu1, replace: {class: LeakyReLU, negative_slope: x}}",
         "3:63 wrong-type replace.negative_slope "),
        ("flowers", "{layers: relu1, replace: {class: Dense, units: -4}}",
         "3:50 out-of-domain replace.units "),
        ("flowers", "{layers: relu1, replace: {class: Dense, units: 4, activation: rellu}}",
         "3:65 unknown-name "),
        ("flowers", "{layers: relu1, replace: {class: Dense}}",
         "3:36 missing-argument replace is Dense, which needs 'units' |"
         " 'backbone/relu1' (Activation) has none that fits: give `units: …`"),
        ("flowers", "{layers: conv1, replace: {class: Conv1D}}",
         "3:36 missing-argument replace is Conv1D, which needs 'kernel_size' |"),
        ("flowers", "{layers: {class: Activation}, replace: {class: Dropout}}",
         "3:50 missing-argument replace is Dropout, which needs 'rate'"),
        ("flowers", "{layers: backbone, replace: {class: Dense, units: 3}}",
         "3:39 structural-change 'backbone' is a nested model and cannot be replaced |"),
        ("flowers", "{layers: /image, replace: {class: Dense, units: 3}}",
         "3:37 structural-change 'image' is where a model begins and cannot be replaced |"),
        ("flowers", "{layers: hidden, replace: InputLayer}",
         "3:29 structural-change InputLayer cannot take the place of a layer |"),
        ("flowers", "{layers: hidden, replace: {class: Sequential}}", "3:37 structural-change "),
        ("flowers", "{layers: hidden, replace: {class: TimeDistributed, layer: {class: Dense, "
         "units: 3}}}", "3:37 structural-change replace would add layers: 'TimeDistributed' holds"),
        ("flowers", "{layers: hidden, replace: {class: TimeDistributed}}",
         "3:37 missing-argument replace is TimeDistributed, which needs 'layer' | adding layers"),
        ("flowers", "{layers: hidden, replace: {class: Dense, name: x}}",
         "3:44 structural-change 'replace' keeps the layer's name | write `rename: …`"),
        ("mixed", "{layers: /d, replace: Flatten}",
         "3:25 structural-change 'd' holds the layer 'd/leaky', for which Flatten has no place |"),
        ("mixed", "{layers: /d, replace: {class: Dense, units: 3, activation: relu}}",
         "3:33 structural-change 'd' holds the layer 'd/leaky', for which Dense has no place |"),
        ("mixed", "{layers: bi, replace: TimeDistributed}", "3:25 structural-change 'bi' holds"),
        ("flowers", "{layers: hidden, replace: 3}", "3:29 wrong-type "),
        ("flowers", "{layers: hidden, replace: {units: 3}}", "3:29 missing-key "),
        ("flowers", "{layers: hidden, replace: {class: Dense, units.x: 3}}", "3:44 bad-name "),
    ],
)  # fmt: skip
def test_a_replacement_that_does_not_fit_is_refused_at_its_place(
    refusals: Refusals, model: str, override: str, expected: str | None
) -> None:
    text = f"overrides:\n- {override}"
    found = refusals(model, text)
    assert len(found) == 1, found
    if expected is None:
        assert found[0].endswith("did you mean 'LeakyReLU'?") or "'LeakyReLU'" in found[0]
        return
    assert found[0].startswith(expected)


def test_replace_alone_makes_an_override(tmp_path: Any) -> None:
    spec = tmp_path / "spec.yaml"
    override = "{layers: a, replace: {class: ELU, alpha: '${s}'}}"
    spec.write_text(f"version: 1\nparameters: {{s: 0.1}}\noverrides: [{override}]")
    (override,) = load_spec(str(spec)).overrides
    assert override.replace is not None
    assert override.replace.data == {"class": "ELU", "alpha": 0.1}
    assert override.replace.source("class").column == 42
