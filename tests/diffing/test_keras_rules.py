"""What comparing knows of Keras, held against Keras itself."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from kover.archive.reader import open_archive
from kover.diffing.compare import diff
from kover.diffing.stored import stored_model
from kover.modelconfig.tree import read_tree

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def many_layers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A model with most layers that store something, and the path of its archive."""
    import keras
    from keras import layers as of

    image = keras.Input((8, 8, 3))
    x = of.Conv2D(4, 3, name="conv", padding="same")(image)
    x = of.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = of.SeparableConv2D(4, 3, use_bias=False, padding="same", name="separable")(x)
    x = of.Conv2DTranspose(4, 3, padding="same", name="transpose")(x)
    x = of.BatchNormalization(scale=False, name="batch")(x)
    x = of.GroupNormalization(2, name="group")(x)
    x = of.PReLU(name="prelu")(x)
    x = of.Reshape((16, 16))(x)
    x = of.LayerNormalization(center=False, name="layer_norm")(x)
    x = of.RMSNormalization(name="rms")(x)
    x = of.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = of.EinsumDense("abc,cd->abd", (None, 6), bias_axes="d", name="einsum")(x)
    x = of.Bidirectional(of.LSTM(3, return_sequences=True), name="bi")(x)
    x = of.GRU(3, use_bias=False, return_sequences=True, name="gru")(x)
    x = of.RNN([of.SimpleRNNCell(3), of.LSTMCell(2)], name="rnn")(x)
    x = of.Dropout(0.5, name="dropout")(x)
    x = of.Dense(2, trainable=False, name="frozen")(x)
    x = of.Normalization(name="normalization")(x)
    net = keras.Model(image, of.SpectralNormalization(of.Dense(2), name="spectral")(x))
    path = tmp_path_factory.mktemp("layers") / "many.keras"
    net.save(path)
    return path, net


def test_variables_have_the_names_and_shapes_that_keras_gives(many_layers: Any) -> None:
    path, net = many_layers
    known = {(*v.shape, v.name) for layer in net._flatten_layers() for v in layer.variables}
    with open_archive(path) as archive:
        model = stored_model(read_tree(archive.config), archive.weights())
        named = [(*array.shape, key[1].rpartition("/")[2]) for key, array in model.arrays.items()]
        assert len(model.arrays) == len(archive.weights().arrays)
    assert set(named) <= known
    assert len(named) >= 45


def test_parameters_are_counted_as_keras_counts_them(many_layers: Any) -> None:
    path, net = many_layers
    found = diff(path, path).effective
    trainable = sum(math.prod(v.shape) for v in net.trainable_variables)
    assert found.trainable_parameters == (trainable, trainable)


def saved(folder: Path, name: str, optimizer: Any) -> Path:
    import keras
    import numpy as np

    keras.utils.set_random_seed(1)
    net = keras.Sequential(
        [
            keras.Input((3,), name="x"),
            keras.layers.Dense(4, name="a"),
            keras.layers.Dense(2, name="b"),
        ],
        name="net",
    )
    net.compile(optimizer, "mse")
    net.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    net.save(folder / name)
    return folder / name


def test_the_rate_is_the_one_that_a_load_gives(tmp_path: Path) -> None:
    import json
    import zipfile

    import keras

    path = saved(tmp_path, "a.keras", keras.optimizers.Adam(1e-3))
    net = keras.models.load_model(path)
    net.optimizer.learning_rate = 1e-4
    net.save(tmp_path / "b.keras")
    edited = tmp_path / "edited.keras"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(edited, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                config = json.loads(data)
                config["compile_config"]["optimizer"]["config"]["learning_rate"] = 0.5
                data = json.dumps(config).encode()
            new.writestr(name, data)
    for other in (tmp_path / "b.keras", edited):
        rate = float(keras.models.load_model(other).optimizer.learning_rate)
        changes = {each.attribute: each.after for each in diff(path, other).compile}
        assert changes.get("optimizer.learning_rate", 0.001) == pytest.approx(rate)
    assert [each.code for each in diff(path, edited).warnings] == ["idle-learning-rate"]


@pytest.mark.needs_keras(">=3.15.1")  # the first with MultiOptimizer
def test_rates_inside_other_optimizers_are_found(tmp_path: Path) -> None:
    from keras import optimizers as o

    def multi(rate: float) -> Any:
        own = o.OptimizerMap(o.AdamW(1e-3), {"(net/)?a/.*": o.SGD(rate)})
        return o.MultiOptimizer(own)

    scaled = [saved(tmp_path, f"s{r}.keras", o.LossScaleOptimizer(o.Adam(r))) for r in (0.1, 0.2)]
    changes = diff(*scaled).compile
    assert [(each.attribute, each.before, each.after) for each in changes] == [
        ("optimizer.inner_optimizer.learning_rate", 0.1, 0.2)
    ]
    both = [saved(tmp_path, f"m{r}.keras", multi(r)) for r in (0.1, 0.2)]
    rates = diff(*both).effective.learning_rates
    assert [(each.where, each.before, each.after) for each in rates] == [("(net/)?a/.*", 0.1, 0.2)]
    single = saved(tmp_path, "adam.keras", o.AdamW(1e-3))
    state = diff(single, both[0]).optimizer_state
    assert state is not None
    assert (state.kept + state.dropped, state.added) == (8, 0)
