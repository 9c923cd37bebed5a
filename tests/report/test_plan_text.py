"""The dry run and the report of an apply, on one made-up plan."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from kover.diffing import model_diff as diffs
from kover.diffing.report import (
    Applied,
    Check,
    Reinitialized,
    Report,
    Verification,
    WeightsCarried,
)
from kover.planning.plan import (
    AttributeChange,
    CompileChange,
    Consent,
    LayerRate,
    Outcome,
    Plan,
    Shadowed,
    Unchanged,
)
from kover.problems import Problem
from kover.report.apply_text import render_applied
from kover.report.diff_json import to_json
from kover.report.plan_report import plan_report
from kover.report.plan_text import render_plan
from kover.report.style import ConsoleOptions
from kover.source import Source
from kover.spec.document import Rate

CONFIG: dict[str, Any] = {"class_name": "Sequential", "config": {"name": "net", "layers": []}}


def at(line: int) -> Source:
    return Source("spec.yaml", line, 5)


@pytest.fixture
def plan() -> Plan:
    frozen = tuple(
        AttributeChange(f"conv{number}", "Conv2D", "trainable", True, False, at(2))
        for number in range(4)
    )
    return Plan(
        before=CONFIG,
        after=CONFIG,
        changes=(*frozen, AttributeChange("head", "Dense", "units", 1000, 10, at(4))),
        compile_changes=(CompileChange("loss", "mse", "mae", at(9)),),
        shadowed=(Shadowed("head", "units", at(3), at(4)),),
        unchanged=(
            Unchanged("a", "rate", 0.5, at(5)),
            Unchanged(None, "jit_compile", True, at(10)),
        ),
        outcomes=(Outcome(at(1), "conv*", ("conv0", "conv1"), {"rate": ("conv0",)}),),
        consents=(Consent("head", 7, ("kernel",), at(6)),),
        rates=(
            LayerRate("head", ("kernel",), at(7), learning_rate=Rate(at(7), multiply=10.0)),
            LayerRate("head", (), at(8), weight_decay=Rate(at(8), absolute=0.0)),
        ),
        optimizer_state="reset",
        warnings=(Problem("odd-thing", "it is odd", at(1), None, "warning"),),
    )


def test_a_dry_run_tells_what_would_change_and_why(plan: Plan) -> None:
    assert render_plan(plan, "net.keras") == (
        """\
net.keras: what would change

Layers   5 changed
  trainable   true → false   in 4 layers: conv0, conv1, … and 2 more   spec.yaml:2:5
  head   Dense
      units   1000 → 10   spec.yaml:4:5

Rates of their own
  learning_rate   10 times the optimizer's   in head (kernel only)   spec.yaml:7:5
  weight_decay    0.0                        in head                 spec.yaml:8:5

Fresh values
  head (kernel only)   seed 7   spec.yaml:6:5

Compile
  loss   mse → mae   spec.yaml:9:5

Optimizer state   reset

Overrides
  conv*   2 layers   spec.yaml:1:5   passed over: rate in 1

Without effect
  units         in head      spec.yaml:3:5    set again at spec.yaml:4:5
  rate          in a         spec.yaml:5:5    is 0.5 already
  jit_compile   in compile   spec.yaml:10:5   is true already

spec.yaml:1:5: warning[odd-thing]: it is odd

dry run: nothing was written
"""
    )


def test_an_empty_plan_says_that_nothing_would_change() -> None:
    said = render_plan(Plan(CONFIG, CONFIG), "net.keras")
    assert said == "net.keras: nothing would change\n\ndry run: nothing was written\n"


@pytest.fixture
def report(plan: Plan) -> Report:
    facts = [
        diffs.ArchiveFacts(f"{name}.keras", None, "3.15.1", 1000, "net", "Sequential", 5)
        for name in "ab"
    ]
    layers = tuple(
        diffs.LayerDiff(
            each.layer,
            each.class_name,
            "changed",
            (diffs.AttributeChange(each.attribute, each.before, each.after),),
        )
        for each in plan.changes
    )
    changed = diffs.ArrayChange("head", "kernel", (8, 10), "float32", shape_before=(8, 1000))
    provenance = diffs.AttributeChange("kover", diffs.MISSING, {"version": "0"})
    sources: dict[Any, Source] = {
        (each.layer, each.attribute): each.source for each in plan.changes
    }
    return Report(
        diffs.ModelDiff(
            facts[0],
            facts[1],
            layers,
            metadata=(provenance,),
            weights=diffs.WeightsDiff(9, 8, (changed,)),
        ),
        Applied(
            plan=plan,
            sources=sources,
            verified={**dict.fromkeys(sources, True), ("head", "units"): False},
            verification=Verification(
                "build", (Check("it builds", True), Check("it fits", False, "no"))
            ),
            output="b.keras",
            weights=WeightsCarried(8, 0, (Reinitialized("head", "kernel", (8, 1000), (8, 10), 7),)),
            optimizer_state=diffs.OptimizerStateDiff(kept=2, reset=1, reasons=("another shape",)),
            effective=diffs.Effective((9, 8)),
            warnings=(Problem("late", "and late", at(2), None, "warning"),),
        ),
    )


def test_an_apply_tells_what_was_done_and_seen(report: Report) -> None:
    assert render_applied(report, None, ("b.diff.json",)) == (
        """\
a.keras → b.keras
  Sequential net · 5 layers · Keras 3.15.1 · 1 kB

Layers   5 changed
  trainable   true → false   in 4 layers: conv0, conv1, … and 2 more   spec.yaml:2:5 ✓
  head   Dense
      units   1000 → 10   spec.yaml:4:5 ✗

Weights   9 arrays: 8 equal, 1 changed
  8 copied, 1 re-created by their initializers
    head/kernel   (8, 1000) → (8, 10)   seed 7

Optimizer state   2 kept, 1 reset
  another shape

In effect
  trainable parameters   9 → 8

Verified   by build
  ✓ it builds
  ✗ it fits     no

Overrides
  conv*   2 layers   spec.yaml:1:5   passed over: rate in 1

Without effect
  units         in head      spec.yaml:3:5    set again at spec.yaml:4:5
  rate          in a         spec.yaml:5:5    is 0.5 already
  jit_compile   in compile   spec.yaml:10:5   is true already

spec.yaml:1:5: warning[odd-thing]: it is odd
spec.yaml:2:5: warning[late]: and late

wrote b.keras
wrote b.diff.json
"""
    )


def test_the_json_of_an_apply_fits_the_schema(report: Report, project_root: Any) -> None:
    import json

    schema = json.loads((project_root / "schemas" / "report.schema.json").read_text())
    found = to_json(report)
    jsonschema.validate(found, schema)
    assert found["optimizer_state"]["reset"] == 1  # type: ignore[index,call-overload]
    assert found["applied"]["plan"]["overrides"][0]["matched"] == 2  # type: ignore[index,call-overload]
    assert [each["code"] for each in found["warnings"]] == ["odd-thing", "late"]  # type: ignore[union-attr,index,call-overload]


def test_the_json_of_a_dry_run_fits_the_schema(plan: Plan, project_root: Any) -> None:
    import json

    schema = json.loads((project_root / "schemas" / "report.schema.json").read_text())
    found = to_json(plan_report(plan, "net.keras"))
    jsonschema.validate(found, schema)
    assert found["layers"][4]["changes"][0]["source"] == "spec.yaml:4:5"  # type: ignore[index,call-overload]


def test_nothing_verified_is_said(report: Report) -> None:
    said = render_applied(Report(report.diff, Applied()), ConsoleOptions())
    assert "Verified   nothing (--verify none)" in said
