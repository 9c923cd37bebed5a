"""The catalogue against the installed Keras: what it says, Keras does."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kover.catalogue import Argument, Entry, catalogue, loading
from kover.catalogue.checking import value_faults
from kover.catalogue.expansion import expand
from kover.catalogue.model import OBJECT_KINDS
from kover.values import normal, same

pytestmark = pytest.mark.keras

TESTS = Path(__file__).parents[1]
COMMITTED = Path(loading.__file__).with_name("keras.json")

TRIED: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, -0.5, 0.0, 0.3, 1.0, 1.5, "relu", "valid", "same", "mean",
    "channels_first", "l2", "he_normal", "max_norm", "mixed_bfloat16", "float16", "auto", "zz",
    {"l2": 0.1}, {"class": "MaxNorm", "max_value": 3}, [1], [2, 2], [2, 2, 2], [0.1, 0.2],
    {"class": "PolynomialDecay", "initial_learning_rate": 1, "decay_steps": 3},
)  # fmt: skip

DEPENDS_ON_OTHERS = {
    # what Keras takes depends on another argument (named at the right)
    ("AUC", "num_labels"),  # multi_label
    ("AWQDTypePolicy", "mode"),
    ("CategoryEncoding", "num_tokens"),  # output_mode
    ("Conv1D", "groups"),  # filters
    ("Conv1DTranspose", "output_padding"),  # strides
    ("Conv2D", "groups"),
    ("Conv2DTranspose", "output_padding"),
    ("Conv3D", "groups"),
    ("Conv3DTranspose", "output_padding"),
    ("Discretization", "num_bins"),  # bin_boundaries
    ("Discretization", "sparse"),  # output_mode
    ("GPTQDTypePolicy", "mode"),
    ("GroupQueryAttention", "num_key_value_heads"),  # num_query_heads
    ("GroupQueryAttention", "num_query_heads"),
    ("Hashing", "sparse"),
    ("Int4DTypePolicy", "mode"),
    ("IntegerLookup", "pad_to_max_tokens"),
    ("IntegerLookup", "salt"),  # oov_method
    ("IntegerLookup", "sparse"),
    ("MelSpectrogram", "fft_length"),  # sequence_length
    ("QuantizedDTypePolicy", "mode"),
    ("QuantizedDTypePolicy", "source_name"),
    ("QuantizedFloat8DTypePolicy", "mode"),
    ("RandomGaussianBlur", "kernel_size"),  # odd
    ("RandomPosterization", "factor"),
    ("STFTSpectrogram", "fft_length"),  # frame_length
    ("StringLookup", "pad_to_max_tokens"),
    ("StringLookup", "sparse"),
    ("TextVectorization", "pad_to_max_tokens"),
    ("TextVectorization", "sparse"),
}


@pytest.fixture(scope="module")
def making(monkeypatch_module: pytest.MonkeyPatch) -> Any:
    """The generator's modules."""
    monkeypatch_module.syspath_prepend(str(TESTS))
    from catalogue_making import instances, public, signatures

    return instances, public, signatures


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture
def known_version() -> str:
    """The minor version of the installed Keras, one of those that the catalogue is made of."""
    import keras

    minor = ".".join(keras.__version__.split(".")[:2])
    if minor not in catalogue().versions:
        pytest.skip(f"the catalogue does not know Keras {minor}, which is installed")
    return minor


