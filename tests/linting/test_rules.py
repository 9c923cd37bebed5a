"""Lint rules: what each finds, and above all what it leaves alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kover.linting.rules import RULES, lint
from kover.linting.switches import lint_specs
from kover.modelconfig.tree import read_tree
from kover.planning.planner import ModelFacts, plan_specs
from kover.spec.loading import load_spec
from kover.spec.schema import spec_schema

CONFIGS = Path(__file__).parent.parent / "planning" / "configs"
Lint = Callable[..., list[str]]


@pytest.fixture
def notes(tmp_path: Path, tiny_config: dict[str, Any]) -> Lint:
    """The notes on a spec for a model, as `line:column code`."""

    def run(
        text: str,
        model: str | Callable[[dict[str, Any]], None] | None = None,
        saved_by: str | None = "3.15.1",
    ) -> list[str]:
        config = copy.deepcopy(tiny_config)
        if isinstance(model, str):
            config = json.loads((CONFIGS / f"{model}.json").read_text())
        elif model is not None:
            model(config)
        path = tmp_path / "spec.yaml"
        path.write_text(f"version: 1\n{text}\n")
        specs = [load_spec(str(path))]
        tree = read_tree(config)
        plan = plan_specs(specs, tree, ModelFacts("m.keras", saved_by, lambda: ""))
        return [
            f"{p.source.line}:{p.source.column} {p.code}"
            for p in lint(plan, tree, specs, saved_by)
            if p.source and p.severity == "warning" and p.help
        ]

    return run


def layer(name: str, **settings: Any) -> Callable[[dict[str, Any]], None]:
    """Change a layer's config."""

    def change(config: dict[str, Any]) -> None:
        for record in config["config"]["layers"]:
            if record["config"]["name"] == name:
                record["config"].update(settings)

    return change


