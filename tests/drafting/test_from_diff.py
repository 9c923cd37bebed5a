"""The spec that turns one model into another does so."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kover.archive.reader import open_archive
from kover.diffing.compare import compare_archives
from kover.diffing.compile import compare_compile
from kover.diffing.pairing import Side
from kover.diffing.stored import stored_model
from kover.diffing.trees import compare_trees
from kover.drafting.checking import plan_text, read_text
from kover.drafting.from_diff import DraftedSpec, spec_from_diff
from kover.drafting.rates import rate_proposals
from kover.modelconfig.tree import ModelTree, read_tree
from kover.values import MISSING

Write = Callable[[Path, dict[str, Any]], None]
REAL = [
    "IDAES__idaes-pse__PT_data_2_10_10_2_relu.keras",
    "MosesDastmard__deep-cluster__encoder_train_model.keras",
    "matthew-chandler__capstone__python-kws_model.keras",
    "dirac-institute__kbmod__tests-data-test_model.keras",
    "ugur00000__Eye-disease-classification-__autokeras-image.keras",
]


def drafted(before: Path, after: Path) -> tuple[DraftedSpec, ModelTree, ModelTree]:
    with open_archive(before) as one, open_archive(after) as other:
        diff = compare_archives(one, other)
        trees = read_tree(one.config), read_tree(other.config)
        return spec_from_diff(diff, *trees), *trees


def write(path: Path, config: Any) -> None:
    """An archive without weights, so that the rates are those of the config."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("config.json", json.dumps(config))


def leads_to(text: str, before: ModelTree, after: ModelTree) -> bool:
    """Whether the spec makes one config into the other, as far as Keras would see."""
    made = read_tree(plan_text(text, before).after)
    found = compare_trees(Side(made), Side(after))
    compiled = compare_compile(stored_model(made, None), stored_model(after, None))
    told = [change for layer in found.layers for change in layer.changes]
    told = [each for each in told if (each.before, each.after) != (None, MISSING)]  # as unsaid
    kinds = {layer.kind for layer in found.layers}
    return kinds <= {"changed"} and not (told or found.model or compiled)


@pytest.mark.parametrize(
    "spec",
    [
        "overrides:\n  - layers: dense_a\n    set: {activation: tanh}",
        "overrides:\n  - layers: dense_*\n    set: {kernel_regularizer: {l2: 1e-4}}",
        "overrides:\n  - layers: dense_*\n    set: {trainable: false}",
        "overrides: [{layers: dense_a, set: {kernel_initializer: {class: HeNormal, seed: 3}}}]",
        "overrides:\n  - layers: dense_b\n    set: {dtype: mixed_bfloat16}",
        "overrides: [{layers: dense_a, rename: first}]",
        "overrides: [{layers: dense_a, rename: b}, {layers: dense_b, rename: a}]",
        "overrides: [{layers: dense_a, replace: BatchNormalization}]",
        "overrides: [{layers: dense_*, replace: {class: Dropout, rate: 0.25, seed: 3}}]",
        "overrides: [{layers: dense_a, replace: {class: EinsumDense, equation: 'ab,bc->ac', "
        "output_shape: 4, activation: tanh}}]",
        "overrides: [{layers: dense_a, replace: {class: 'my_pkg>Odd', units: 4, list: [1, x]}}]",
        "overrides: [{layers: dense_a, replace: {class: 'my_pkg>Dense', units: 4}}]",
        "overrides: [{layers: dense_a, replace: LayerNormalization, rename: norm}]",
        "overrides: [{layers: dense_a, set: {activation: tanh}, rename: first}]",
        "overrides: [{layers: dense_*, rename: 'x_{name}', set: {activation: tanh}}]",
        "compile: {optimizer: {class: SGD, learning_rate: 0.1, momentum: 0.9}}",
        "compile: {optimizer: {clipnorm: 1.0}, loss: mse, metrics: [mae]}",
        "compile: {loss: {class: CategoricalCrossentropy, label_smoothing: 0.1}}",
    ],
)
def test_what_a_spec_did_a_spec_can_say(
    spec: str, tmp_path: Path, tiny_config: dict[str, Any]
) -> None:
    write(tmp_path / "a.keras", tiny_config)
    after = dict(plan_text(f"version: 1\n{spec}\n", read_tree(tiny_config)).after)
    write(tmp_path / "b.keras", after)
    draft, one, other = drafted(tmp_path / "a.keras", tmp_path / "b.keras")
    assert draft.complete, draft.text
    assert leads_to(draft.text, one, other), draft.text
    back, *_ = drafted(tmp_path / "b.keras", tmp_path / "a.keras")
    assert back.complete, back.text
    assert leads_to(back.text, other, one), back.text


