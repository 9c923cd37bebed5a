"""Custom and dangerous objects are found wherever they stand; Keras' own are none."""

from __future__ import annotations

from typing import Any

import pytest

from kover.modelconfig.tree import read_tree
from kover.showing.findings import findings

LAMBDA = {"class_name": "__lambda__", "config": {"value": "aGk=", "defaults": None}}


def record(
    module: str | None, class_name: str, registered: str | None = None, **config: Any
) -> Any:
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered,
    }


def found(layer: Any, **root: Any) -> list[tuple[str, str, str]]:
    model = record("keras", "Sequential", name="m", layers=[layer]) | root
    return [(each.severity, each.what, each.where) for each in findings(read_tree(model))]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (record("keras.layers", "Dense", name="d", activation="relu"), []),
        (record("keras.src.layers.core.dense", "Dense", name="d"), []),
        (record(None, "Dense", name="d"), []),
        (record("keras.layers", "Lambda", name="l"), [("danger", "Lambda", "l")]),
        (record("keras.layers", "TFSMLayer", name="t"), [("danger", "TFSMLayer", "t")]),
        (record("mine", "Block", "pkg>Block", name="b"), [("custom", "pkg>Block", "b")]),
        (
            record("keras.layers", "Dense", name="d", activation=LAMBDA),
            [("danger", "__lambda__", "d")],
        ),
        (
            record("keras.layers", "StringLookup", name="s", vocabulary="/etc/passwd"),
            [("danger", "vocabulary", "s")],
        ),
        (record("keras.layers", "StringLookup", name="s", vocabulary=["a", "b"]), []),
        (
            record("keras.layers", "Dense", name="d", activation=record("os", "system")),
            [("custom", "system", "d")],
        ),
        (
            record(
                "keras.layers",
                "Activation",
                name="a",
                activation={
                    "module": "keras.utils",
                    "class_name": "function",
                    "config": "get_file",
                },
            ),
            [("danger", "get_file", "a")],
        ),
        (
            record(
                "keras.layers",
                "Activation",
                name="a",
                activation={"module": "os", "class_name": "function", "config": "system"},
            ),
            [("danger", "system", "a")],
        ),
    ],
)
def test_it_is_found_where_it_stands(layer: Any, expected: list[tuple[str, str, str]]) -> None:
    assert found(layer) == expected


def test_the_compile_config_is_looked_at_as_well() -> None:
    loss = record("mine", "Focal", "pkg>Focal", gamma=2)
    plain = record("keras.layers", "Dense", name="d")
    assert found(plain, compile_config={"loss": loss}) == [("custom", "pkg>Focal", "compile")]


def test_danger_comes_first_and_the_same_thing_once() -> None:
    block = record("mine", "Block", "pkg>Block", name="b", inner=[LAMBDA, LAMBDA])
    assert found(block) == [("danger", "__lambda__", "b"), ("custom", "pkg>Block", "b")]
