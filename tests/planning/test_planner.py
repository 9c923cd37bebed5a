"""Specs over real configs: what changes, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kover.archive.reader import open_archive
from kover.modelconfig.tree import read_tree
from kover.planning.plan import Plan
from kover.planning.planner import ModelFacts, plan_specs
from kover.spec.loading import load_spec
from kover.values import JSON, MISSING

PlanIt = Callable[..., Plan]


def changed(made: Plan) -> list[tuple[str, str, object, object]]:
    return [(item.layer, item.attribute, item.before, item.after) for item in made.changes]


def layer_config(made: Plan, path: str) -> dict[str, JSON]:
    tree = read_tree(made.after)
    return dict(tree.config(tree.node(path)))


L2 = {"class": "L2", "l2": 0.0001}


@pytest.mark.parametrize(
    ("model", "override", "expected"),
    [
        ("flowers", "{layers: dropout, set: {rate: 0.5}}", [("dropout", "rate", 0.2, 0.5)]),
        (
            "flowers",
            "{layers: hidden, set: {activation: tanh, kernel_regularizer: {l2: 1e-4}}}",
            [("hidden", "activation", "relu", "tanh"), ("hidden", "kernel_regularizer", None, L2)],
        ),
        (
            "flowers",
            "{layers: conv2, set: {kernel_regularizer: null}}",
            [("backbone/conv2", "kernel_regularizer", L2, None)],
        ),
        (
            "flowers",
            "{layers: conv2, set: {kernel_regularizer.l2: 0.5}}",
            [("backbone/conv2", "kernel_regularizer", L2, {"class": "L2", "l2": 0.5})],
        ),
        (
            "flowers",
            "{layers: conv2, unset: [kernel_regularizer]}",
            [("backbone/conv2", "kernel_regularizer", L2, MISSING)],
        ),
        (
            "flowers",
            "{layers: conv2, unset: [kernel_regularizer.l2]}",
            [("backbone/conv2", "kernel_regularizer", L2, "L2")],
        ),
        (
            "flowers",
            "{layers: conv1, set: {kernel_size: 5}}",
            [("backbone/conv1", "kernel_size", [3, 3], [5, 5])],
        ),
        (
            "flowers",
            "{layers: hidden, set: {dtype: mixed_bfloat16}}",
            [("hidden", "dtype", "float32", "mixed_bfloat16")],
        ),
        (
            "flowers",
            "{layers: hidden, set: {lora_rank: 8}}",
            [("hidden", "lora_rank", MISSING, 8)],
        ),
        (
            "custom",
            '{layers: clip, set: {limit: 3, regularizer: {class: "my>Odd", by: 2}}}',
            [
                ("clip", "limit", 2.0, 3),
                ("clip", "regularizer", {"class": "L2", "l2": 0.01}, {"class": "my>Odd", "by": 2}),
            ],
        ),
        (
            "custom",
            "{layers: clip, set: {regularizer.l2: 0.5}, unset: [limit]}",
            [
                ("clip", "limit", 2.0, MISSING),
                ("clip", "regularizer", {"class": "L2", "l2": 0.01}, {"class": "L2", "l2": 0.5}),
            ],
        ),
        (
            "mixed",
            "{layers: leaky, set: {negative_slope: 0.1}}",
            [("d/leaky", "negative_slope", 0.3, 0.1)],
        ),
        ("mixed", "{layers: bi, set: {merge_mode: sum}}", [("bi", "merge_mode", "concat", "sum")]),
        (
            "mixed",
            "{layers: {class: LSTMCell}, set: {dropout: 0.1}}",
            [("rnn/stacked_rnn_cells/lstm_cell", "dropout", 0.0, 0.1)],
        ),
    ],
)  # fmt: skip
def test_an_override_changes_exactly_this(
    plan: PlanIt, model: str, override: str, expected: list[tuple[str, str, object, object]]
) -> None:
    made = plan(model, f"overrides:\n- {override}")
    assert sorted(changed(made)) == sorted(expected)
    before, after = read_tree(made.before), read_tree(made.after)
    touched = {(layer, attribute) for layer, attribute, _, _ in expected}
    for node in before.layers:
        old, new = before.attributes(node), after.attributes(after.node(node.path))
        for key in old.keys() | new.keys():
            if (node.path, key) not in touched:
                assert old.get(key, MISSING) == new.get(key, MISSING), (node.path, key)


def test_values_are_written_in_the_form_that_keras_saves(plan: PlanIt) -> None:
    made = plan(
        "flowers", "overrides:\n- {layers: hidden, set: {kernel_regularizer: l2, dtype: float16}}"
    )
    assert layer_config(made, "hidden")["kernel_regularizer"] == {
        "module": "keras.regularizers",
        "class_name": "L2",
        "config": {"l2": 0.01},
        "registered_name": None,
    }
    assert layer_config(made, "hidden")["dtype"] == {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "float16"},
        "registered_name": None,
    }


def test_a_pattern_sets_what_there_is_and_counts_the_rest(plan: PlanIt) -> None:
    made = plan("flowers", 'overrides:\n- {layers: "*", set: {activation: tanh, rate: 0.1}}')
    assert {item.layer for item in made.changes} == {
        "backbone/conv1", "backbone/conv2", "backbone/relu1", "hidden", "predictions", "dropout",
    }  # fmt: skip
    passed = made.outcomes[0].passed_over
    assert "dropout" in passed["activation"]
    assert len(passed["rate"]) == 10


def test_a_pattern_reaches_into_the_objects_that_are_there(plan: PlanIt) -> None:
    made = plan(
        "flowers", "overrides:\n- {layers: {class: Conv2D}, set: {kernel_regularizer.l2: 0.5}}"
    )
    assert [item.layer for item in made.changes] == ["backbone/conv2"]
    assert made.outcomes[0].passed_over == {"kernel_regularizer.l2": ("backbone/conv1",)}


def test_the_later_override_wins_and_the_earlier_one_is_shadowed(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        """
        overrides:
        - {layers: {class: Dense}, set: {activation: tanh}}
        - {layers: hidden, set: {activation: elu}}
        """,
    )
    assert [(c.layer, c.after, c.source.line) for c in made.changes] == [
        ("hidden", "elu", 5),
        ("predictions", "tanh", 4),
    ]
    assert [(s.layer, s.attribute, s.source.line, s.by.line) for s in made.shadowed] == [
        ("hidden", "activation", 4, 5)
    ]
    assert not made.warnings


def test_parts_of_an_object_add_up_and_both_are_to_blame(plan: PlanIt) -> None:
    made = plan(
        "mixed",
        """
        overrides:
        - {layers: /d, set: {kernel_regularizer.l1: 0.5}}
        - {layers: /d, set: {kernel_regularizer.l2: 0.25}}
        """,
    )
    (change,) = made.changes
    assert change.after == {"class": "L1L2", "l1": 0.5, "l2": 0.25}
    assert [place.line for place in made.blame("d")] == [4, 5]
    assert not made.shadowed


def test_a_whole_object_covers_its_parts_but_not_the_other_way_round(plan: PlanIt) -> None:
    texts = ["{layers: conv2, set: {kernel_regularizer.l2: 0.5}}",
             "{layers: conv2, set: {kernel_regularizer: {class: L1L2, l1: 0.1}}}"]  # fmt: skip
    made = plan("flowers", "overrides:\n- " + "\n- ".join(texts))
    assert made.changes[0].after == {"class": "L1L2", "l1": 0.1, "l2": 0.0}
    assert [s.attribute for s in made.shadowed] == ["kernel_regularizer.l2"]
    made = plan("flowers", "overrides:\n- " + "\n- ".join(reversed(texts)))
    assert made.changes[0].after == {"class": "L1L2", "l1": 0.1, "l2": 0.5}
    assert not made.shadowed


def test_trainable_of_a_nested_model_reaches_every_layer_inside(plan: PlanIt) -> None:
    made = plan("flowers", "overrides:\n- {layers: backbone, set: {trainable: false}}")
    assert [(c.layer, c.pushed_from) for c in made.changes] == [
        ("backbone", None),
        ("backbone/conv1", "backbone"),
        ("backbone/bn1", "backbone"),
        ("backbone/relu1", "backbone"),
        ("backbone/conv2", "backbone"),
        ("backbone/average", "backbone"),
    ]
    assert all(c.before is True and c.after is False for c in made.changes)


def test_trainable_of_a_wrapper_reaches_cells_and_activation_layers(plan: PlanIt) -> None:
    made = plan("mixed", 'overrides:\n- {layers: ["/d", rnn, bi], set: {trainable: false}}')
    assert {c.layer for c in made.changes} == {
        "bi", "bi/forward_lstm", "bi/backward_lstm", "rnn", "rnn/stacked_rnn_cells",
        "rnn/stacked_rnn_cells/lstm_cell", "rnn/stacked_rnn_cells/gru_cell", "d", "d/leaky",
    }  # fmt: skip


def test_a_layer_inside_can_be_taken_out_of_the_freeze(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        """
        overrides:
        - {layers: backbone, set: {trainable: false}}
        - {layers: conv2, set: {trainable: true}}
        """,
    )
    assert "backbone/conv2" not in {c.layer for c in made.changes}
    assert layer_config(made, "backbone/conv2")["trainable"] is True
    assert not made.warnings, "the second override undoes what the first did to conv2"


def test_trainable_is_added_where_an_older_file_does_not_say(
    plan: PlanIt, config: Callable[[str], dict[str, Any]]
) -> None:
    model = config("flowers")
    del model["config"]["layers"][1]["config"]["trainable"]
    del model["config"]["layers"][1]["config"]["layers"][1]["config"]["trainable"]
    made = plan(model, "overrides:\n- {layers: backbone, set: {trainable: false}}")
    assert layer_config(made, "backbone")["trainable"] is False
    assert layer_config(made, "backbone/conv1")["trainable"] is False
    assert "trainable" not in layer_config(made, "backbone/image")


def test_an_attribute_that_an_older_file_does_not_have_is_known_from_the_class(
    plan: PlanIt, config: Callable[[str], dict[str, Any]]
) -> None:
    model = config("flowers")
    del model["config"]["layers"][1]["config"]["layers"][1]["config"]["groups"]
    made = plan(model, "overrides:\n- {layers: conv1, was: {groups: 1}, set: {groups: 2}}")
    assert changed(made) == [("backbone/conv1", "groups", MISSING, 2)]


def test_asking_for_what_is_there_changes_nothing(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        """
        overrides:
        - layers: hidden
          set: {units: 8, activation: relu, kernel_initializer: glorot_uniform, dtype: float32}
          unset: [use_bias, bias_regularizer]
        - layers: conv2
          set: {kernel_size: [3, 5], strides: 1, kernel_regularizer: {l2: 1e-4}}
        """,
    )
    assert made.is_noop
    assert made.after == made.before
    assert len(made.unchanged) == 9
    assert [(w.code, w.severity) for w in made.warnings] == [("no-effect", "warning")] * 2


def test_changing_back_and_forth_is_no_change(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        """
        overrides:
        - {layers: dropout, set: {rate: 0.5}}
        - {layers: dropout, set: {rate: 0.2}}
        """,
    )
    assert made.is_noop
    assert made.after == made.before
    assert [w.source.line for w in made.warnings if w.source] == [4]


def test_selectors_and_conditions_look_at_the_archive(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        """
        overrides:
        - {layers: hidden, set: {units: 5}}
        - {layers: {class: Dense, where: {units: 5}}, set: {activation: elu}}
        - {layers: hidden, was: {units: 8}, set: {use_bias: false}}
        """,
    )
    assert [(c.layer, c.attribute) for c in made.changes] == [
        ("hidden", "units"),
        ("hidden", "use_bias"),
        ("predictions", "activation"),
    ]


def test_an_edited_copy_of_a_shared_object_is_one_of_its_own(plan: PlanIt) -> None:
    for path, shared in (("a", ["b", "c"]), ("b", ["c"]), ("c", ["b"])):
        made = plan(
            "shared", f"overrides:\n- {{layers: {path}, set: {{kernel_regularizer.l2: 0.5}}}}"
        )
        edited = layer_config(made, path)["kernel_regularizer"]
        assert isinstance(edited, dict)
        assert "shared_object_id" not in edited
        assert edited["config"] == {"l2": 0.5}
        ids = {json.dumps(layer_config(made, other)["kernel_regularizer"]) for other in shared}
        assert len(ids) == 1
        assert "shared_object_id" in ids.pop()


def test_an_edited_layer_that_is_shared_leaves_the_sharing(
    plan: PlanIt, config: Callable[[str], dict[str, Any]]
) -> None:
    model = config("flowers")
    model["config"]["layers"][1]["shared_object_id"] = 7
    made = plan(model, "overrides:\n- {layers: conv1, set: {use_bias: false}}")
    assert "shared_object_id" not in made.after["config"]["layers"][1]  # type: ignore[index,call-overload]
    assert [w.code for w in made.warnings] == ["shared-layer"]


def test_a_new_shape_takes_the_stale_build_configs_away_downstream(plan: PlanIt) -> None:
    def built(made: Plan) -> set[str]:
        tree = read_tree(made.after)
        return {node.path for node in tree.layers if "build_config" in tree.record(node)}

    before = built(plan("flowers", "overrides:\n- {layers: hidden, set: {activation: tanh}}"))
    assert {"hidden", "backbone/conv2", "predictions"} <= before
    assert built(plan("flowers", "overrides:\n- {layers: hidden, set: {units: 4}}")) == (
        before - {"predictions"}
    )
    assert built(plan("flowers", "overrides:\n- {layers: conv2, set: {filters: 2}}")) == (
        before - {"backbone/average", "hidden", "predictions"}
    )
    assert (
        built(plan("flowers", "overrides:\n- {layers: hidden, set: {use_bias: false}}")) == before
    )


def test_a_new_input_shape_is_noted_where_a_sequential_notes_it(plan: PlanIt) -> None:
    override = "{layers: {class: InputLayer}, set: {batch_shape: [null, 6]}}"
    made = plan("shared", f"overrides:\n- {override}")
    after: Any = made.after
    assert after["config"]["build_input_shape"] == [None, 6]
    assert after["build_config"] == {"input_shape": [None, 6]}
    assert all("build_config" not in layer for layer in after["config"]["layers"])


def test_consent_and_rates_stand_for_what_a_model_or_wrapper_holds(plan: PlanIt) -> None:
    made = plan(
        "mixed",
        """
        overrides:
        - layers: [bb, bi]
          reinitialize: {seed: 7}
          learning_rate: {multiply: 0.1}
          weight_decay: 0
          variables: [kernel, "b*"]
        """,
    )
    held = ["bi", "bi/forward_lstm", "bi/backward_lstm",
            "bb/input_layer", "bb/d", "bb/bn", "bb/drop"]  # fmt: skip
    assert [(c.layer, c.seed, c.variables) for c in made.consents] == [
        (path, 7, ("kernel", "b*")) for path in held
    ]
    assert [rate.layer for rate in made.rates] == held
    assert {(r.learning_rate.multiply, r.weight_decay.absolute) for r in made.rates
            if r.learning_rate and r.weight_decay} == {(0.1, 0.0)}  # fmt: skip
    assert not made.warnings
    assert made.after == made.before


def test_layer_decay_gives_each_group_its_rate(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        """
        compile:
          layer_decay: {rate: 0.5, floor: 0.3, groups: [conv1, [conv2, bn1], hidden, predictions]}
        overrides:
        - {layers: bn1, learning_rate: 0.7}
        """,
    )
    decayed = [(r.layer, r.learning_rate.multiply) for r in made.rates[:-1] if r.learning_rate]
    assert decayed == [
        ("backbone/conv1", 0.3), ("backbone/bn1", 0.3), ("backbone/conv2", 0.3), ("hidden", 0.5),
    ]  # fmt: skip
    assert made.rates[-1].layer == "backbone/bn1", "overrides are more particular: they come last"
    assert not made.is_noop


def test_several_specs_are_one_plan(plan: PlanIt) -> None:
    made = plan(
        "flowers",
        "overrides: [{layers: dropout, set: {rate: 0.5}}]\ncompile: {loss: mse, run_eagerly: true}",
        "overrides:\n- {layers: dropout, set: {rate: 0.6}}\ncompile: {loss: mae}",
    )
    assert changed(made) == [("dropout", "rate", 0.2, 0.6)]
    assert {(c.attribute, c.after) for c in made.compile_changes} == {
        ("loss", "mae"),
        ("run_eagerly", True),
    }
    assert made.changes[0].source.path.endswith("spec1.yaml")
    assert len(made.shadowed) == 1


def test_real_archives_take_a_plan(real_models: Path, tmp_path: Path) -> None:
    text = tmp_path / "spec.yaml"
    text.write_text('version: 1\noverrides:\n- {layers: "*", set: {trainable: false}}')
    planned = 0
    for path in sorted(real_models.glob("*.keras")):
        with open_archive(path) as archive:
            tree = read_tree(archive.config, str(path))
        facts = ModelFacts(str(path), None, lambda: "")
        if not tree.layers:
            continue
        made = plan_specs([load_spec(str(text))], tree, facts)
        assert made.changes
        again = plan_specs([load_spec(str(text))], read_tree(made.after), facts)
        assert again.is_noop
        planned += 1
    assert planned >= 10