ACTIVATIONS = st.sampled_from(["relu", "tanh", "gelu", "softmax", "linear"])
REGULARIZERS = st.sampled_from(
    [
        "null",
        "l2",
        "{l1: 1e-5}",
        "{class: L1L2, l1: 0.1, l2: 2.0}",
        "{class: OrthogonalRegularizer}",
    ]
)
CONSTRAINTS = st.sampled_from(["null", "non_neg", "{class: MaxNorm, max_value: 3, axis: 0}"])
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "activation": ACTIVATIONS,
        "kernel_regularizer": REGULARIZERS,
        "bias_regularizer": REGULARIZERS,
        "kernel_constraint": CONSTRAINTS,
        "trainable": st.sampled_from(["true", "false"]),
        "dtype": st.sampled_from(["float32", "mixed_float16", "bfloat16"]),
    },
)
OPTIMIZERS = st.sampled_from(
    [
        "adam",
        "{learning_rate: 3e-4}",
        "{learning_rate: {class: CosineDecay, initial_learning_rate: 0.1, decay_steps: 10}}",
        "{class: RMSprop, rho: 0.8}",
        "{class: AdamW, weight_decay: 0.01, learning_rate: 0.25}",
        "{class: Lion, beta_1: 0.8}",
    ]
)
COMPILE = st.fixed_dictionaries(
    {},
    optional={
        "optimizer": OPTIMIZERS,
        "loss": st.sampled_from(["mse", "{class: Huber, delta: 2.0}", "kl_divergence"]),
        "metrics": st.sampled_from(["[]", "[mae]", "[accuracy, {class: AUC, name: auc}]"]),
        "steps_per_execution": st.integers(1, 9).map(str),
        "run_eagerly": st.sampled_from(["true", "false"]),
    },
)


def spec_text(overrides: dict[str, dict[str, str]], compiled: dict[str, str]) -> str:
    lines = ["version: 1"]
    items = [(layer, found) for layer, found in overrides.items() if found]
    if items:
        lines.append("overrides:")
    for layer, found in items:
        inside = ", ".join(f"{name}: {value}" for name, value in found.items())
        lines += [f"  - layers: {layer}", f"    set: {{{inside}}}"]
    if compiled or not items:
        lines.append("compile:")
        lines += [f"  {name}: {value}" for name, value in compiled.items()]
        lines += ["  optimizer_state: keep"]
    return "\n".join(lines) + "\n"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    overrides=st.fixed_dictionaries({}, optional={"dense_a": SETTINGS, "dense_b": SETTINGS}),
    compiled=COMPILE,
)
def test_round_trip_of_random_specs(
    overrides: dict[str, dict[str, str]],
    compiled: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    tiny_config: dict[str, Any],
) -> None:
    folder = tmp_path_factory.getbasetemp()
    write(folder / "a.keras", tiny_config)
    plan = plan_text(spec_text(overrides, compiled), read_tree(copy.deepcopy(tiny_config)))
    write(folder / "b.keras", dict(plan.after))
    draft, one, other = drafted(folder / "a.keras", folder / "b.keras")
    assert leads_to(draft.text, one, other), draft.text
    assert draft.complete, draft.text


def test_any_two_real_models_give_a_valid_spec(real_models: Path) -> None:
    for before in REAL:
        for after in REAL:
            draft, one, _ = drafted(real_models / before, real_models / after)
            plan_text(draft.text, one)
            assert draft.complete == (before == after), draft.text


def multi(pattern: str, **settings: Any) -> dict[str, Any]:
    inner = {"class": "Adam", "name": "group_1", "learning_rate": 0.001} | settings
    held = {
        "class": "OptimizerMap",
        "default_optimizer": {"class": "Adam", "learning_rate": 0.01},
        "optimizer_map": {pattern: inner},
    }
    return {"class": "MultiOptimizer", "optimizer_map": held}


def test_rates_by_layer_are_read_back(tiny_config: dict[str, Any]) -> None:
    pattern = r"(?:tiny/)?dense_a/kernel|(?:tiny/)?dense_a/bias|(?:tiny/)?dense_b/bias"
    found = rate_proposals(multi(pattern), read_tree(tiny_config), str, "")
    assert found is not None
    assert [(each.layers, each.variables, each.rates) for each in found[1:]] == [
        (("dense_a",), ("kernel", "bias"), {"learning_rate": 0.001}),
        (("dense_b",), ("bias",), {"learning_rate": 0.001}),
    ]


