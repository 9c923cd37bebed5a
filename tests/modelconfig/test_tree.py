from __future__ import annotations

import contextlib
import copy
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.errors import InputError
from kover.modelconfig.tree import read_tree

KEYS = ["class_name", "config", "layers", "layer", "name", "trainable", "module"]
KEYS += ["inbound_nodes", "input_layers", "output_layers", "cell", "compile_config", "x"]
WORDS = ["Dense", "Sequential", "Functional", "keras", "keras.layers", "function", "__tensor__"]
SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from([*WORDS, "a", "a/b", ""])
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=40,
)


def paths(root: Any) -> list[str]:
    return [node.path for node in read_tree(root).layers]


def test_a_sequential_lists_its_layers_in_order(record: Any) -> None:
    tree = read_tree(
        record.sequential(
            "net", record.layer("InputLayer", "in"), record.layer("Dense", "b"),
            record.layer("Dense", "a.1"),
        )
    )  # fmt: skip
    assert [(node.path, node.index, node.parent) for node in tree.layers] == [
        ("in", 0, None),
        ("b", 1, None),
        ("a.1", 2, None),
    ]
    assert (tree.name, tree.class_name, tree.root_is_model) == ("net", "Sequential", True)
    assert tree.node("b").pointer == ("config", "layers", 1)
    assert tree.config(tree.node("b"))["name"] == "b"
    assert tree.compile_config == {}


def test_the_same_name_in_two_nested_models_gives_two_paths(record: Any) -> None:
    one = record.sequential("one", record.layer("Dense", "same"))
    two = record.functional("two", record.layer("Dense", "same"))
    tree = read_tree(record.functional("net", one, two, record.layer("Dense", "same")))
    assert paths(tree.root) == ["one", "one/same", "two", "two/same", "same"]
    assert [node.path for node in tree.top_level] == ["one", "two", "same"]
    assert [node.index for node in tree.layers] == [0, None, 1, None, 2]
    assert [node.path for node in tree.descendants("two")] == ["two/same"]
    assert tree.descendants(None) == tree.layers
    assert tree.node("one").is_model
    assert not tree.node("one").is_wrapper
    assert tree.get("one/none") is None


def test_wrappers_cells_and_activations_hold_layers(record: Any) -> None:
    cells = [record.layer("LSTMCell", "lstm_cell"), record.layer("LSTMCell", "lstm_cell_1")]
    tree = read_tree(
        record.sequential(
            "net",
            record.layer(
                "Bidirectional",
                "bi",
                merge_mode="sum",
                layer=record.layer("LSTM", "forward_lstm"),
                backward_layer=record.layer("LSTM", "backward_lstm"),
            ),
            record.layer("TimeDistributed", "td", layer=record.layer("Dense", "dense")),
            record.layer(
                "RNN", "rnn", cell=record.layer("StackedRNNCells", "stacked_rnn_cells", cells=cells)
            ),
            record.layer("Dense", "head", activation=record.layer("LeakyReLU", "leak"), units=2),
        )
    )
    assert paths(tree.root) == [
        "bi",
        "bi/forward_lstm",
        "bi/backward_lstm",
        "td",
        "td/dense",
        "rnn",
        "rnn/stacked_rnn_cells",
        "rnn/stacked_rnn_cells/lstm_cell",
        "rnn/stacked_rnn_cells/lstm_cell_1",
        "head",
        "head/leak",
    ]
    bi = tree.node("bi")
    assert bi.is_wrapper
    assert not bi.is_model
    assert tree.holders(bi) == ("layer", "backward_layer")
    assert set(tree.attributes(bi)) == {"name", "trainable", "dtype", "merge_mode"}
    assert set(tree.attributes(tree.node("head"))) == {"name", "trainable", "dtype", "units"}


def test_one_record_stands_for_both_directions_of_a_bidirectional(record: Any) -> None:
    one = record.layer("Bidirectional", "bi", layer=record.layer("LSTM", "lstm"))
    assert paths(record.sequential("net", one)) == ["bi", "bi/lstm"]


