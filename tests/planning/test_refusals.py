"""Specs that do not fit the model: which problem, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Refusals = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("model", "override", "expected"),
    [
        ("flowers", "{layers: hidden, set: {unit: 4}}",
         "3:26 unknown-attribute 'hidden' (Dense) has no attribute 'unit' | did you mean 'units'?"),
        ("flowers", "{layers: /image, set: {trainable: false}}",
         "3:26 unknown-attribute 'image' (InputLayer) has no attribute 'trainable' | "),
        ("flowers", "{layers: backbone, set: {kernel_size: 5}}",
         "3:28 unknown-attribute 'backbone' (Functional) has no attribute 'kernel_size' |"
         " set it on 'backbone/conv1' or 'backbone/conv2'"),
        ("mixed", "{layers: bi, set: {units: 5}}",
         "3:22 unknown-attribute 'bi' (Bidirectional) has no attribute 'units' |"
         " set it on 'bi/forward_lstm' or 'bi/backward_lstm'"),
        ("mixed", "{layers: {class: Bidirectional}, set: {units: 5}}",
         "3:42 no-layer-takes 'bi' (Bidirectional) has no attribute 'units' |"
         " set it on 'bi/forward_lstm' or 'bi/backward_lstm'"),
        ("custom", "{layers: clip, set: {limits: 5}}",
         "3:24 unknown-attribute 'clip' (Clip) has no attribute 'limits' | did you mean 'limit'?"),
        ("flowers", "{layers: {class: Dense}, set: {unitz: 5}}",
         "3:34 no-layer-takes of the 2 layers that match, none has 'unitz' | did you mean "),
        ("flowers", "{layers: '**', set: {dtype: mixed_bfloat16}}",
         "3:31 unknown-name dtype names no dtype policy that fits: 'mixed_bfloat16' |"
         " the class InputLayer takes no such policy; to leave it out: `not: {class: InputLayer}`"),
        ("flowers", "{layers: hidden, set: {name: h2}}",
         "3:26 structural-change 'name' cannot be set | a layer is renamed with `rename: …` "),
        ("flowers", "{layers: '*', set: {name: h2}}",
         "3:23 structural-change 'name' cannot be set |"),
        ("flowers", "{layers: backbone, set: {layers: []}}",
         "3:28 structural-change 'layers' of 'backbone' holds layers and cannot be set |"),
        ("flowers", "{layers: backbone, set: {output_layers: []}}", "3:28 structural-change "),
        ("mixed", "{layers: bi, set: {layer: null}}",
         "3:22 structural-change 'layer' of 'bi' holds layers and cannot be set |"
         " select 'bi/forward_lstm' or 'bi/backward_lstm' and set its attributes"),
        ("mixed", "{layers: bi, set: {layer.units: 3}}", "3:22 structural-change 'layer' of 'bi'"),
        ("mixed", "{layers: /d, set: {activation: relu}}",
         "3:22 structural-change 'activation' of 'd'"),
        ("flowers", "{layers: hidden, set: {kernel_regularizer.l2: 0.1}}",
         "3:26 reaches-into-nothing 'kernel_regularizer' of 'hidden' is null: there is no 'l2' in"
         " it to set | set the whole object: kernel_regularizer: {l2: 0.1}"),
        ("flowers", "{layers: hidden, set: {kernel_constraint.max_value: 2}}",
         "3:26 reaches-into-nothing 'kernel_constraint' of 'hidden' is null: there is no"
         " 'max_value' in it to set |"
         " set the whole object: kernel_constraint: {class: …, max_value: 2}"),
        ("flowers", "{layers: hidden, set: {units.x: 2}}",
         "3:26 reaches-into-nothing 'units' of 'hidden' is 8: there is no 'x' in it |"),
        ("flowers", "{layers: hidden, set: {activation.alpha: 2}}",
         "3:26 reaches-into-nothing 'activation' of 'hidden' is \"relu\": there is no 'alpha'"),
        ("flowers", "{layers: conv2, set: {kernel_regularizer.l3: 2}}",
         "3:25 unknown-attribute 'kernel_regularizer' of 'backbone/conv2' (L2) has no 'l3' |"
         " known attributes: 'l2'"),
        ("flowers", "{layers: conv2, set: {kernel_regularizer.l2: -2}}", "3:48 out-of-domain "),
        ("flowers", "{layers: {class: Conv2D}, set: {kernel_regularizer.l2: -2}}",
         "3:58 out-of-domain "),
        ("flowers", "{layers: {class: Dense}, set: {kernel_regularizer.l2: 1}}",
         "3:34 no-layer-takes of the 2 layers that match, none has 'kernel_regularizer.l2' |"
         " set the whole object: kernel_regularizer: {l2: 1}"),
        ("flowers", "{layers: dropout, set: {rate: 1.5}}", "3:33 out-of-domain "),
        ("flowers", "{layers: hidden, set: {activation: rellu}}", "3:38 unknown-name "),
        ("flowers", "{layers: '*', set: {kernel_regularizer: {class: L2, l2: -1}}}",
         "3:59 out-of-domain "),
        ("flowers", "{layers: '*', set: {kernel_regularizer: {class: L2, l3: 1}}}",
         "3:55 unknown-argument "),
        ("flowers", "{layers: hidden, unset: [units]}",
         "3:28 no-default 'units' of a Dense has no default to go back to | set it to a value:"),
        ("flowers", "{layers: hidden, unset: [unitz]}",
         "3:28 unknown-attribute 'hidden' (Dense) has no"),
        ("flowers", "{layers: hidden, was: {units: 9}, set: {units: 4}}",
         "3:33 was-differs 'units' of 'hidden' is 8, not 9 |"),
        ("flowers", "{layers: {class: Dense}, was: {activation: elu}, set: {units: 4}}",
         "3:46 was-differs 'activation' of 'hidden' is \"relu\", not \"elu\" (nor in 1 "),
        ("flowers", "{layers: dropout, was: {units: 9}, set: {rate: 0.1}}",
         "3:34 was-differs 'units' of 'dropout' is absent, not 9 |"),
        ("flowers", "{layers: {class: Dense}, expect: 3, set: {units: 4}}",
         "3:36 unexpected-count 2 layers match {class: 'Dense'}, expected 3 |"
         " matched: 'hidden', 'predictions'"),
        ("flowers", "{layers: {class: Dense}, expect: {max: 1}, set: {units: 4}}",
         "3:36 unexpected-count 2 layers match {class: 'Dense'}, expected 1 |"),
        ("flowers", "{layers: nobody, expect: {min: 0, max: 0}, set: {units: 4}}", None),
        ("flowers", "{layers: hidden, expect: 0, set: {units: 4}}",
         "3:28 unexpected-count 1 layer matches 'hidden', expected 0 |"),
        ("mixed", "{layers: add, set: {trainable: false}}",
         "3:23 unknown-attribute 'add' (Add) has no attribute 'trainable' |"),
        ("custom", "{layers: a, learning_rate: 0.1}",
         "3:30 not-compiled the model was saved uncompiled: there is no optimizer to go with"),
    ],
)  # fmt: skip
def test_an_override_that_does_not_fit_is_refused_at_its_place(
    refusals: Refusals, plan: Callable[..., Any], model: str, override: str, expected: str | None
) -> None:
    text = f"overrides:\n- {override}"
    if expected is None:
        assert plan(model, text).is_noop
        return
    found = refusals(model, text)
    assert len(found) == 1, found
    assert found[0].startswith(expected)


def test_everything_that_is_wrong_is_said_at_once_and_in_order(refusals: Refusals) -> None:
    found = refusals(
        "flowers",
        """
        model: {name: roses}
        overrides:
        - {layers: nobody, set: {rate: 0.1}}
        - {layers: dropout, set: {rate: 2, rat: 1}}
        - {layers: '*', was: {trainable: false}, set: {nothing: 1}}
        compile: {optimizer: adamm, loss: msee}
        """,
    )
    assert [line.split()[:2] for line in found] == [
        ["3:15", "wrong-model"],
        ["5:12", "unknown-layer"],
        ["6:33", "out-of-domain"],
        ["6:36", "unknown-attribute"],
        ["7:34", "was-differs"],
        ["7:48", "no-layer-takes"],
        ["8:22", "unknown-name"],
        ["8:35", "unknown-name"],
    ]


def test_a_wrong_value_is_one_problem_however_many_layers_match(refusals: Refusals) -> None:
    assert len(refusals("flowers", "overrides:\n- {layers: '*', set: {activation: rellu}}")) == 1


@pytest.mark.parametrize(
    ("guards", "expected"),
    [
        ("{name: flowers, class: Functional, keras_version: '>=3.5,<4'}", None),
        (f"{{sha256: {'ab' * 32}}}", None),
        ("{keras_version: '==3.15.*'}", None),
        ("{name: roses}", "2:15 wrong-model the model is named 'flowers', not 'roses' |"),
        ("{class: Sequential}", "2:16 wrong-model the model's class is 'Functional', not 'Seq"),
        (
            "{keras_version: '<3'}",
            "2:24 wrong-model the model was written by Keras 3.15.1, not '<3'",
        ),
        (f"{{sha256: {'cd' * 32}}}", "2:17 wrong-model the file's sha256 is abab"),
    ],
)
def test_guards_refuse_any_other_model(
    refusals: Refusals, plan: Callable[..., Any], guards: str, expected: str | None
) -> None:
    text = f"model: {guards}\noverrides:\n- {{layers: dropout, set: {{rate: 0.1}}}}"
    if expected is None:
        assert plan("flowers", text).changes
    else:
        assert refusals("flowers", text)[0].startswith(expected)


def test_every_spec_keeps_its_guards(refusals: Refusals) -> None:
    fine = "overrides:\n- {layers: dropout, set: {rate: 0.1}}"
    found = refusals("flowers", fine, "model: {name: roses}\n" + fine)
    assert len(found) == 1


def test_the_sha256_is_computed_only_when_it_is_asked_for(plan: Callable[..., Any]) -> None:
    def never() -> str:
        raise AssertionError

    plan("flowers", "overrides:\n- {layers: dropout, set: {rate: 0.1}}", sha256=never)


def test_a_model_that_does_not_say_its_version_is_refused_where_one_is_asked(
    refusals: Refusals,
) -> None:
    text = "model: {keras_version: '>=3'}\noverrides:\n- {layers: dropout, set: {rate: 0.1}}"
    found = refusals("flowers", text, keras_version=None)
    assert "wrong-model the archive does not say which Keras wrote it" in found[0]
    assert "wrong-model" in refusals("flowers", text, keras_version="not a version")[0]


@pytest.mark.parametrize("layers", ["Dense", "'Dense*'", "[dense_a, Dense]"])
def test_a_class_where_a_layer_is_asked_for_is_told_how_to_be_written(
    tiny_config: dict[str, Any], refusals: Callable[..., list[str]], layers: str
) -> None:
    found = refusals(tiny_config, f"overrides: [{{layers: {layers}, set: {{units: 3}}}}]")
    wanted = "'Dense' is a class: `layers: {class: Dense}` selects its layers"
    assert [problem.rpartition(" | ")[2] for problem in found] == [wanted]


def test_a_name_in_the_case_that_was_written_is_proposed_first(
    tiny_config: dict[str, Any], refusals: Callable[..., list[str]]
) -> None:
    (found,) = refusals(tiny_config, "compile: {loss: mse2}")
    assert found.rpartition(" | ")[2].startswith("did you mean 'mse'")
    (found,) = refusals(tiny_config, "compile: {loss: MSE2}")
    assert found.rpartition(" | ")[2].startswith("did you mean 'MSE'")


@pytest.mark.parametrize(("short", "meant"), [("lr", "learning_rate"), ("WD", "weight_decay")])
def test_the_initials_of_a_setting_are_understood(
    tiny_config: dict[str, Any], refusals: Callable[..., list[str]], short: str, meant: str
) -> None:
    (found,) = refusals(tiny_config, f"compile: {{optimizer: {{{short}: 0.1}}}}")
    assert found.rpartition(" | ")[2] == f"did you mean '{meant}'?"