def test_a_recurrent_layers_cell_is_no_layer_of_its_own(tiny_config: dict[str, Any]) -> None:
    pattern = "dense_a/lstm_cell/kernel|dense_a/lstm_cell_1/bias"
    found = rate_proposals(multi(pattern), read_tree(tiny_config), {"dense_a": "lstm"}.get, "")
    assert found is not None
    assert [(each.layers, each.variables) for each in found[1:]] == [
        (("lstm",), ("kernel", "bias"))
    ]
    assert rate_proposals(multi(pattern), read_tree(tiny_config), {}.get, "") is None


@pytest.mark.parametrize(
    "optimizer",
    [
        multi(".*"),
        multi("dense_a/query/kernel"),
        multi("(a+)+$" * 20),
        multi("dense_z/kernel"),
        multi("dense_a/kernel", clipnorm=1.0),
        {"class": "MultiOptimizer"},
    ],
)
def test_a_multi_optimizer_that_a_spec_cannot_say_is_left_alone(
    optimizer: dict[str, Any], tiny_config: dict[str, Any]
) -> None:
    assert rate_proposals(optimizer, read_tree(tiny_config), str, "") is None


@pytest.mark.keras
@pytest.mark.needs_keras(">=3.15.1")  # the first with MultiOptimizer
def test_round_trip_through_keras(demo_model: Path, tmp_path: Path, run_kover: Any) -> None:
    spec = (
        "version: 1\noverrides:\n"
        "  - {layers: backbone, set: {trainable: false}}\n"
        "  - {layers: predictions, set: {units: 3}, reinitialize: true, learning_rate: 0.25}\n"
        "compile: {optimizer: {learning_rate: 1e-4}, loss: {class: Huber, delta: 2.0}}\n"
    )
    (tmp_path / "s.yaml").write_text(spec)
    first = run_kover("apply", demo_model, "s.yaml", "-o", "b.keras", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    drafted = run_kover("diff", demo_model, "b.keras", "--format", "spec", cwd=tmp_path)
    (tmp_path / "back.yaml").write_text(drafted.stdout)
    second = run_kover("apply", demo_model, "back.yaml", "-o", "c.keras", cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    done = run_kover("diff", "--exit-code", "b.keras", "c.keras", "--no-weights", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_what_a_spec_cannot_do_is_said(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> None:
    archive_of(tmp_path / "a.keras", tiny_config)
    config = copy.deepcopy(tiny_config)
    config["config"]["name"] = "other"
    config["config"]["layers"][1]["config"]["activation"] = {
        "class_name": "__lambda__",
        "config": {"value": "aGk="},
    }
    config["config"]["layers"].insert(
        2,
        {
            "module": "keras.layers",
            "class_name": "Dropout",
            "config": {"name": "drop", "rate": 0.5},
            "registered_name": None,
        },
    )
    archive_of(tmp_path / "b.keras", config)
    draft, _, _ = drafted(tmp_path / "a.keras", tmp_path / "b.keras")
    assert not draft.complete
    comments = [line for line in draft.text.splitlines() if line.startswith("#")]
    said = "\n".join(comments)
    assert "What a spec cannot do:" in said
    assert "drop (Dropout) is added" in said
    assert "the model: name tiny → other" in said
    assert "activation" in said


def test_names_cannot_leave_the_comments(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> None:
    archive_of(tmp_path / "a.keras", tiny_config)
    config = copy.deepcopy(tiny_config)
    config["config"]["name"] = "x\noverrides: [evil]\u2028\x85compile: {}"
    config["config"]["layers"][1]["config"]["activation"] = "relu\nversion: 2"
    archive_of(tmp_path / "b.keras", config)
    draft, _, _ = drafted(tmp_path / "a.keras", tmp_path / "b.keras")
    spec = read_text(draft.text)
    assert len(spec.overrides) <= 1
    assert all(line.isprintable() for line in draft.text.splitlines())


def test_the_arguments_of_a_model_of_a_class_of_its_own(tmp_path: Path) -> None:
    config: dict[str, Any] = {
        "module": "nets",
        "class_name": "Net",
        "registered_name": "nets>Net",
        "config": {"name": "net", "trainable": True, "rate": 0.0, "classes": 3},
    }
    write(tmp_path / "a.keras", config)
    write(tmp_path / "b.keras", {**config, "config": {**config["config"], "rate": 0.5}})
    draft, before, after = drafted(tmp_path / "a.keras", tmp_path / "b.keras")
    assert draft.complete
    assert plan_text(draft.text, before).after == after.root
