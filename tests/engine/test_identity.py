"""Names of variables and slots that survive a rebuild."""

from __future__ import annotations

import pytest

from kover.engine.identity import (
    OptimizerKey,
    SlotKey,
    VariableKey,
    owner_of_group,
    stable_name,
    with_new_path,
)

NAMES = {
    "": "net",
    "layers/functional": "bb",
    "layers/functional/layers/dense": "a",
    "layers/lstm": "rnn",
    "layers/lstm/cell": "lstm_cell",
    "layers/bidirectional": "bi",
    "layers/bidirectional/forward_layer": "forward_lstm",
    "layers/bidirectional/forward_layer/cell": "lstm_cell",
    "layers/multi_head_attention": "mha",
    "layers/multi_head_attention/query_dense": "query",
    "optimizer": "adam",
}
PATHS = {"bb": 0, "bb/a": 0, "rnn": 0, "bi": 0, "bi/forward_lstm": 0, "mha": 0}


@pytest.mark.parametrize(
    ("group", "owner"),
    [
        ("layers/functional/layers/dense", ("bb/a", "")),
        ("layers/lstm/cell", ("rnn", "cell")),
        ("layers/bidirectional/forward_layer/cell", ("bi/forward_lstm", "cell")),
        ("layers/multi_head_attention/query_dense", ("mha", "query_dense")),
        ("layers/unknown", ("", "layers/unknown")),
        ("", ("", "")),
    ],
)
def test_a_group_belongs_to_the_deepest_layer_on_the_way(
    group: str, owner: tuple[str, str]
) -> None:
    assert owner_of_group(group, NAMES, PATHS) == owner


def test_keys_read_as_paths() -> None:
    variable = VariableKey("mha", "query_dense", "kernel")
    assert str(variable) == "mha/query_dense/kernel"
    assert variable.local_name == "query_dense/kernel"
    assert str(SlotKey(variable, "momentum", "Adam")) == "mha/query_dense/kernel momentum"
    assert str(OptimizerKey("", "iteration", "Adam")) == "optimizer/iteration"
    assert str(OptimizerKey("optimizers/0", "iteration", "Adam")).endswith("optimizers/0/iteration")


def test_a_variable_without_a_name_has_the_same_one_in_every_process() -> None:
    assert {stable_name(name) for name in ("variable", "variable_7", "variable_18")} == {"variable"}
    assert stable_name("kernel_1") == "kernel_1"


def test_a_renamed_layer_takes_its_slots_along() -> None:
    variable = VariableKey("a", "", "kernel")
    renamed = {"a": "z"}
    assert with_new_path(variable, renamed) == VariableKey("z", "", "kernel")
    slot = SlotKey(variable, "momentum", "Adam")
    assert with_new_path(slot, renamed) == SlotKey(
        VariableKey("z", "", "kernel"), "momentum", "Adam"
    )
    own = OptimizerKey("", "iteration", "Adam")
    assert with_new_path(own, renamed) == own
