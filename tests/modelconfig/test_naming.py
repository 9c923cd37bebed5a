from __future__ import annotations

import inspect
from typing import Any

import pytest

from kover.modelconfig.groups import _PYTHON_CLASSES
from kover.modelconfig.naming import UniqueNames, to_snake_case
from kover.modelconfig.records import is_layer


@pytest.mark.parametrize(
    ("class_name", "snake"),
    [
        ("Dense", "dense"),
        ("MaxPooling2D", "max_pooling2d"),
        ("PReLU", "p_re_lu"),
        ("LSTMCell", "lstm_cell"),
        ("StackedRNNCells", "stacked_rnn_cells"),
        ("My.Layer", "my_layer"),
        ("", ""),
    ],
)
def test_class_names_become_snake_case(class_name: str, snake: str) -> None:
    assert to_snake_case(class_name) == snake


def test_repeated_names_are_numbered() -> None:
    names = UniqueNames()
    assert [names.next(name) for name in ("a", "b", "a", "a")] == ["a", "b", "a_1", "a_2"]


def _layers() -> list[Any]:
    import keras

    return [
        layer
        for _, layer in inspect.getmembers(keras.layers, inspect.isclass)
        if issubclass(layer, keras.layers.Layer)
    ]


@pytest.mark.keras
def test_snake_case_is_keras_own() -> None:
    from keras.src.utils import naming

    for layer in _layers():
        assert to_snake_case(layer.__name__) == naming.to_snake_case(layer.__name__)


@pytest.mark.keras
def test_every_layer_is_saved_under_its_python_class_but_the_known_exception() -> None:
    from keras.src.api_export import get_name_from_symbol

    exported = {layer: get_name_from_symbol(layer) for layer in _layers()}
    others = {
        name.rpartition(".")[2]: layer.__name__
        for layer, name in exported.items()
        if name and name.rpartition(".")[2] != layer.__name__
    }
    assert others == _PYTHON_CLASSES
    for name in filter(None, exported.values()):
        module, _, class_name = name.rpartition(".")
        saved = {"module": module, "class_name": class_name, "config": {}}
        assert is_layer(saved), name
