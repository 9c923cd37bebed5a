"""The JSON of a report: closed schema, absent is not null, all of it ASCII."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.diffing.model_diff import ArchiveFacts, AttributeChange, LayerDiff, ModelDiff
from kover.diffing.report import Applied, Check, Report, Verification
from kover.report.diff_json import dumps, to_json, value
from kover.report.value_text import LONGEST, change_text, value_text
from kover.source import Source
from kover.values import MISSING

SCHEMA = Path(__file__).parents[2] / "schemas" / "report.schema.json"
FACTS = ArchiveFacts("a.keras")


def report(*changes: AttributeChange, applied: Applied | None = None) -> Report:
    return Report(ModelDiff(FACTS, FACTS, (LayerDiff("a", "Dense", "changed", changes),)), applied)


def first_change(found: dict[str, Any]) -> dict[str, Any]:
    change: dict[str, Any] = found["layers"][0]["changes"][0]
    return change


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text())
    return loaded


def test_absent_is_not_null() -> None:
    assert first_change(to_json(report(AttributeChange("x", None, MISSING)))) == {
        "attribute": "x",
        "before": None,
    }


def test_an_apply_tells_where_a_change_comes_from(schema: dict[str, Any]) -> None:
    applied = Applied(
        sources={("a", "kernel_regularizer"): Source("spec.yaml", 12, 7)},
        verified={("a", "kernel_regularizer"): True},
        verification=Verification("build", (Check("it builds", True),)),
        output="b.keras",
    )
    found = to_json(report(AttributeChange("kernel_regularizer", None, "L2"), applied=applied))
    assert first_change(found) == {
        "attribute": "kernel_regularizer",
        "before": None,
        "after": "L2",
        "source": "spec.yaml:12:7",
        "verified": True,
    }
    assert found["verification"] == {
        "level": "build",
        "checks": [{"name": "it builds", "ok": True, "detail": ""}],
    }
    jsonschema.validate(found, schema)


def test_part_of_an_object_has_the_objects_place() -> None:
    applied = Applied(sources={(None, "optimizer"): Source("s.yaml", 1, 2)})
    changes = (AttributeChange("optimizer.learning_rate", 1, 2),)
    found = to_json(Report(ModelDiff(FACTS, FACTS, compile=changes), applied))
    assert found["compile"][0]["source"] == "s.yaml:1:2"  # type: ignore[index,call-overload]


def test_numbers_that_json_lacks_become_strings() -> None:
    assert value([math.nan, math.inf, -math.inf, 0.0010000000474974513]) == [
        "NaN",
        "Infinity",
        "-Infinity",
        0.001,
    ]


def test_text_from_models_is_escaped_and_whole() -> None:
    name = "\x1b[2J\u202e" + "x" * 500 + "\ud800"
    text = dumps(report(AttributeChange(name, 1, 2)))
    assert text.isascii()
    assert "\x1b" not in text
    assert first_change(json.loads(text))["attribute"] == name


def test_the_schema_is_closed(schema: dict[str, Any]) -> None:
    found = to_json(report(AttributeChange("a", 1, 2)))
    jsonschema.validate(found, schema)
    for place in (found, found["layers"][0], first_change(found), found["effective"]):  # type: ignore[index]
        place["surprise"] = 1  # type: ignore[index,call-overload]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(found, schema)
        del place["surprise"]  # type: ignore[attr-defined]


def test_every_object_in_the_schema_is_closed(schema: dict[str, Any]) -> None:
    for each in _objects(schema):
        assert each.get("additionalProperties", True) is not True, each


def _objects(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if part.get("type") == "object":
            yield part
        for inner in part.values():
            yield from _objects(inner)
    if isinstance(part, list):
        for inner in part:
            yield from _objects(inner)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("class"), inner),
)


@given(anything, anything)
def test_any_value_can_be_shown(before: Any, after: Any) -> None:
    for shown in (value_text(before), *change_text(before, after)):
        assert len(shown) <= LONGEST
        assert shown.isprintable()
    json.loads(dumps(report(AttributeChange("x", before, after))))


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        (MISSING, "absent"),
        (None, "none"),
        ("none", '"none"'),
        ("", '""'),
        (True, "true"),
        ("relu", "relu"),
        ("my_package>Clip", "my_package>Clip"),
        ("two words", '"two words"'),
        (0.10000000149011612, "0.1"),
        ([None, 128], "(None, 128)"),
        ([3], "(3,)"),
        ([], "[]"),
        ([True, 1], "[true, 1]"),
        ({"class": "L2", "l2": 0.0001}, "L2(l2=0.0001)"),
        ({"class": "Zeros"}, "Zeros"),
        ({"a": {"class": "X", "y": None}}, "{a: X(y=none)}"),
    ],
)
def test_values_read_like_a_person_wrote_them(given_: Any, shown: str) -> None:
    assert value_text(given_) == shown


def test_of_long_objects_only_the_difference_is_shown() -> None:
    adam = {
        "class": "Adam",
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "clipnorm": None,
    }
    adamw = adam | {"class": "AdamW", "weight_decay": 0.01}
    assert change_text(adam, adamw) == ("Adam", "AdamW(weight_decay=0.01)")
    nested = {
        "class": "MultiOptimizer",
        "optimizer_map": {"class": "OptimizerMap", "default": adam},
    }
    assert change_text(adam, nested) == ("Adam(learning_rate=0.001)", "MultiOptimizer")
