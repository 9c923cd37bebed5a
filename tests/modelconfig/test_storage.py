from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from kover.modelconfig.storage import storage_map, storage_paths
from kover.modelconfig.tree import read_tree


@pytest.fixture
def net(record: Any) -> Any:
    inner = record.functional(
        "inner",
        record.layer("InputLayer", "i"),
        record.layer("Conv2D", "c2"),
        record("GetItem", "keras.src.ops.numpy", name="get_item"),
        record.layer("Conv2D", "c1"),
    )
    cells = [record.layer("LSTMCell", "x"), record.layer("GRUCell", "y")]
    cells.append(record.layer("LSTMCell", "z"))
    return record.sequential(
        "net",
        record.layer("InputLayer", "first"),
        record.layer("Dense", "dense_1"),
        inner,
        record.layer("Dense", "dense"),
        record.layer(
            "Bidirectional",
            "bi",
            layer=record.layer("LSTM", "forward_l"),
            backward_layer=record.layer("LSTM", "backward_l"),
        ),
        record.layer("Bidirectional", "bi2", layer=record.layer("LSTM", "l")),
        record.layer("RNN", "rnn", cell=record.layer("StackedRNNCells", "s", cells=cells)),
        record.layer(
            "LSTM",
            "lstm",
            activation=record.layer("PReLU", "p"),
            recurrent_activation=record.layer("PReLU", "q"),
        ),
        record.layer("GroupQueryAttention", "gqa"),
    )


@pytest.mark.parametrize(
    ("array", "owner", "rest"),
    [
        ("layers/dense/vars/0", "dense_1", "vars/0"),
        ("layers/dense_1/vars/1", "dense", "vars/1"),
        ("layers/functional/layers/conv2d/vars/0", "inner/c2", "vars/0"),
        ("layers/functional/layers/conv2d_1/vars/0", "inner/c1", "vars/0"),
        ("layers/bidirectional/forward_layer/cell/vars/2", "bi/forward_l", "cell/vars/2"),
        ("layers/bidirectional/backward_layer/cell/vars/2", "bi/backward_l", "cell/vars/2"),
        ("layers/bidirectional_1/forward_layer/cell/vars/0", "bi2/l", "cell/vars/0"),
        ("layers/bidirectional_1/backward_layer/cell/vars/0", "bi2/l", "cell/vars/0"),
        ("layers/rnn/cell/cells/lstm_cell/vars/0", "rnn/s/x", "vars/0"),
        ("layers/rnn/cell/cells/gru_cell/vars/0", "rnn/s/y", "vars/0"),
        ("layers/rnn/cell/cells/lstm_cell_1/vars/0", "rnn/s/z", "vars/0"),
        ("layers/lstm/cell/vars/0", "lstm", "cell/vars/0"),
        ("layers/lstm/activation/vars/0", "lstm/p", "vars/0"),
        ("layers/lstm/cell/recurrent_activation/vars/0", "lstm/q", "vars/0"),
        (
            "layers/grouped_query_attention/query_dense/vars/0",
            "gqa",
            "query_dense/vars/0",
        ),
        ("layers/dense_12/vars/0", "", "layers/dense_12/vars/0"),
        ("optimizer/vars/1", "", "optimizer/vars/1"),
        ("vars/0", "", "vars/0"),
        ("", "", ""),
    ],
)
def test_an_array_belongs_to_the_layer_of_its_group(
    net: Any, array: str, owner: str, rest: str
) -> None:
    assert storage_map(read_tree(net)).owner_of(array) == (owner, rest)


def test_every_layer_has_its_groups(net: Any) -> None:
    paths = storage_paths(read_tree(net))
    assert paths["dense_1"] == ("layers/dense",)
    assert paths["bi2/l"] == (
        "layers/bidirectional_1/forward_layer",
        "layers/bidirectional_1/backward_layer",
    )
    assert paths["first"] == ()
    assert paths["inner/get_item"] == ()


def test_a_functional_stores_its_input_layers_too(record: Any) -> None:
    root = record.functional("net", record.layer("InputLayer", "i"), record.layer("Dense", "d"))
    assert storage_paths(read_tree(root))["i"] == ("layers/input_layer",)


