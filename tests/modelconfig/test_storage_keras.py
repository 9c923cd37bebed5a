"""The storage rule against files that Keras writes, array by array.

Every variable gets a value of its own before the model is saved; the value that is found at a
path of the file tells which live variable, and so which layer, is stored there.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from kover.modelconfig.storage import storage_map
from kover.modelconfig.tree import ModelTree, read_tree

pytestmark = pytest.mark.keras


def sequential() -> Any:
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((8,), name="in.put"),
            layers.Dense(4, name="b"),
            layers.BatchNormalization(name="bn.1"),
            layers.Dropout(0.5),
            layers.Dense(4, name="a"),
            layers.Dense(2, name="dense_1", activation=layers.PReLU(name="act")),
        ]
    )


def sequential_without_input() -> Any:
    from keras import Sequential, layers

    model = Sequential([layers.Dense(3, name="x"), layers.Dense(2, name="w")])
    model.build((None, 5))
    return model


def functional_with_operations() -> Any:
    from keras import Input, Model, layers, ops

    left, right = Input((6,), name="left"), Input((6,), name="right")
    late, early = layers.Dense(4, name="late"), layers.Dense(4, name="early")
    one, two = early(left), late(right)
    joined = ops.add(one[:, :2], two[:, 2:])
    out = layers.Dense(1, name="out")(layers.Add()([joined, layers.Dense(2, name="side")(left)]))
    return Model({"left": left, "right": right}, {"y": out, "z": two})


def functional_with_a_layer_called_twice() -> Any:
    from keras import Input, Model, layers

    left, right, shared = Input((4,)), Input((4,)), layers.Dense(4, name="shared")
    out = layers.Concatenate()([shared(shared(left)), shared(right)])
    return Model([left, right], layers.Dense(1, name="last")(out))


def nested() -> Any:
    from keras import Input, Model, Sequential, layers

    stem = Sequential([Input((8,)), layers.Dense(4, name="same"), layers.Dense(4, name="b")])
    inside = Input((4,))
    block = Model(inside, layers.Dense(4, name="same")(inside), name="block")
    outer = Input((8,))
    twice = block(block(stem(outer)))
    return Model(outer, layers.Dense(2, name="same")(twice))


def nested_three_deep() -> Any:
    from keras import Input, Sequential, layers

    def level(depth: int) -> Any:
        inner = [level(depth - 1)] if depth else []
        return Sequential(
            [Input((3,)), layers.Dense(3, name="d"), *inner, layers.Dense(3, name="e")]
        )

    return level(3)


def wrappers() -> Any:
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((5, 8)),
            layers.TimeDistributed(layers.Dense(4, name="dense"), name="td"),
            layers.TimeDistributed(
                Sequential([layers.Dense(4, name="dense"), layers.Dense(3, name="e")]), name="td2"
            ),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True, name="lstm"), name="bi"),
            layers.Bidirectional(
                layers.GRU(3, return_sequences=True, name="gru"),
                backward_layer=layers.GRU(3, return_sequences=True, go_backwards=True, name="back"),
                name="bi2",
            ),
            layers.SpectralNormalization(layers.Conv1D(4, 2, name="conv")),
            layers.Activation(layers.PReLU(name="p")),
        ]
    )


def recurrent() -> Any:
    from keras import Input, Sequential, layers

    cells = [layers.LSTMCell(3), layers.GRUCell(3), layers.LSTMCell(2, name="third")]
    return Sequential(
        [
            Input((5, 4)),
            layers.LSTM(3, return_sequences=True, dropout=0.1),
            layers.LSTM(
                3,
                return_sequences=True,
                activation=layers.PReLU(name="pa"),
                recurrent_activation=layers.PReLU(name="pb"),
            ),
            layers.RNN(cells, return_sequences=True, name="rnn"),
            layers.RNN(layers.SimpleRNNCell(3), return_sequences=True, name="simple"),
            layers.GRU(3),
        ]
    )


def attention() -> Any:
    from keras import Input, Model, layers

    x = Input((6, 8))
    y = layers.MultiHeadAttention(2, 4, name="mha")(x, x)
    y = layers.LayerNormalization(name="ln")(layers.Add()([x, y]))
    y = layers.GroupQueryAttention(4, 4, 2, name="gqa1")(y, y)
    y = layers.GroupQueryAttention(4, 4, 2, name="gqa2")(y, y)
    return Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(y)))


def convolutions() -> Any:
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((16, 16, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip(),
            layers.Conv2D(4, 3, name="c.1"),
            layers.SeparableConv2D(4, 3),
            layers.DepthwiseConv2D(3),
            layers.Conv2D(4, 3, activation=layers.LeakyReLU(name="leak")),
            layers.GroupNormalization(2),
            layers.Conv2DTranspose(2, 2),
            layers.GlobalMaxPooling2D(),
        ]
    )


def compiled_and_trained() -> Any:
    import numpy as np

    model = nested()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 8)), np.ones((4, 2)), verbose=0)
    return model


def preprocessing() -> Any:
    from keras import Input, Sequential, layers

    pipeline = layers.Pipeline([layers.Rescaling(2.0), layers.Normalization(name="inner")])
    return Sequential([Input((3,)), pipeline, layers.Normalization(), layers.Dense(1)])


def feature_space() -> Any:
    import tensorflow as tf
    from keras.utils import FeatureSpace

    features = {"a": "float_normalized", "b": "float_normalized"}
    space = FeatureSpace(features, output_mode="concat")
    space.adapt(tf.data.Dataset.from_tensor_slices({"a": [1.0, 2.0], "b": [3.0, 5.0]}))
    return space


def embeddings() -> Any:
    from keras import Input, Model, layers

    tokens = Input((5,), dtype="int32")
    table = layers.Embedding(10, 4, name="tokens")
    return Model(tokens, layers.EinsumDense("abc,cd->abd", (None, 3))(table(tokens)))


def custom_classes() -> Any:
    import keras
    from keras import layers

    @keras.saving.register_keras_serializable("storage")
    class Residual(layers.Layer):  # type: ignore[misc,name-defined]  # Keras is untyped here
        def __init__(self, inner: Any, heads: list[Any], scale: int = 1, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self._inner, self.heads, self.scale = inner, heads, scale
            self.own = layers.Dense(4, name="own")

        def build(self, shape: Any) -> None:
            self.gain = self.add_weight(shape=(), name="gain")
            for layer in (self._inner, self.own, *self.heads):
                layer.build(shape)

        def call(self, x: Any) -> Any:
            return x + self.own(self._inner(x)) * self.gain + sum(head(x) for head in self.heads)

        def get_config(self) -> Any:
            serialize = keras.saving.serialize_keras_object
            return {
                **super().get_config(),
                "inner": serialize(self._inner),
                "heads": serialize(self.heads),
                "scale": self.scale,
            }

        @classmethod
        def from_config(cls, config: Any) -> Any:
            revive = keras.saving.deserialize_keras_object
            config["inner"], config["heads"] = revive(config["inner"]), revive(config["heads"])
            return cls(**config)

    block = Residual(
        layers.Dense(4, name="dense"),
        [layers.Dense(4, name="dense"), layers.EinsumDense("ab,bc->ac", 4), layers.Dense(4)],
        name="res",
    )
    return keras.Sequential([keras.Input((4,)), layers.Dense(4, name="dense"), block])


def subclassed() -> Any:
    import keras
    import numpy as np
    from keras import layers

    @keras.saving.register_keras_serializable("storage")
    class Net(keras.Model):  # type: ignore[misc,name-defined]  # Keras is untyped here
        def __init__(self, encoder: Any, zoom: Any, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.encoder, self.zoom, self.units = encoder, zoom, units
            self.head = layers.Dense(units, name="head")

        def call(self, x: Any) -> Any:
            return self.head(self.zoom(self.encoder(x)))

        def get_config(self) -> Any:
            serialize = keras.saving.serialize_keras_object
            own = {"encoder": serialize(self.encoder), "zoom": serialize(self.zoom)}
            return {**super().get_config(), **own, "units": self.units}

    encoder = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="d")], name="encoder")
    model = Net(encoder, layers.Dense(2, name="zoomed"), 2)
    model(np.zeros((1, 3)))
    return model


MODELS = [
    sequential,
    sequential_without_input,
    functional_with_operations,
    functional_with_a_layer_called_twice,
    nested,
    nested_three_deep,
    wrappers,
    recurrent,
    attention,
    convolutions,
    compiled_and_trained,
    preprocessing,
    feature_space,
    embeddings,
    custom_classes,
    subclassed,
]
DOTTED = (sequential, convolutions)  # have a layer with a dot in its name


def mark_variables(model: Any) -> dict[int, Any]:
    """Give every variable a value that no other one has, and return them by it."""
    import numpy as np

    marked = {}
    for number, variable in enumerate(model.weights, start=1011):
        variable.assign(np.full(variable.shape, number, dtype=variable.dtype))
        marked[number] = variable
    return marked


def live_layers(holder: Any, name: str) -> list[Any]:
    """The layers named so among those that a live layer holds itself."""
    held = [*holder._flatten_layers(False, False), *getattr(holder, "operations", ())]
    held += getattr(holder, "preprocessors", {}).values()
    return [layer for layer in dict.fromkeys(held) if layer.name == name]


def owners_by_variable(model: Any, tree: ModelTree) -> dict[int, set[str]]:
    """The path of the innermost layer of the tree that has each live variable.

    SpectralNormalization keeps its layer's kernel as a variable of its own too; Keras stores it
    twice, and each array belongs to the layer that it is stored for.
    """
    owners: dict[int, set[str]] = {}
    live: dict[str | None, Any] = {None: model}
    for node in tree.layers:
        same_name = [n for n in tree.children(node.parent) if n.name == node.name]
        candidates = live_layers(live[node.parent], node.name)
        live[node.path] = candidates[same_name.index(node)] if candidates else None
        for variable in getattr(live[node.path], "variables", ()):
            owners[id(variable)] = {node.path}
    for path, layer in live.items():
        if type(layer).__name__ == "SpectralNormalization":
            owners[id(layer.kernel)].add(str(path))
    return owners


def saved(model: Any, folder: Path) -> tuple[Any, dict[str, str], dict[str, Any]]:
    """The config, the layer names by group and the arrays of a model as Keras saves it."""
    import h5py

    model.save(folder / "model.keras")
    with zipfile.ZipFile(folder / "model.keras") as archive:
        config = json.loads(archive.read("config.json"))
        weights = io.BytesIO(archive.read("model.weights.h5"))
    names: dict[str, str] = {}
    arrays: dict[str, Any] = {}

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[path] = item[()]
        elif path.rpartition("/")[2] == "vars":
            names[path.rpartition("/")[0]] = str(item.attrs.get("name", ""))

    with h5py.File(weights) as file:
        file.visititems(visit)
    return config, names, arrays


@pytest.mark.parametrize(
    "build",
    [
        # PyTorch takes no dot in a name.
        pytest.param(
            each, marks=[pytest.mark.needs_backend("tensorflow", "jax")] * (each in DOTTED)
        )
        for each in MODELS
    ],
    ids=lambda build: build.__name__,
)
def test_every_array_belongs_to_the_layer_whose_variable_it_is(build: Any, tmp_path: Path) -> None:
    model = build()
    marked = mark_variables(model)
    config, names, arrays = saved(model, tmp_path)
    tree = read_tree(config)
    truth = owners_by_variable(model, tree)
    names_known = storage_map(tree, names, arrays)
    exact = build not in (custom_classes, subclassed, feature_space)
    maps = [names_known, storage_map(tree, {}, arrays), storage_map(tree)]
    compared = set()
    for path, array in arrays.items():
        variable = marked.get(int(array.flat[0]))
        if path.startswith("optimizer/") or variable is None:
            continue
        expected = truth.get(id(variable), {""})
        compared.add(id(variable))
        for found in maps if exact else maps[:1]:
            assert found.owner_of(path)[0] in expected, path
    assert len(compared) == len(model.weights) > 0
    assert not names_known.doubtful