def test_the_committed_catalogue_is_what_the_generator_finds(
    tmp_path: Path, known_version: str, making: Any
) -> None:
    """For the installed Keras, whichever it is; `merging` has its own tests."""
    from catalogue_making.merging import comparable, facts_of

    target = tmp_path / "facts.json"
    command = [sys.executable, "-P", str(TESTS / "make_catalogue.py"), str(target), "--facts"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    found, data = json.loads(target.read_bytes()), json.loads(COMMITTED.read_bytes())
    lines = {(line["kind"], line["class"]): line for line in data["entries"]}
    expected = [comparable(line, lines, known_version) for line in found["entries"]]
    assert facts_of(data, known_version) == expected, "run `make catalogue`"
    assert {key: data[key] for key in ("dtypes", "compile")} == {
        key: found[key] for key in ("dtypes", "compile")
    }
    if known_version == data["versions"][-1]:
        assert_documented(found["docs"])


def assert_documented(found: dict[str, dict[str, str]]) -> None:
    from make_catalogue import split_docs

    docs = json.loads(COMMITTED.with_name("keras_docs.json").read_bytes())
    shared, own = split_docs(found)
    assert docs["shared"] == shared
    assert {line["entry"]: line["docs"] for line in docs["entries"]} == {
        key: texts for key, texts in own.items() if texts
    }


def test_the_installed_keras_still_has_every_class_and_asks_for_nothing_new(making: Any) -> None:
    """Also where the installed Keras is another version than the catalogue's."""
    public = making[1]
    found = {(p.kind, p.name): p for p in public.public_objects() if not p.is_function}
    for kind in OBJECT_KINDS:
        for name in catalogue().class_names(kind):
            entry = catalogue().entry(kind, name)
            if entry is None or entry.class_name != name or not entry.config_keys:
                continue
            assert (kind, name) in found, f"Keras has no {kind} {name} any more"
            parameters = inspect.signature(found[kind, name].object.__init__).parameters.values()
            asked = {p.name for p in parameters if p.default is p.empty and p.kind not in VARIADIC}
            assert asked - {"self"} <= set(entry.arguments), (kind, name)


VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@pytest.mark.usefixtures("known_version")
@pytest.mark.needs_backend("tensorflow")  # others refuse some, such as a negative seed
def test_what_the_catalogue_accepts_keras_constructs(making: Any) -> None:
    instances, public, signatures = making
    wrong, tried, left_to_keras = [], 0, 0
    for thing in public.public_objects():
        entry = catalogue().entry(thing.kind, thing.name)
        if thing.is_function or entry is None or not instances.constructible(thing.name):
            continue
        instance = instances.Instance(thing, signatures.required(thing.object))
        for argument, data in accepted_pairs(entry):
            tried += 1
            if instance.takes(argument.name, expand(argument, data)):
                continue
            left_to_keras += argument.kind == "any"
            if argument.kind != "any":
                wrong.append((thing.name, argument.name, data))
    assert wrong == []
    assert tried > 9_000
    assert left_to_keras < 100  # these `apply` reports: tests/laws/test_refused_values.py


def accepted_pairs(entry: Entry) -> Iterator[tuple[Argument, Any]]:
    """Arguments and values that `check_value` lets pass."""
    for argument in entry.arguments.values():
        if (entry.class_name, argument.name) not in DEPENDS_ON_OTHERS:
            for data in TRIED:
                if not any(value_faults(argument, data)):
                    yield argument, data


@pytest.mark.parametrize(
    "kind",
    [
        # PyTorch has optimizers of its own.
        pytest.param(k, marks=[pytest.mark.needs_backend("tensorflow", "jax")] * (k == "optimizer"))
        for k in OBJECT_KINDS
        if k not in {"layer", "dtype_policy"}
    ],
)
def test_every_name_expands_to_what_keras_saves(kind: str, making: Any, known_version: str) -> None:
    import keras

    instances = making[0]
    argument = Argument("value", "learning_rate" if kind == "schedule" else kind)
    for name in catalogue().names(kind):
        entry = catalogue().entry(kind, name)
        assert entry is not None
        if entry.class_name in {"MultiOptimizer", "STFT"}:
            continue  # the first holds others, the second needs scipy
        given = required_values(entry, instances)
        expanded: Any = expand(argument, {"class": name, **given} if given else name)
        if isinstance(expanded, str):
            assert getattr(keras, f"{'losse' if kind == 'loss' else kind}s").get(expanded)
            continue
        keras.backend.clear_session(free_memory=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = keras.saving.deserialize_keras_object(json.loads(json.dumps(expanded)))
            saved = json.loads(json.dumps(keras.saving.serialize_keras_object(made)))
        assert same(normal(saved), normal(expanded)), (name, saved, expanded)
        assert as_config(saved).keys() == as_config(expanded).keys(), name
        if known_version == catalogue().versions[-1]:  # of older ones the order is not kept
            assert list(as_config(saved)) == list(as_config(expanded)), name


def as_config(record: Any) -> Any:
    return record["config"] if isinstance(record["config"], dict) else {}


def required_values(entry: Entry, instances: Any) -> dict[str, Any]:
    fixed = {"inner_optimizer": "adam", "fn": "mean_squared_error"}
    known = {**instances.BY_ARGUMENT, **fixed}
    return {name: known[name] for name, a in entry.arguments.items() if a.required}


@pytest.mark.parametrize(
    "name", ["float32", "bfloat16", "mixed_float16", "int8_from_float32", "float8_from_bfloat16"]
)
def test_dtype_policies_expand_to_what_keras_saves(name: str) -> None:
    import keras

    expanded = expand(Argument("dtype", "dtype_policy"), name)
    policy = keras.dtype_policies.get(name)
    assert keras.saving.serialize_keras_object(policy) == expanded
    assert keras.dtype_policies.get(json.loads(json.dumps(expanded))) == policy


def test_a_layer_takes_every_kind_of_expanded_value() -> None:
    import keras

    entry = catalogue().layer("Dense")
    assert entry is not None
    given: dict[str, Any] = {
        "activation": "swish",
        "kernel_regularizer": {"l1": 1e-5, "l2": 1e-4},
        "kernel_initializer": "he_normal",
        "bias_constraint": {"class": "MinMaxNorm", "max_value": 2},
        "dtype": "mixed_bfloat16",
    }
    expanded = {name: expand(entry.arguments[name], data) for name, data in given.items()}
    layer = keras.layers.Dense.from_config({"units": 3, **json.loads(json.dumps(expanded))})
    saved = keras.saving.serialize_keras_object(layer)["config"]
    assert {name: saved[name] for name in expanded} == expanded


def test_registered_custom_objects_are_found_by_the_expanded_record() -> None:
    import keras

    def gate(x: Any) -> Any:
        return x

    class Clip(keras.constraints.Constraint):  # type: ignore[misc] # Keras is untyped here
        def __init__(self, limit: float = 1.0) -> None:
            self.limit = limit

        def get_config(self) -> dict[str, float]:
            return {"limit": self.limit}

    constraint: Any = expand(Argument("c", "constraint"), {"class": "kover_test>Clip", "limit": 3})
    activation: Any = expand(Argument("a", "activation"), "kover_test>gate")
    registered = {"kover_test>Clip": Clip, "kover_test>gate": gate}
    with keras.saving.custom_object_scope(registered):
        found = keras.constraints.get(constraint)
        assert isinstance(found, Clip)
        assert found.limit == 3
        assert keras.activations.get(activation) is gate
    with pytest.raises(TypeError):
        keras.constraints.get(constraint)


@pytest.mark.usefixtures("known_version")
def test_stored_variables_are_those_of_a_saved_file(tmp_path: Path) -> None:
    import h5py
    import keras

    model = keras.Sequential(
        [
            keras.layers.Input((8, 4)),
            keras.layers.Conv1D(4, 3, use_bias=False, name="Conv1D"),
            keras.layers.BatchNormalization(scale=False, name="BatchNormalization"),
            keras.layers.LSTM(4, use_bias=True, return_sequences=True, name="LSTM"),
            keras.layers.LayerNormalization(center=False, name="LayerNormalization"),
            keras.layers.Dense(3, name="Dense"),
        ]
    )
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    with h5py.File(path) as file:
        for layer in model.layers:
            entry = catalogue().layer(type(layer).__name__)
            assert entry is not None
            expected = entry.stored_variables(layer.get_config())
            group = file["layers"][keras.src.utils.naming.to_snake_case(type(layer).__name__)]
            stored: list[str] = []
            group.visititems(
                lambda name, item, into=stored: (
                    into.append(name) if isinstance(item, h5py.Dataset) else None
                )
            )
            assert sorted(stored) == sorted(expected)
