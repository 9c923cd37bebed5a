from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.modelconfig.keras_values import is_record, shorten

KEYS = ["class_name", "config", "module", "registered_name", "class", "seed", "shared_object_id"]
SCALARS = (
    st.none() | st.booleans() | st.floats() | st.sampled_from(["L2", "function", "__lambda__"])
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)


def test_an_object_without_settings_is_its_name(record: Any) -> None:
    assert shorten(record("Zeros", "keras.initializers")) == "Zeros"
    assert shorten(record("GlorotUniform", "keras.initializers", seed=None)) == "GlorotUniform"
    assert shorten({"class_name": "Zeros", "config": None}) == "Zeros"


def test_settings_follow_the_class(record: Any) -> None:
    l2 = record("L2", "keras.regularizers", l2=0.009999999776482582)
    assert shorten(l2) == {"class": "L2", "l2": 0.01}
    seeded = record("HeNormal", "keras.initializers", seed=3)
    assert shorten(seeded) == {"class": "HeNormal", "seed": 3}


def test_only_an_initializers_unset_seed_is_noise(record: Any) -> None:
    assert shorten(record("Dropout", rate=0.5, seed=None)) == {
        "class": "Dropout",
        "rate": 0.5,
        "seed": None,
    }


@pytest.mark.parametrize("class_name", ["DTypePolicy", "Policy"])
def test_a_dtype_policy_is_its_name(record: Any, class_name: str) -> None:
    policy = {**record(class_name, "keras", name="mixed_float16"), "shared_object_id": 5}
    assert shorten(policy) == "mixed_float16"


def test_a_quantized_policy_keeps_its_settings(record: Any) -> None:
    policy = record("QuantizedDTypePolicy", "keras", mode="int8", source_name="float32")
    assert shorten(policy) == {
        "class": "QuantizedDTypePolicy",
        "mode": "int8",
        "source_name": "float32",
    }


def test_a_custom_object_goes_by_its_registered_name(record: Any) -> None:
    clip = {**record("Clip", "my.module", limit=3), "registered_name": "my_pkg>Clip"}
    assert shorten(clip) == {"class": "my_pkg>Clip", "limit": 3}
    functional = {**record("Functional", "keras.src.models.functional"), "registered_name": "F"}
    assert shorten(functional) == "Functional"


@pytest.mark.parametrize("module", ["builtins", "keras.losses", "my.module"])
def test_a_function_is_its_name(module: str) -> None:
    function = {"module": module, "class_name": "function", "config": "f", "registered_name": "f"}
    assert shorten({"fn": [function]}) == {"fn": ["f"]}


def test_objects_inside_objects_are_short_too(record: Any) -> None:
    decay = record("CosineDecay", "keras.optimizers.schedules", initial_learning_rate=0.1)
    adam = record("Adam", "keras.optimizers", learning_rate=decay)
    assert shorten([adam]) == [
        {
            "class": "Adam",
            "learning_rate": {"class": "CosineDecay", "initial_learning_rate": 0.1},
        }
    ]


def test_object_ids_are_dropped(record: Any) -> None:
    one = record("L2", "keras.regularizers", l2=0.5)
    assert shorten({**one, "shared_object_id": 140234}) == shorten(one)


def test_a_lambdas_code_is_named_by_its_digest() -> None:
    code = {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}
    other = {"class_name": "__lambda__", "config": {"value": ["4wEAAAB=", None, None]}}
    short = shorten(code)
    assert isinstance(short, dict)
    assert short.keys() == {"class", "sha256"}
    assert "4wEAAAA" not in str(short)
    assert shorten(other) != short


def test_plain_data_markers_stay_readable() -> None:
    part = {"class_name": "__slice__", "config": {"start": None, "stop": 2, "step": None}}
    assert shorten(part) == {"class": "__slice__", "start": None, "stop": 2, "step": None}


@pytest.mark.parametrize(
    "odd",
    [
        {"class_name": 3, "config": {}},
        {"class_name": "L2"},
        {"class_name": "L2", "config": [1]},
        {"class_name": "function", "config": None, "x": 1},
        {"class_name": "function", "config": {"a": 1}},
        {"class_name": "L2", "config": {"class": "x"}},
        [],
        "relu",
        None,
        True,
    ],
)
def test_odd_shapes_never_raise(odd: Any) -> None:
    before = copy.deepcopy(odd)
    shorten(odd)
    assert odd == before


@pytest.mark.parametrize("plain", [{"class_name": 3, "config": {}}, {"class_name": "L2"}, {"a": 1}])
def test_what_is_no_record_is_left_as_it_is(plain: Any) -> None:
    assert not is_record(plain)
    assert shorten(plain) == plain


@given(ANY_JSON)
def test_no_value_is_modified_or_refused(value: Any) -> None:
    before = repr(value)
    shorten(value)
    assert repr(value) == before


def test_endless_nesting_is_survived() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [{"class_name": "L2", "config": {"x": deep}}]
    shorten(deep)
