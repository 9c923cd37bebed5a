"""`rename`: what follows a new name, who may have it, and what the plan says of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kover.modelconfig.tree import read_tree
from kover.planning.plan import Plan
from kover.spec.loading import load_spec

PlanIt = Callable[..., Plan]
Refusals = Callable[..., list[str]]
CONFIGS = Path(__file__).with_name("configs")
FLOWERS: dict[str, Any] = json.loads((CONFIGS / "flowers.json").read_text())


def tensor(name: str) -> dict[str, Any]:
    config = {"shape": [None, 4], "dtype": "float32", "keras_history": [name, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def layer(name: str, *calls: Any, class_name: str = "Dense", **config: Any) -> dict[str, Any]:
    """A wired layer; each call is the first argument of it, or a whole one of Keras 2."""
    nodes = [c if isinstance(c, list) else {"args": [c], "kwargs": {}} for c in calls]
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, "trainable": True, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": nodes,
    }


def functional(name: str, layers: list[Any], inputs: Any, outputs: Any) -> dict[str, Any]:
    config = {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"module": "keras", "class_name": "Functional", "config": config}


def nested(inputs: Any, call: Any) -> dict[str, Any]:
    """A model that holds the model `inner`, which adds its inputs `p` and `q`."""
    inner = [
        *(layer(name, class_name="InputLayer") for name in "pq"),
        layer("sum", [[["p", 0, 0, {}], ["q", 0, 0, {}]]][0], class_name="Add"),
    ]
    held = functional("inner", inner, inputs, ["sum", 0, 0])
    held |= {"name": "inner", "inbound_nodes": [{"args": [call], "kwargs": {}}]}
    start = layer("x", class_name="InputLayer")
    return functional("net", [start, held], ["x", 0, 0], ["inner", 1, 0])


def renaming(path: str, name: str, more: str = "") -> str:
    return f"overrides:\n- {{layers: '{path}', rename: {json.dumps(name)}{more}}}"


def names_in(value: Any) -> list[str]:
    """Every string in a part of a config, keys included."""
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *names_in(item))]
    if isinstance(value, list):
        return [text for item in value for text in names_in(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(
    ("model", "path", "new"),
    [("flowers", "hidden", "h2"), ("flowers", "predictions", "head"), ("mixed", "yes", "aye"),
     ("flowers", "backbone", "trunk"), ("flowers", "backbone/conv1", "stem"),
     ("flowers", "/image", "picture"), ("mixed", "emb", "e.m-b_2"), ("mixed", "/d", "dense>2"),
     ("mixed", "rnn/stacked_rnn_cells/lstm_cell", "first"), ("mixed", "bb/d", "dense"),
     ("mixed", "d/leaky", "slope"), ("mixed", "bi/forward_lstm", "forward_reader"),
     ("shared", "a", "first"), ("custom", "clip", "cut")],
)  # fmt: skip
def test_a_new_name_stands_wherever_the_old_one_stood(
    plan: PlanIt, model: str, path: str, new: str
) -> None:
    made = plan(model, renaming(path, new))
    before = read_tree(made.before).node(path.strip("/"))
    after = {node.pointer: node for node in read_tree(made.after).layers}[before.pointer]
    parent = f"{before.parent}/" if before.parent else ""
    assert (after.name, after.path) == (new, f"{parent}{new}")
    assert made.renamed[before.path] == after.path
    changes = [(c.layer, c.class_name, c.attribute, c.before, c.after) for c in made.changes]
    assert changes == [(after.path, before.class_name, "name", before.name, new)]
    old, texts = names_in(made.before), names_in(made.after)
    assert texts == [text if text == had else new for text, had in zip(texts, old, strict=True)]
    assert {had for text, had in zip(texts, old, strict=True) if text != had} == {before.name}


def test_the_layers_inside_a_renamed_one_have_new_paths_and_nothing_else(plan: PlanIt) -> None:
    made = plan("flowers", renaming("backbone", "trunk"))
    held = ["", "/image", "/conv1", "/bn1", "/relu1", "/conv2", "/average"]
    assert made.renamed == {f"backbone{rest}": f"trunk{rest}" for rest in held}


def test_a_template_renames_many(plan: PlanIt) -> None:
    made = plan("flowers", renaming("backbone/*", "stem_{name}_{name}"))
    assert made.renamed["backbone/conv1"] == "backbone/stem_conv1_conv1"
    assert len(made.renamed) == len(made.changes) == 6
    assert set(names_in(made.after)) & {"conv1", "conv2", "bn1", "relu1", "average"} == set()


def test_two_layers_can_swap_their_names(plan: PlanIt) -> None:
    text = "overrides:\n- {layers: yes, rename: which}\n- {layers: which, rename: yes}"
    made = plan("mixed", text)
    assert made.renamed == {"yes": "which", "which": "yes"}
    after: Any = made.after
    assert after["config"]["output_layers"] == [["which", 0, 0], ["yes", 0, 0]]
    losses: Any = read_tree(made.before).compile_config["loss"]
    assert after["compile_config"]["loss"] == {"which": losses["yes"], "yes": losses["which"]}


def test_a_layer_that_is_called_twice_is_followed_in_every_call(plan: PlanIt) -> None:
    layers = [
        *(layer(name, class_name="InputLayer") for name in "xy"),
        layer("twice", tensor("x"), tensor("y"), units=4),
        layer("sum", [tensor("x"), tensor("twice")], class_name="Add"),
    ]
    layers[3]["inbound_nodes"] = [
        {"args": [[tensor("twice"), tensor("y")]], "kwargs": {"mask": [None, tensor("twice")]}}
    ]
    model = functional("net", layers, [["x", 0, 0], ["y", 0, 0]], [["sum", 0, 0], ["twice", 1, 0]])
    after: Any = plan(model, renaming("twice", "both")).after
    assert names_in(after).count("both") == names_in(model).count("twice")
    assert "twice" not in names_in(after)


def test_the_lists_of_keras_2_are_followed_too(plan: PlanIt) -> None:
    layers = [
        layer("x", class_name="InputLayer"),
        layer("a", [["x", 0, 0, {}]], units=2),
        layer("b", [["a", 0, 0, {"mask": ["x", 0, 0], "names": ["x"]}]], units=2),
    ]
    model = functional("net", layers, [["x", 0, 0]], [["b", 0, 0]])
    after: Any = plan(model, renaming("x", "z")).after
    assert after["config"]["layers"][1]["inbound_nodes"] == [[["z", 0, 0, {}]]]
    kept = [[["a", 0, 0, {"mask": ["z", 0, 0], "names": ["x"]}]]]
    assert after["config"]["layers"][2]["inbound_nodes"] == kept
    assert after["config"]["input_layers"] == [["z", 0, 0]]


def test_plain_lists_in_the_calls_of_keras_3_are_no_references(plan: PlanIt) -> None:
    wired = layer("a", tensor("x"), units=2)
    wired["inbound_nodes"][0]["kwargs"] = {"axes": ["x", 0, 0]}
    layers = [layer("x", class_name="InputLayer"), wired]
    model = functional("net", layers, ["x", 0, 0], ["a", 0, 0])
    after: Any = plan(model, renaming("x", "z")).after
    node = after["config"]["layers"][1]["inbound_nodes"][0]
    assert node["kwargs"] == {"axes": ["x", 0, 0]}
    assert node["args"] == [tensor("z")]


def test_the_key_of_an_input_is_its_name_and_that_of_an_output_is_not(plan: PlanIt) -> None:
    layers = [layer("x", class_name="InputLayer"), layer("y", tensor("x"), units=1)]
    model = functional("net", layers, {"x": ["x", 0, 0]}, {"y": ["y", 0, 0], "s": ["y", 0, 0]})
    model["compile_config"] = {"optimizer": "adam", "loss": {"y": "mse"}}
    made: Any = plan(model, 'overrides:\n- {layers: [x, y], rename: "{name}_2"}')
    config = made.after["config"]
    assert config["input_layers"] == {"x_2": ["x_2", 0, 0]}
    assert config["output_layers"] == {"y": ["y_2", 0, 0], "s": ["y_2", 0, 0]}
    assert made.after["compile_config"]["loss"] == {"y": "mse"}


def test_a_nested_model_that_is_called_with_a_mapping_is_called_by_the_new_key(
    plan: PlanIt,
) -> None:
    call = {"p": tensor("x"), "q": tensor("x")}
    for inputs in ({"p": ["p", 0, 0], "q": ["q", 0, 0]}, [["p", 0, 0], ["q", 0, 0]]):
        made: Any = plan(nested(inputs, call), renaming("inner/p", "p2"))
        node = made.after["config"]["layers"][1]["inbound_nodes"][0]
        assert node["args"] == [{"p2": tensor("x"), "q": tensor("x")}]


def test_inputs_that_would_come_in_another_order_are_refused(refusals: Refusals) -> None:
    inputs = {"p": ["p", 0, 0], "q": ["q", 0, 0]}
    (found,) = refusals(nested(inputs, {"p": tensor("x"), "q": tensor("x")}),
                        renaming("inner/p", "z"))  # fmt: skip
    assert found.startswith("3:31 inputs-reordered ")


def test_two_layers_of_one_name_get_plain_paths_once_the_names_differ(plan: PlanIt) -> None:
    heads = [layer("dense", units=1), layer("dense", units=2)]
    model = {"module": None, "class_name": "Two", "registered_name": "my>Two",
             "config": {"name": "two", "trainable": True, "heads": heads}}  # fmt: skip
    made = plan(model, renaming("/dense@heads.0", "first"))
    assert made.renamed == {"dense@heads.0": "first", "dense@heads.1": "dense"}


def test_a_layer_without_a_name_of_its_own_cannot_get_one(refusals: Refusals) -> None:
    wired = layer("a", tensor("x"), units=2)
    del wired["config"]["name"]
    layers = [layer("x", class_name="InputLayer"), wired]
    model = functional("net", layers, ["x", 0, 0], ["a", 0, 0])
    assert refusals(model, renaming("a", "b"))[0].startswith("3:25 nameless-layer 'a' has no name")


def test_the_same_name_changes_nothing_and_the_last_of_two_wins(plan: PlanIt) -> None:
    made = plan("flowers", renaming("hidden", "{name}"))
    assert made.is_noop
    assert [(u.layer, u.attribute, u.value) for u in made.unchanged] == [
        ("hidden", "name", "hidden")
    ]
    assert [w.code for w in made.warnings] == ["no-effect"]
    text = "overrides:\n- {layers: hidden, rename: x}\n- {layers: hidden, rename: y}"
    made = plan("flowers", text)
    assert made.renamed == {"hidden": "y"}
    assert [(s.layer, s.attribute, s.source.line, s.by.line) for s in made.shadowed] == [
        ("y", "name", 3, 4)
    ]


def test_all_that_the_plan_says_of_a_layer_says_it_by_the_new_path(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        """
        overrides:
        - {layers: backbone, rename: trunk, set: {trainable: false}}
        - layers: {class: [Conv2D, BatchNormalization]}
          set: {use_bias: false}
          reinitialize: true
          learning_rate: 0.1
        - {layers: hidden, rename: "h{name}"}
        - {layers: hidden, set: {units: 8}}
        - {layers: hidden, set: {units: 9}}
        - {layers: hidden, set: {units: 5}}
        compile: {layer_decay: {rate: 0.5, groups: [hidden, predictions]}}
        """,
    )
    paths = {node.path for node in read_tree(made.after).layers}
    said = [*(c.layer for c in made.changes), *(c.layer for c in made.consents),
            *(r.layer for r in made.rates), *(s.layer for s in made.shadowed),
            *(c.pushed_from for c in made.changes if c.pushed_from),
            *(u.layer for u in made.unchanged if u.layer),
            *(path for each in made.outcomes for path in each.matched),
            *(path for each in made.outcomes for passed in each.passed_over.values()
              for path in passed)]  # fmt: skip
    assert set(said) <= paths
    assert {"trunk", "trunk/conv1", "trunk/bn1", "hhidden"} <= set(said)
    assert {place.line for place in made.blame("trunk/conv1")} == {4, 6}
    assert {place.line for place in made.blame("hhidden")} == {9, 12}
    assert made.outcomes[1].passed_over == {"use_bias": ("trunk/bn1",)}


def test_selectors_go_on_reading_the_archive(plan: PlanIt, refusals: Refusals) -> None:
    first = renaming("hidden", "dense")
    made = plan("flowers", first + "\n- {layers: hidden, set: {units: 4}}")
    assert ("dense", "units") in {(c.layer, c.attribute) for c in made.changes}
    (found,) = refusals("flowers", first + "\n- {layers: dense, set: {units: 4}}")
    assert found.startswith("4:12 unknown-layer ")


def test_the_compile_section_uses_the_new_names(plan: PlanIt, refusals: Refusals) -> None:
    text = renaming("yes", "aye") + "\ncompile: {loss: {%s: mse, which: mae}}"
    made: Any = plan("mixed", text % "aye")
    assert made.after["compile_config"]["loss"] == {"aye": "mse", "which": "mae"}
    assert set(made.after["compile_config"]["metrics"]) == {"aye", "which"}
    places = {change.attribute: change.source.line for change in made.compile_changes}
    assert places == {"loss": 4, "loss_weights": 3, "metrics": 3}
    (found,) = refusals("mixed", text % "yes")
    assert "unknown-output loss: the model has no output 'yes'" in found


def test_a_renamed_layer_that_was_shared_leaves_the_sharing(plan: PlanIt) -> None:
    model = copy.deepcopy(FLOWERS)
    for index in (1, 2):
        model["config"]["layers"][index]["shared_object_id"] = index
    made: Any = plan(model, renaming("hidden", "h2"))
    layers = made.after["config"]["layers"]
    assert "shared_object_id" not in layers[2], "the renamed one"
    assert layers[1]["shared_object_id"] == 1
    assert [warning.code for warning in made.warnings] == ["shared-layer"]
    made = plan(model, renaming("/image", "photo"))
    after: Any = made.after
    assert after["config"]["layers"][1]["shared_object_id"] == 1, "it only feeds on the renamed one"


def test_a_spec_with_a_name_from_a_parameter(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        'parameters: {to: h}\noverrides:\n- {layers: hidden, rename: "${to}_{name}"}',
    )
    assert made.renamed == {"hidden": "h_hidden"}


def test_rename_alone_makes_an_override(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("version: 1\noverrides: [{layers: a, rename: b}]")
    (override,) = load_spec(str(spec)).overrides
    assert override.rename is not None
    assert (override.rename.data, override.rename.source().column) == ("b", 33)
