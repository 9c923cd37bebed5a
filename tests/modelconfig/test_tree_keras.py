"""Where the tree and Keras must agree on what a config means."""

from __future__ import annotations

import copy
import inspect
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from kover.modelconfig.edit import layer_config, replaced, with_layer_config
from kover.modelconfig.tree import read_tree

pytestmark = pytest.mark.keras


def serialized(thing: Any) -> Any:
    import keras

    return json.loads(json.dumps(keras.saving.serialize_keras_object(thing)))


def revived(config: Any) -> Any:
    import keras

    return keras.saving.deserialize_keras_object(copy.deepcopy(config))


@pytest.fixture
def bidirectional() -> Any:
    from keras import Input, Sequential, layers

    bi = layers.Bidirectional(layers.LSTM(3, name="lstm"), name="bi")
    return serialized(Sequential([Input((5, 2)), bi]))


def test_a_bidirectionals_paths_are_its_live_layers_names(bidirectional: Any) -> None:
    tree = read_tree(bidirectional)
    live = revived(bidirectional).layers[0]
    assert [node.path for node in tree.children("bi")] == ["bi/forward_lstm", "bi/backward_lstm"]
    assert (live.forward_layer.name, live.backward_layer.name) == ("forward_lstm", "backward_lstm")


def test_each_direction_is_edited_on_its_own(bidirectional: Any) -> None:
    node = read_tree(bidirectional).node("bi/backward_lstm")
    config = {**layer_config(bidirectional, node), "dropout": 0.25}
    live = revived(with_layer_config(bidirectional, node, config)).layers[0]
    assert (live.forward_layer.cell.dropout, live.backward_layer.cell.dropout) == (0.0, 0.25)


def test_a_single_record_is_both_directions(bidirectional: Any) -> None:
    from kover.values import MISSING

    place = (*read_tree(bidirectional).node("bi").config_pointer, "backward_layer")
    single = replaced(bidirectional, place, MISSING)
    (node,) = read_tree(single).children("bi")
    config = {**layer_config(single, node), "dropout": 0.25}
    live = revived(with_layer_config(single, node, config)).layers[0]
    assert (live.forward_layer.cell.dropout, live.backward_layer.cell.dropout) == (0.25, 0.25)


def test_keras_stores_a_shared_layer_under_the_first_of_its_places(tmp_path: Path) -> None:
    import io
    import zipfile

    import h5py
    from keras import Input, Sequential, layers

    shared = layers.Dense(3, name="shared")
    one, two = (Sequential([Input((3,)), shared], name=name) for name in ("one", "two"))
    model = Sequential([Input((3,)), one, two])
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        tree = read_tree(json.loads(archive.read("config.json")))
        weights = archive.read("model.weights.h5")
    with h5py.File(io.BytesIO(weights)) as file:
        assert "layers/sequential/layers/dense/vars/0" in file
        assert "layers/sequential_1/layers" not in file
    assert tree.get("one/shared")
    assert tree.node("two/shared").shared_object_id is not None


def test_every_layer_class_that_can_be_made_is_read_as_one_layer() -> None:
    import keras

    seen = 0
    for _, cls in inspect.getmembers(keras.layers, inspect.isclass):
        required = [
            one
            for one in list(inspect.signature(cls.__init__).parameters.values())[1:]
            if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD
        ]
        if required or not issubclass(cls, keras.layers.Layer):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                layer = serialized(cls())
        except (ValueError, TypeError, ImportError, NotImplementedError):
            continue  # needs more than its signature says
        root = {"class_name": "Net", "config": {"anything": [layer]}}
        tree = read_tree(root)
        assert [node.class_name for node in tree.layers] == [layer["class_name"]]
        seen += 1
    assert seen > 40
