"""Selectors over models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kover.errors import AnswerIsNo
from kover.modelconfig.tree import read_tree
from kover.planning.plan import Plan
from kover.planning.selecting import select
from kover.source import Source
from kover.spec.document import AnyOf, Glob, Where

HERE = Source("spec.yaml", 1, 1)
FLOWERS = [
    "image", "backbone", "backbone/image", "backbone/conv1", "backbone/bn1", "backbone/relu1",
    "backbone/conv2", "backbone/average", "hidden", "dropout", "predictions",
]  # fmt: skip


@pytest.fixture
def selected(plan: Callable[..., Plan]) -> Callable[..., list[str]]:
    """The paths that a selector, written in YAML, means."""

    def run(model: str | dict[str, Any], selector: str, expect: str = "") -> list[str]:
        made = plan(
            model, f"overrides:\n- layers: {selector}\n  learning_rate: 1\n  {expect}\n"
            "compile: {optimizer: adam, loss: mse}"
        )  # fmt: skip
        return list(made.outcomes[0].matched)

    return run


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("conv1", ["backbone/conv1"]),
        ("backbone/conv1", ["backbone/conv1"]),
        ("image", ["image", "backbone/image"]),
        ("/image", ["image"]),
        ('"*"', FLOWERS),
        ('"/*"', ["image", "backbone", "hidden", "dropout", "predictions"]),
        ('"backbone/**"', FLOWERS[2:8]),
        ("[predictions, conv1, conv1]", ["backbone/conv1", "predictions"]),
        ("[hidden, {class: Conv2D}]", ["backbone/conv1", "backbone/conv2", "hidden"]),
        ('{name: "conv*"}', ["backbone/conv1", "backbone/conv2"]),
        ("{name: [conv1, hidden]}", ["backbone/conv1", "hidden"]),
        ('{path: "backbone/c*"}', ["backbone/conv1", "backbone/conv2"]),
        ('{path: "h*"}', ["hidden"]),
        ("{class: Dense}", ["hidden", "predictions"]),
        ('{class: ["Conv*", Dropout]}', ["backbone/conv1", "backbone/conv2", "dropout"]),
        ("{has: rate}", ["dropout"]),
        ("{has: [units, kernel_regularizer]}", ["hidden", "predictions"]),
        ("{has: kernel_regularizer.l2}", ["backbone/conv2"]),
        ("{index: 0}", ["image"]),
        ("{index: -1}", ["predictions"]),
        ("{index: ':2'}", ["image", "backbone"]),
        ("{index: '-2:'}", ["dropout", "predictions"]),
        ("{index: '::2'}", ["image", "hidden", "predictions"]),
        ("{where: {units: 8}}", ["hidden"]),
        ("{where: {units: [5, 8]}}", ["hidden", "predictions"]),
        ("{where: {activation: relu}}", ["backbone/relu1", "hidden"]),
        ("{where: {kernel_size: 3}}", ["backbone/conv1"]),
        ("{where: {kernel_size: [3, 3]}}", ["backbone/conv1"]),
        ("{where: {kernel_size: [3, 5]}}", ["backbone/conv1", "backbone/conv2"]),
        ("{where: {kernel_size: [[3, 5]]}}", ["backbone/conv2"]),
        ("{where: {kernel_regularizer: {l2: 1e-4}}}", ["backbone/conv2"]),
        ("{where: {kernel_regularizer: {class: L2, l2: 0.0001}}}", ["backbone/conv2"]),
        ("{where: {kernel_regularizer.l2: 1e-4}}", ["backbone/conv2"]),
        (
            "{class: [Dense, Conv2D], where: {kernel_regularizer: null}}",
            ["backbone/conv1", "hidden", "predictions"],
        ),
        ("{class: Dense, where: {kernel_initializer: glorot_uniform, units: 5}}", ["predictions"]),
        ("{class: Dense, where: {dtype: float32, trainable: true}}", ["hidden", "predictions"]),
        ("{trainable: true, class: Dropout}", ["dropout"]),
        ("{from: hidden}", ["hidden", "dropout", "predictions"]),
        ("{to: image}", ["image"]),
        ("{from: /backbone/bn1, to: hidden}", FLOWERS[4:9]),
        ("{from: image, to: backbone}", FLOWERS[:8]),
        ("{any: [conv1, {class: Dropout}]}", ["backbone/conv1", "dropout"]),
        ("{class: Dense, not: hidden}", ["predictions"]),
        ("{not: [{path: 'backbone/**'}, {class: Dense}]}", ["image", "backbone", "dropout"]),
        ('{class: Conv2D, not: "zzz*"}', ["backbone/conv1", "backbone/conv2"]),
    ],
)
def test_a_selector_means_these_layers(
    selected: Callable[..., list[str]],
    plan: Callable[..., Plan],
    selector: str,
    expected: list[str],
) -> None:
    assert selected("flowers", selector) == expected


def test_a_custom_class_goes_by_both_of_its_names(selected: Callable[..., list[str]]) -> None:
    assert selected("custom", "{class: Clip}") == ["clip"]
    assert selected("custom", '{class: "my>Clip"}') == ["clip"]
    assert selected("custom", '{class: "my>*"}') == ["clip"]


def test_layers_of_wrappers_and_cells_are_selected_like_any_other(
    selected: Callable[..., list[str]],
) -> None:
    assert selected("mixed", "{class: '*LSTM*'}") == [
        "bi/forward_lstm",
        "bi/backward_lstm",
        "rnn/stacked_rnn_cells/lstm_cell",
    ]
    assert selected("mixed", "rnn/stacked_rnn_cells/gru_cell") == ["rnn/stacked_rnn_cells/gru_cell"]
    assert selected("mixed", "leaky") == ["d/leaky"]


def test_absent_trainable_counts_as_true(
    selected: Callable[..., list[str]], config: Callable[[str], dict[str, Any]]
) -> None:
    model = config("flowers")
    del model["config"]["layers"][2]["config"]["trainable"]
    model["config"]["layers"][3]["config"]["trainable"] = False
    assert selected(model, "{index: '2:', trainable: true}") == ["hidden", "predictions"]
    assert selected(model, "{trainable: false}") == ["dropout"]


def test_selecting_nothing_is_fine_when_it_is_expected(
    selected: Callable[..., list[str]],
) -> None:
    for selector in ("nobody", "{name: nobody}", '"zzz*"', "{class: Zzz}", "{index: 99}"):
        assert selected("flowers", selector, "expect: {min: 0}") == []


@pytest.mark.parametrize(
    ("selector", "problem"),
    [
        ("dens", "3:11 unknown-layer no layer matches 'dens' | "),
        ("predictoins",
         "3:11 unknown-layer no layer matches 'predictoins' | did you mean 'predictions'?"),
        ("backbone/conv",
         "3:11 unknown-layer no layer matches 'backbone/conv' | did you mean 'backbone/conv"),
        ("/conv1", "3:11 unknown-layer no layer matches '/conv1' | "),
        ("[conv1, hiden]", "3:19 unknown-layer no layer matches 'hiden' | did you mean 'hidden'?"),
        ("{class: Dense, not: hiden}", "3:31 unknown-layer no layer matches 'hiden' |"),
        ("{name: Hidden}", "3:18 unknown-layer no layer matches 'Hidden' | did you mean 'hidden'?"),
        ('"predict*ns_"', "3:11 no-match no layer matches 'predict*ns_' | "),
        ("{class: dense}",
         "3:19 unknown-class the model has no layer of class 'dense' | did you mean 'Dense'?"),
        ("{class: Dense, where: {units: 6}}",
         "3:11 no-match no layer matches {class: 'Dense', where: {units: 6}} |"),
        ("{has: ratee}", "3:11 no-match no layer matches {has: 'ratee'} |"
         " did you mean 'rate'?"),
        ("{where: {unts: 6}}", "3:11 no-match no layer matches {where: {unts: 6}} |"
         " did you mean 'units'?"),
        ("{class: Dense, where: {kernel_regulariser.l2: 6}}",
         "3:11 no-match no layer matches {class: 'Dense', where: {kernel_regulariser.l2: 6}} |"
         " did you mean 'kernel_regularizer'"),
        ("{where: {units: 4444}}", "3:11 no-match no layer matches {where: {units: 4444}} |"
         " `kover show` lists the model's layers"),
        ("{index: 5}",
         "3:19 index-out-of-range there is no layer 5: the model has 5 at the top | use -5 to 4"),
        ("{index: -6}", "3:19 index-out-of-range there is no layer -6"),
        ("{index: '7:'}", "3:11 no-match no layer matches {index: 7:} |"),
        ("{from: hiden, to: dropout}",
         "3:18 unknown-layer no layer has the path 'hiden' | did you mean 'hidden'?"),
        ("{from: conv1}",
         "3:18 unknown-layer no layer has the path 'conv1' | did you mean 'backbone/conv1'?"),
        ("{from: hidden, to: imgae}", "3:30 unknown-layer no layer has the path 'imgae' |"),
        ("{from: hidden, to: image}",
         "3:18 backward-range 'hidden' comes after 'image' in the model |"),
    ],
)  # fmt: skip
def test_a_selector_that_cannot_be_meant_is_refused_at_its_place(
    refusals: Callable[..., list[str]], selector: str, problem: str
) -> None:
    found = refusals("flowers", f"overrides:\n- layers: {selector}\n  set: {{trainable: false}}")
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_a_glob_in_a_list_that_matches_nothing_is_worth_a_warning(
    plan: Callable[..., Plan],
) -> None:
    made = plan("flowers", 'overrides:\n- layers: ["conv*", "zzz*"]\n  set: {trainable: false}')
    assert [(w.code, str(w.source)[-4:]) for w in made.warnings] == [("no-match", "3:21")]


def test_select_stands_alone(config: Callable[[str], dict[str, Any]]) -> None:
    tree = read_tree(config("flowers"))
    found = select(AnyOf((Glob("hidden", HERE), Glob("conv?", HERE)), HERE), tree)
    assert [node.path for node in found] == ["backbone/conv1", "backbone/conv2", "hidden"]
    assert select(Glob("nobody", HERE), tree, none_is_fine=True) == ()
    with pytest.raises(AnswerIsNo, match="unknown-layer"):
        select(Where(HERE, name=(Glob("nobody", HERE),)), tree)


def test_an_index_counts_what_keras_holds_in_the_models_layers(
    selected: Callable[..., list[str]], config: Callable[[str], dict[str, Any]]
) -> None:
    model = config("flowers")
    operation = {
        "module": "keras.src.ops.numpy",
        "class_name": "GetItem",
        "config": {"name": "get_item"},
        "registered_name": "GetItem",
        "name": "get_item",
        "inbound_nodes": [],
    }
    model["config"]["layers"].insert(1, operation)
    assert selected(model, "{index: ':3'}") == ["image", "backbone", "hidden"]
    sequential = config("shared")
    layers = [layer["config"]["name"] for layer in sequential["config"]["layers"]]
    assert sequential["config"]["layers"][0]["class_name"] == "InputLayer"
    assert selected(sequential, "{index: ':2'}") == layers[1:3]