def loss(value: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        config["compile_config"]["loss"] = value

    return change


FOUND = [
    # softmax or sigmoid removed, or put in, against the loss
    ("overrides: [{layers: dense_b, set: {activation: linear}}]", "2:49 logits-mismatch"),
    ("overrides: [{layers: dense_b, unset: activation}]", "2:38 logits-mismatch"),
    ("overrides: [{layers: dense_b, set: {activation: null}}]", "2:49 logits-mismatch"),
    (
        "compile: {loss: {class: CategoricalCrossentropy, from_logits: true}}",
        "2:17 logits-mismatch",
    ),
    # a head that does not fit
    ("compile: {loss: binary_crossentropy}", "2:17 head-does-not-fit"),
    ("overrides: [{layers: dense_b, set: {activation: sigmoid}}]", "2:49 head-does-not-fit"),
    (
        "overrides: [{layers: dense_b, reinitialize: true, set: {units: 1}}]",
        "2:64 head-does-not-fit",
    ),
    # what does nothing on a frozen layer
    (
        "overrides: [{layers: dense_a, set: {trainable: false, kernel_regularizer: l2}}]",
        "2:75 frozen-layer",
    ),
    (
        "overrides: [{layers: dense_a, set: {trainable: false}, learning_rate: 1e-4}]",
        "2:71 frozen-layer",
    ),
    # a shape that changes without consent
    ("overrides: [{layers: dense_b, set: {units: 3}}]", "2:44 needs-reinitialize"),
    ("overrides: [{layers: dense_b, set: {use_bias: false}}]", "2:47 needs-reinitialize"),
    ("compile: {optimizer: {learning_rate: 0.1}}", "2:38 learning-rate-jump"),
    ("compile: {optimizer: {class: Adam, learning_rate: 0.5}}", "learning-rate-jump"),
    ("overrides: [{layers: dense_a, learning_rate: {multiply: 100}}]", "2:46 learning-rate-jump"),
    ("overrides: [{layers: dense_a, learning_rate: 0.2}]", "2:46 learning-rate-jump"),
    ("compile: {optimizer: {weight_decay: 1e-2}}", "2:37 decay-on-bias"),
    ("compile: {optimizer: adamw}", "2:22 decay-on-bias"),
    ("overrides: [{layers: dense_a, weight_decay: 0.1}]", "2:45 decay-on-bias"),
    (
        "parameters: {p: no}\noverrides: [{layers: '${p}*', expect: {min: 0}, unset: units_}]",
        "2:17 looks-like-another-type",
    ),
]


@pytest.mark.parametrize(("text", "note"), FOUND, ids=[f"{n}-{f[1]}" for n, f in enumerate(FOUND)])
def test_a_rule_finds(text: str, note: str, notes: Lint) -> None:
    assert [found for found in notes(text) if found.endswith(note)], notes(text)


LEFT_ALONE = [
    "overrides: [{layers: dense_b, set: {units: 3}, reinitialize: true}]",
    "overrides: [{layers: dense_b, set: {units: 2, use_bias: true}}]",
    "overrides: [{layers: dense_a, set: {activation: linear}}]",  # no head
    "overrides: [{layers: dense_b, set: {activation: linear}}]\n"
    "compile: {loss: {class: CategoricalCrossentropy, from_logits: true}}",
    "overrides: [{layers: dense_b, set: {activation: sigmoid}}]\n"
    "compile: {loss: binary_crossentropy}",
    "overrides: [{layers: dense_b, set: {activation: linear}}]\ncompile: {loss: mse}",
    "compile: {optimizer: {learning_rate: 0.0999}}",
    "compile: {optimizer: {learning_rate: 1e-7}}",
    "compile: {optimizer: {class: SGD, learning_rate: 0.1}}",  # another scale
    "overrides: [{layers: dense_a, set: {trainable: false}}, "
    '{layers: "**", set: {kernel_regularizer: l2}}]',
    "overrides: [{layers: '**', variables: [bias, gamma, beta], weight_decay: 0}]\n"
    "compile: {optimizer: {weight_decay: 0.01}}",
    "overrides: [{layers: dense_a, variables: kernel, weight_decay: 0.1}]",
    "overrides: [{layers: dense_a, variables: bias, weight_decay: 0.1}]",
    "overrides: [{layers: dense_a, set: {trainable: false}}, {layers: dense_b, set: "
    "{trainable: false}}]\ncompile: {optimizer: {weight_decay: 0.01}}",
    "parameters: {p: dense_a}\noverrides: [{layers: '${p}', set: {activation: tanh}}]",
    'parameters: {p: "1"}\noverrides: [{layers: "a${p}*", expect: {min: 0}, set: {units: 3}}]',
]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_is_fine_is_left_alone(text: str, notes: Lint) -> None:
    assert notes(text) == []


def test_a_mismatch_that_was_there_is_left_alone_unless_touched(notes: Lint) -> None:
    wrong = loss("binary_crossentropy")
    assert notes("overrides: [{layers: dense_a, set: {activation: tanh}}]", wrong) == []
    assert notes("overrides: [{layers: dense_b, set: {activation: gelu}}]", wrong) == []


def test_a_loss_and_a_head_that_change_together_name_both_places(notes: Lint) -> None:
    text = (
        "overrides: [{layers: dense_b, set: {activation: linear}}]\n"
        "compile: {loss: sparse_categorical_crossentropy}"
    )
    assert notes(text) == ["2:49 logits-mismatch"]


def test_a_nested_batch_norm_that_wakes_is_found_and_a_later_override_calms_it(
    notes: Lint, tmp_path: Path
) -> None:
    def frozen(config: dict[str, Any]) -> None:
        config.update(json.loads((CONFIGS / "flowers.json").read_text()))
        for record in config["config"]["layers"][1]["config"]["layers"]:
            record["config"]["trainable"] = False

    text = "overrides:\n- {layers: backbone, set: {trainable: true}}"
    assert notes(text, frozen) == ["3:39 batch-norm-wakes"]
    calm = f"{text}\n- {{layers: {{class: BatchNormalization}}, set: {{trainable: false}}}}"
    assert notes(calm, frozen) == []


@pytest.mark.parametrize(("before", "after", "count"), [(0.0, 0.3, 1), (0, 0.3, 1), (0.1, 0.3, 0)])
def test_dropout_begins_only_where_there_was_none(
    before: float, after: float, count: int, notes: Lint
) -> None:
    def change(config: dict[str, Any]) -> None:
        config.update(json.loads((CONFIGS / "flowers.json").read_text()))
        layer("dropout", rate=before)(config)

    found = notes(f"overrides: [{{layers: dropout, set: {{rate: {after}}}}}]", change)
    assert len(found) == count


@pytest.mark.parametrize(
    ("value", "odd"),
    [
        ("yes", True), ("No", True), ("ON", True), ("off", True), ("None", True), ("nil", True),
        ("0,5", True), ("1_000", True), ("10%", True), ("true", False), ("1e-4", False),
        ("null", False), ("relu", False), ('"3"', False), ("a,b", False), ("node", False),
        ("[no, x]", True), ("{a: yes}", True),
    ],
)  # fmt: skip
def test_parameters_that_look_like_accidents(value: str, odd: bool, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(f"version: 1\nparameters:\n  p: {value}\ncompile: {{loss: mse}}\n")
    assert bool(lint_specs([load_spec(str(path))])) is odd


def test_quotes_that_a_known_class_forgives_are_not_mentioned_twice(notes: Lint) -> None:
    text = 'overrides: [{layers: dense_a, was: {activation: "relu"}, set: {activation: tanh}}]'
    assert notes(text) == []


@pytest.mark.parametrize("code", [rule.code for rule in RULES])
def test_every_rule_can_be_switched_off(code: str, notes: Lint) -> None:
    assert code in spec_schema()["definitions"]["lint"]["properties"]["off"]["items"]["enum"]
    shown = {found.split()[1]: text for text, found in FOUND if " " in found}
    if code in shown:
        assert code in " ".join(notes(shown[code]))
        assert code not in " ".join(notes(f"{shown[code]}\nlint: {{off: [{code}]}}"))


def test_a_rule_never_changes_what_it_looks_at(notes: Lint, tiny_config: dict[str, Any]) -> None:
    before = copy.deepcopy(tiny_config)
    for text, _ in FOUND[:-1]:
        notes(text)
    assert tiny_config == before


@pytest.mark.parametrize("model", ["flowers", "mixed", "half", "custom", "loss_scale", "shared"])
def test_no_rule_stumbles_over_other_models(model: str, notes: Lint) -> None:
    assert notes('overrides: [{layers: "**", set: {trainable: true}}]', model) == []
    assert notes('overrides: [{layers: "**", set: {trainable: false}}]', model) == []


# ---------------------------------------------------------------- newer-than-model

NEWER = [
    ("overrides: [{layers: dense_a, set: {quantization_config: {class: X}}}]", "3.13"),
    ("overrides: [{layers: dense_a, set: {kernel_initializer: {class: HeNormal, "
     "input_axes: 0}}}]", "3.15"),
    ("overrides: [{layers: dense_a, set: {kernel_initializer.input_axes: 0}}]", "3.15"),
    ("compile: {optimizer: {class: ScheduleFreeAdamW}}", "3.14"),
    ("compile: {optimizer: {class: Muon, rms_rate: 0.3}}", "3.13"),
    ("compile: {optimizer: {class: SGD, learning_rate: 0.1}, metrics: [{class: "
     "SparseCategoricalCrossentropy, ignore_class: 1}]}", "3.14"),
    ("overrides: [{layers: dense_a, learning_rate: {multiply: 0.5}}]", "3.15"),
    ("overrides: [{layers: dense_b, replace: {class: AdaptiveAveragePooling1D, "
     "output_size: 2}}]", "3.13"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "since"), NEWER)
def test_what_came_after_the_version_of_the_model_is_noted(
    notes: Lint, text: str, since: str
) -> None:
    older = f"3.{int(since[2:]) - 1}.2"
    assert [note.split()[1] for note in notes(text, saved_by=older)].count("newer-than-model") == 1
    assert "newer-than-model" not in str(notes(text, saved_by=f"{since}.0"))
    assert "newer-than-model" not in str(notes(text, saved_by=None))


@pytest.mark.parametrize(
    "text",
    [
        "overrides: [{layers: dense_a, set: {kernel_initializer: he_normal, activation: relu}}]",
        "overrides: [{layers: dense_a, set: {kernel_regularizer: {l2: 0.1}}}]",
        "compile: {optimizer: {class: Muon, learning_rate: 0.001}}",
        'overrides: [{layers: "**", learning_rate: {multiply: 0.5}}]',
        "overrides: [{layers: dense_a, unset: [quantization_config]}]",
    ],
)
def test_what_every_version_has_is_not(notes: Lint, text: str) -> None:
    assert "newer-than-model" not in str(notes(text, saved_by="3.10.0"))


def test_a_rate_of_several_optimizers_is_told_once_and_compared_with_the_default_ones(
    notes: Lint,
) -> None:
    jump = "learning-rate-jump"
    assert notes("compile: {optimizer: {learning_rate: 0.5}}", "multi") == [f"2:38 {jump}"]
    assert notes("overrides: [{layers: a, learning_rate: 0.5}]", "multi") == [f"2:40 {jump}"]
    assert notes("overrides: [{layers: a, learning_rate: 0.01}]", "multi") == []


def test_a_decay_in_groups_of_variables_is_not_judged(notes: Lint) -> None:
    assert notes("compile: {optimizer: {weight_decay: 0.01}}", "multi") == []