def test_a_models_attributes_leave_out_its_layers_and_its_wiring(record: Any) -> None:
    inner = record.functional("inner", record.layer("Dense", "d"), trainable=True)
    tree = read_tree(record.sequential("net", inner))
    assert tree.attributes(tree.node("inner")) == {"name": "inner", "trainable": True}


def test_layers_anywhere_in_a_subclassed_models_config_are_found(record: Any) -> None:
    config = {
        "units": 3,
        "encoder": record.layer("Dense", "enc"),
        "blocks": [[record.custom("Block", "b0", inner=record.layer("Dense", "deep"))], 7],
        "heads": {"x": record.layer("Dense", "hx"), "spec": {"y": record.layer("Dense", "hy")}},
    }
    root = {"module": "m", "class_name": "Net", "registered_name": "m>Net", "config": config}
    tree = read_tree({**root, "compile_config": {"loss": "mse"}})
    assert paths(tree.root) == ["enc", "b0", "b0/deep", "hx", "hy"]
    assert tree.name == "net"
    assert tree.compile_config == {"loss": "mse"}
    assert tree.node("b0").registered_name == "pkg>Block"
    assert tree.node("hy").pointer == ("config", "heads", "spec", "y")
    for node in tree.layers:
        assert tree.record(node)["class_name"] == node.class_name


@pytest.mark.parametrize("config", [{}, None, {"units": 3}])
def test_a_subclassed_model_may_hold_no_layers(config: Any) -> None:
    tree = read_tree({"class_name": "Net", "config": config, "compile_config": None})
    assert tree.layers == ()
    assert tree.root_is_model


def test_what_is_no_layer_is_not_listed(record: Any) -> None:
    policy = record("DTypePolicy", "keras", name="mixed_float16")
    config = {
        "kernel_initializer": record("HeNormal", "keras.initializers", seed=None),
        "kernel_regularizer": record("L2", "keras.regularizers", l2=0.1),
        "legacy_regularizer": {"class_name": "L2", "config": {"l2": 0.1}},
        "custom_regularizer": record("Clip", "my.module", name="clip", limit=3),
        "policy": policy,
        "rate": record("CosineDecay", "keras.optimizers.schedules", name="cos"),
        "loss": record("MeanSquaredError", "keras.losses", name="mse", reduction="sum"),
        "metric": record("MyMetric", "my.module", name="m", dtype="float32"),
        "optimizer": record("Adam", "keras.optimizers", name="adam", trainable=True),
        "function": {"module": "m", "class_name": "function", "config": "f"},
        "code": {"class_name": "__lambda__", "config": {"value": record.layer("Dense", "no")}},
        "tensor": {"class_name": "__tensor__", "config": {"value": [1.0], "dtype": "float32"}},
        "input": ["input", 0, 0],
    }
    assert paths(record.sequential("net", record.layer("Dense", "d", **config))) == ["d"]


def test_operations_stand_among_a_functionals_layers(record: Any) -> None:
    getitem = record("GetItem", "keras.src.ops.numpy", name="get_item")
    tree = read_tree(record.functional("net", record.layer("Dense", "d"), getitem))
    assert [node.class_name for node in tree.layers] == ["Dense", "GetItem"]


def test_archives_of_keras_2_are_read() -> None:
    dense = {"class_name": "Dense", "config": {"name": "d", "trainable": True, "units": 3}}
    lstm = {"class_name": "LSTM", "config": {"name": "lstm", "trainable": True}}
    wrapped = {"class_name": "Bidirectional", "config": {"name": "bi", "layer": lstm}}
    first = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [None, 4]}}
    layers = [
        {**one, "name": one["config"]["name"], "inbound_nodes": [[["in", 0, 0, {}]]]}
        for one in (first, dense, wrapped)
    ]
    root = {
        "module": "keras.src.engine.functional",
        "class_name": "Functional",
        "registered_name": "Functional",
        "config": {
            "name": "model",
            "layers": layers,
            "input_layers": ["in", 0, 0],
            "output_layers": {"y": ["d", 0, 0]},
        },
    }
    assert paths(root) == ["in", "d", "bi", "bi/lstm"]