def test_keras_2_12_left_gaps_in_the_numbers(record: Any) -> None:
    inner = record.sequential("inner", record.layer("Dense", "c"))
    root = record.functional(
        "net",
        record.layer("Dense", "a"),
        record.layer("Dropout", "drop"),
        inner,
        record.layer("Dense", "b"),
    )
    top = "_layer_checkpoint_dependencies"
    arrays = [f"{top}/dense/vars/0", f"{top}/dense_2/vars/0"]
    arrays.append(f"{top}/sequential/{top}/dense/vars/0")
    found = storage_map(read_tree(root), {}, arrays)
    assert [found.owner_of(array)[0] for array in arrays] == ["a", "b", "inner/c"]


def test_gaps_that_do_not_fit_the_model_are_left_alone(record: Any) -> None:
    root = record.functional("net", record.layer("Dense", "a"), record.layer("Dense", "b"))
    array = "_layer_checkpoint_dependencies/dense_2/vars/0"
    assert storage_map(read_tree(root), {}, [array]).owner_of(array) == ("", array)


def test_a_guess_needs_the_files_word(record: Any) -> None:
    block = record.custom("Block", "b", inner=record.layer("Dense", "d"))
    tree = read_tree(record.sequential("net", block))
    right = {"layers/block": "b", "layers/block/inner": "d"}
    wrong = {"layers/block": "b", "layers/block/inner": "else", "layers/block/main": "d"}
    array = "layers/block/inner/vars/0"
    assert storage_map(tree, right).owner_of(array)[0] == "b/d"
    found = storage_map(tree, wrong)
    assert found.owner_of(array)[0] == "b"
    assert found.owner_of("layers/block/main/vars/0")[0] == "b/d"


def test_a_name_that_stands_twice_settles_nothing(record: Any) -> None:
    block = record.custom("Block", "b", inner=record.layer("Dense", "d"))
    tree = read_tree(record.sequential("net", block))
    names = {"layers/block": "b", "layers/block/one": "d", "layers/block/two": "d"}
    assert storage_map(tree, names).paths["b/d"] == ()


def test_a_stored_name_that_contradicts_the_position_is_doubtful(record: Any) -> None:
    tree = read_tree(
        record.sequential("net", record.layer("Dense", "a"), record.layer("Dense", "b"))
    )
    found = storage_map(tree, {"layers/dense": "b", "layers/dense_1": "a"})
    assert found.owner_of("layers/dense/vars/0")[0] == "a"
    assert found.doubtful == {"a": "b", "b": "a"}


def test_thousands_of_layers_are_mapped_in_no_time(record: Any) -> None:
    layers = [record.layer("Dense", f"d{number}") for number in range(5000)]
    held = record.custom("C", "c", blocks=[record.layer("Dense", f"e{n}") for n in range(5000)])
    tree = read_tree(record.sequential("net", *layers, held))
    names = {f"layers/dense_{number}": f"d{number}" for number in range(1, 5000)}
    start = time.process_time()
    found = storage_map(tree, names, [f"layers/c/blocks/dense_{n}/vars/0" for n in range(1, 5000)])
    assert found.owner_of("layers/c/blocks/dense_77/vars/0")[0] == "c/e77"
    assert found.owner_of("layers/dense_77/vars/0")[0] == "d77"
    assert time.process_time() - start < 3


def _weights(path: Path) -> tuple[Any, list[str], dict[str, str]]:
    import h5py

    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        data = io.BytesIO(archive.read("model.weights.h5"))
    arrays, names = [], {}

    def visit(place: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays.append(place.replace("\\", "/"))
        elif "name" in item.attrs:
            names[place.rpartition("/")[0]] = str(item.attrs["name"])

    with h5py.File(data) as file:
        file.visititems(visit)
    return config, arrays, names


def test_every_array_of_the_real_archives_has_its_layer(real_models: Path) -> None:
    for path in sorted(real_models.glob("*.keras")):
        config, arrays, names = _weights(path)
        tree = read_tree(config, str(path))
        found = storage_map(tree, names, arrays)
        assert not found.doubtful, path
        layers = {array: found.owner_of(array) for array in arrays if array.startswith("layers/")}
        for array, (owner, rest) in layers.items():
            if not tree.layers:
                continue
            assert owner, (path, array)
            group = array[: -len(rest) - 1]
            assert names.get(group, tree.node(owner).name) == tree.node(owner).name
