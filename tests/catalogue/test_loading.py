from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kover.catalogue import catalogue, defaults_of, loading
from kover.catalogue.model import OBJECT_KINDS
from kover.values import MISSING

DATA = Path(loading.__file__).with_name("keras.json")


def test_every_entry_of_the_data_can_be_built_and_found_by_each_of_its_names() -> None:
    known = catalogue()
    for kind in OBJECT_KINDS:
        for class_name in known.class_names(kind):
            entry = known.entry(kind, class_name)
            assert entry is not None
            assert entry.kind == kind
            for name in entry.names:
                assert known.entry(kind, name) is entry
                assert name in known.names(kind) or kind == "dtype_policy"


@pytest.mark.parametrize(
    ("kind", "name", "class_name"),
    [
        ("activation", "relu", "relu"),
        ("activation", "swish", "silu"),
        ("initializer", "he_normal", "HeNormal"),
        ("initializer", "HeNormal", "HeNormal"),
        ("regularizer", "l2", "L2"),
        ("regularizer", "l1_l2", "L1L2"),
        ("regularizer", "l1l2", "L1L2"),
        ("constraint", "max_norm", "MaxNorm"),
        ("loss", "mse", "mean_squared_error"),
        ("loss", "MeanSquaredError", "MeanSquaredError"),
        ("metric", "mse", "MeanSquaredError"),
        ("metric", "mean_squared_error", "MeanSquaredError"),
        ("optimizer", "adamw", "AdamW"),
        ("optimizer", "ADAMW", "AdamW"),
        ("optimizer", "lamb", "Lamb"),
        ("schedule", "CosineDecay", "CosineDecay"),
        ("layer", "Convolution2D", "Conv2D"),
        ("layer", "Functional", "Functional"),
    ],
)
def test_each_name_leads_to_its_class(kind: str, name: str, class_name: str) -> None:
    entry = catalogue().entry(kind, name)
    assert entry is not None
    assert entry.class_name == class_name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("activation", "rellu"),
        ("activation", "Relu"),
        ("regularizer", "Regularizer"),
        ("layer", "Layer"),
        ("optimizer", "Optimizer"),
        ("nonsense", "relu"),
        ("layer", ""),
    ],
)
def test_unknown_and_abstract_names_lead_nowhere(kind: str, name: str) -> None:
    assert catalogue().entry(kind, name) is None


def test_a_custom_class_with_the_name_of_a_builtin_is_not_the_builtin() -> None:
    assert catalogue().layer("Dense") is not None
    assert catalogue().layer("Dense", "Dense") is not None
    assert catalogue().layer("Dense", "my_pkg>Dense") is None


def test_no_default_lies_outside_its_own_domain() -> None:
    from kover.catalogue.checking import value_faults

    known = catalogue()
    wrong = [
        (entry.class_name, argument.name, argument.default)
        for kind in OBJECT_KINDS
        for entry in (known.entry(kind, name) for name in known.class_names(kind))
        if entry is not None
        for argument in entry.arguments.values()
        if argument.default is not MISSING
        and argument.kind != "any"
        and any(value_faults(argument, argument.default))
        and not (argument.name == "name" and argument.default is None)
    ]
    assert wrong == []


def test_defaults_are_in_the_form_that_keras_saves() -> None:
    defaults = defaults_of("layer", "Dense")
    assert "units" not in defaults
    assert defaults["activation"] == "linear"
    assert defaults["kernel_regularizer"] is None
    assert defaults["kernel_initializer"] == {
        "module": "keras.initializers",
        "class_name": "GlorotUniform",
        "config": {"seed": None, "input_axes": None, "output_axes": None},
        "registered_name": None,
    }
    assert defaults["dtype"] == {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "float32"},
        "registered_name": None,
    }
    assert defaults_of("layer", "NoSuchLayer") == {}


def test_what_keras_accepts_but_does_not_save_is_marked() -> None:
    dropout = catalogue().layer("Dropout")
    dense = catalogue().layer("Dense")
    assert dropout is not None
    assert dense is not None
    assert not dropout.arguments["autocast"].saved
    assert dropout.arguments["activity_regularizer"].saved
    assert dense.arguments["lora_rank"].saved


@pytest.mark.parametrize(
    ("class_name", "config", "expected"),
    [
        ("Dense", {"use_bias": True}, {"vars/0": "kernel", "vars/1": "bias"}),
        ("Dense", {"use_bias": False}, {"vars/0": "kernel"}),
        ("Dense", {}, {"vars/0": "kernel", "vars/1": "bias"}),
        (
            "BatchNormalization",
            {"scale": False},
            {"vars/0": "beta", "vars/1": "moving_mean", "vars/2": "moving_variance"},
        ),
        (
            "LSTM",
            {"use_bias": True},
            {"cell/vars/0": "kernel", "cell/vars/1": "recurrent_kernel", "cell/vars/2": "bias"},
        ),
        ("ReLU", {}, {}),
    ],
)
def test_stored_variables_follow_the_switches(
    class_name: str, config: dict[str, bool], expected: dict[str, str]
) -> None:
    entry = catalogue().layer(class_name)
    assert entry is not None
    assert entry.stored_variables(config) == expected


def test_attention_variables_carry_the_name_of_their_projection() -> None:
    entry = catalogue().layer("MultiHeadAttention")
    assert entry is not None
    assert entry.stored_variables({"use_bias": False}) == {
        "key_dense/vars/0": "key/kernel",
        "output_dense/vars/0": "output/kernel",
        "query_dense/vars/0": "query/kernel",
        "value_dense/vars/0": "value/kernel",
    }


def test_documentation_is_found_for_arguments_alone() -> None:
    dropout = catalogue().layer("Dropout")
    assert dropout is not None
    text = catalogue().documentation(dropout, "rate")
    assert text is not None
    assert "float" in text.lower()
    assert catalogue().documentation(dropout, "kernel_size") is None


def test_the_data_is_sorted_with_one_entry_a_line() -> None:
    lines = DATA.read_text("utf-8").splitlines()
    entries = [json.loads(line.rstrip(",")) for line in lines if line.startswith('{"kind"')]
    keys = [(entry["kind"], entry["class"]) for entry in entries]
    assert keys == sorted(keys)
    assert len(entries) == len(json.loads(DATA.read_bytes())["entries"])
    assert DATA.stat().st_size + DATA.with_name("keras_docs.json").stat().st_size < 600_000


def test_importing_and_using_the_catalogue_imports_nothing_heavy() -> None:
    code = (
        "import sys; from kover.catalogue import catalogue; "
        "from kover.catalogue.values import expand; "
        "catalogue().layer('Dense'); "
        "heavy = {'keras', 'tensorflow', 'numpy', 'h5py', 'yaml', 'jsonschema', 'click', 'rich'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
