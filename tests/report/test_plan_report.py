"""Renamed and replaced layers in the report of a dry run."""

from __future__ import annotations

from typing import Any

import pytest

from kover.planning.plan import AttributeChange, Plan
from kover.report.diff_json import to_json
from kover.report.plan_report import plan_report
from kover.report.plan_text import render_plan
from kover.source import Source
from kover.values import MISSING

CONFIG: dict[str, Any] = {"class_name": "Sequential", "config": {"name": "net", "layers": []}}


@pytest.fixture
def plan() -> Plan:
    at = [Source("spec.yaml", line, 5) for line in range(10)]
    return Plan(
        before=CONFIG,
        after=CONFIG,
        renamed={"backbone": "trunk", "backbone/relu": "trunk/relu", "out": "head"},
        changes=(
            AttributeChange("trunk", "Functional", "name", "backbone", "trunk", at[1]),
            AttributeChange("trunk/relu", "ELU", "class", "Activation", "ELU", at[2]),
            AttributeChange("trunk/relu", "ELU", "activation", "relu", MISSING, at[2]),
            AttributeChange("head", "Dense", "units", 3, 4, at[3]),
            AttributeChange("head", "Dense", "name", "out", "head", at[4]),
        ),
    )


def test_a_new_name_makes_a_renamed_layer_and_is_no_change_of_an_attribute(plan: Plan) -> None:
    layers: Any = to_json(plan_report(plan))["layers"]
    assert [(each["layer"], each["kind"], each.get("renamed_from")) for each in layers] == [
        ("trunk", "renamed", "backbone"),
        ("trunk/relu", "changed", None),
        ("head", "renamed", "out"),
    ]
    changes = {each["layer"]: [c["attribute"] for c in each["changes"]] for each in layers}
    assert changes == {"trunk": [], "trunk/relu": ["class", "activation"], "head": ["units"]}


def test_a_dry_run_shows_old_and_new_names_and_classes(plan: Plan) -> None:
    text = render_plan(plan, "net.keras")
    assert (
        """\
Layers   2 changed, 2 renamed
  renamed   backbone → trunk
  trunk/relu   ELU
      class        Activation → ELU   spec.yaml:2:5
      activation   relu → absent      spec.yaml:2:5
~ out → head   Dense
      units   3 → 4   spec.yaml:3:5
"""
        in text
    )