def test_a_functionals_own_name_for_a_layer_wins_with_a_warning(record: Any) -> None:
    root = record.functional("net", {**record.layer("Dense", "inner"), "name": "outer"})
    tree = read_tree(root, "m.keras")
    assert paths(root) == ["outer"]
    assert [(w.code, w.severity) for w in tree.warnings] == [("name-mismatch", "warning")]
    assert "config.layers[0]" in tree.warnings[0].message


def test_siblings_that_share_a_name_are_told_apart_by_their_place(record: Any) -> None:
    block = record.custom(
        "Block", "b", left=record.layer("Dense", "d"), heads=[1, record.layer("Dense", "d")],
        other=record.layer("Dense", "e"),
    )  # fmt: skip
    tree = read_tree(record.sequential("net", block))
    assert paths(tree.root) == ["b", "b/d@left", "b/d@heads.1", "b/e"]
    assert {node.name for node in tree.children("b")} == {"d", "e"}
    assert [warning.code for warning in tree.warnings] == ["shared-name", "shared-name"]


def test_a_models_listed_layer_keeps_its_path_beside_an_argument_of_that_name(
    record: Any,
) -> None:
    root = record.functional("net", record.layer("Dense", "d"), extra=record.layer("Dense", "d"))
    assert paths(root) == ["d", "d@extra"]


def test_layers_without_a_name_are_numbered_by_class(record: Any) -> None:
    layers = [record("MyLayer", "pkg", units=1), record("MyLayer", "pkg"), record("MyLayer", "p")]
    layers.append(record.layer("Dense", "my_layer_1"))
    assert paths(record.sequential("net", *layers)) == [
        "my_layer",
        "my_layer_2",
        "my_layer_3",
        "my_layer_1",
    ]


def test_layers_of_one_model_with_the_same_name_are_refused(record: Any) -> None:
    root = record.sequential("net", record.layer("Dense", "d"), record.layer("Conv2D", "d"))
    with pytest.raises(InputError) as caught:
        read_tree(root, "m.keras")
    assert {problem.code for problem in caught.value.problems} == {"duplicate-layer"}
    places = " ".join(problem.message for problem in caught.value.problems)
    assert "config.layers[0]" in places
    assert "config.layers[1]" in places


def test_a_name_that_imitates_a_place_is_refused(record: Any) -> None:
    block = record.custom(
        "B", "b", x=record.layer("Dense", "d"), y=record.layer("Dense", "d"),
        z=record.layer("Dense", "d@x"),
    )  # fmt: skip
    with pytest.raises(InputError, match="duplicate-layer"):
        read_tree(record.sequential("net", block))


def test_a_shared_layer_is_read_at_both_places(record: Any) -> None:
    again = {**record.layer("Dense", "s"), "shared_object_id": 140234}
    one = record.sequential("one", record.layer("Dense", "s"))
    tree = read_tree(record.sequential("net", one, record.sequential("two", again)))
    assert paths(tree.root) == ["one", "one/s", "two", "two/s"]
    assert tree.node("two/s").shared_object_id == 140234
    assert tree.node("one/s").shared_object_id is None


def _set(*pointer: Any) -> Any:
    *steps, last, value = pointer

    def change(root: Any) -> None:
        for step in steps:
            root = root[step]
        if value is KeyError:
            del root[last]
        else:
            root[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (_set("class_name", 3), "the root"),
        (_set("config", KeyError), "the root"),
        (_set("config", [1]), "config"),
        (_set("compile_config", "adam"), "compile_config"),
        (_set("config", "layers", {"a": 1}), "config.layers"),
        (_set("config", "layers", None), "config.layers"),
        (_set("config", "input_layers", 3), "config.input_layers"),
        (_set("config", "layers", 1, None), "config.layers[1]"),
        (_set("config", "layers", 1, "Dense"), "config.layers[1]"),
        (_set("config", "layers", 1, "class_name", KeyError), "config.layers[1]"),
        (_set("config", "layers", 1, "class_name", ""), "config.layers[1]"),
        (_set("config", "layers", 1, "config", KeyError), "config.layers[1]"),
        (_set("config", "layers", 1, "config", "x"), "config.layers[1].config"),
        (_set("config", "layers", 1, "config", "name", 7), "config.layers[1].config.name"),
        (_set("config", "layers", 1, "config", "name", ""), "config.layers[1].config.name"),
        (_set("config", "layers", 1, "config", "name", "a/b"), "config.layers[1].config.name"),
        (_set("config", "layers", 1, "name", "a/b"), "config.layers[1].name"),
        (_set("config", "layers", 1, "inbound_nodes", {}), "config.layers[1].inbound_nodes"),
        (_set("config", "layers", 1, "inbound_nodes", [3]), "config.layers[1].inbound_nodes[0]"),
    ],
)
def test_wrong_shapes_are_refused_at_their_place(record: Any, change: Any, place: str) -> None:
    root = record.functional("net", record.layer("InputLayer", "i"), record.layer("Dense", "o"))
    root = copy.deepcopy(root)
    change(root)
    with pytest.raises(InputError) as caught:
        read_tree(root, "m.keras")
    (problem,) = caught.value.problems
    assert problem.code == "broken-config"
    assert problem.message.endswith(f", at {place}")
    assert str(problem.source) == "m.keras: config.json"


@pytest.mark.parametrize("root", [None, [], "x", 3, {}, {"class_name": "Sequential", "config": {}}])
def test_what_is_no_model_is_refused(root: Any) -> None:
    with pytest.raises(InputError, match="broken-config"):
        read_tree(root)


def test_layers_that_nest_without_end_are_refused(record: Any) -> None:
    root = record.sequential("net")
    for _ in range(5000):
        root = record.sequential("net", root)
    with pytest.raises(InputError, match="nest deeper"):
        read_tree(root)


def test_plain_data_that_nests_without_end_is_passed_over(record: Any) -> None:
    deep: Any = record.layer("Dense", "found")
    for _ in range(2000):
        deep = [deep]
    assert paths(record.sequential("net", record.custom("C", "c", deep=deep))) == ["c", "c/found"]


def test_ten_thousand_layers_are_read_in_no_time(record: Any) -> None:
    names = [f"d{number}" for number in range(10_000)]
    wide = record.sequential("net", *(record.layer("Dense", name) for name in names))
    held = record.custom("C", "c", blocks=[record.layer("Dense", name) for name in names])
    start = time.process_time()
    tree = read_tree(wide)
    other = read_tree(record.sequential("net", held))
    assert [tree.node(name).index for name in names] == list(range(10_000))
    assert len(other.descendants("c")) == 10_000
    assert time.process_time() - start < 3


@given(ANY_JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    before = copy.deepcopy(value)
    tree = None
    with contextlib.suppress(InputError):
        tree = read_tree(value)
    assert value == before
    if tree is None:
        return
    found = [node.path for node in tree.layers]
    assert len(found) == len(set(found))
    for node in tree.layers:
        assert tree.node(node.path) is node
        assert node.parent is None or tree.node(node.parent)
        assert tree.record(node)["class_name"] == node.class_name
        assert tree.attributes(node).keys() <= tree.config(node).keys()


def test_every_real_archive_is_read(real_models: Path) -> None:
    archives = sorted(real_models.glob("*.keras"))
    assert archives
    for path in archives:
        with zipfile.ZipFile(path) as archive:
            text = archive.read("config.json").decode()
        tree = read_tree(json.loads(text), str(path))
        found = [node.path for node in tree.layers]
        assert len(found) == len(set(found)), path
        assert tree.warnings == (), path
        assert tree.layers or "NestedDenseModel" in text, path
        # every build config stands in a layer's record, the model's own included
        assert text.count('"build_config"') <= len(found) + 1, path
        for node in tree.layers:
            assert {"name", "dtype"} & tree.attributes(node).keys(), (path, node)
