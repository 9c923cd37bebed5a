"""A report as JSON data, as `schemas/report.schema.json` describes it.

Paths are as the user gave them, values in short form, absent sides left out. Texts from models
are data here and stand as they are; `dumps` escapes all that is not ASCII.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import cast

from kover import __version__
from kover.diffing.model_diff import (
    ArchiveFacts,
    ArrayChange,
    ArrayFact,
    AttributeChange,
    Effective,
    LayerDiff,
    NonFinite,
    OptimizerStateDiff,
    WeightsDiff,
)
from kover.diffing.report import Applied, Reinitialized, Report, Verification, WeightsCarried
from kover.planning.plan import Plan
from kover.problems import Problem
from kover.report.known import known
from kover.values import JSON, Missing, normal

VERSION = 1
Object = dict[str, JSON]


def dumps(report: Report) -> str:
    """The report as JSON text in ASCII, ended with a line end."""
    return json.dumps(to_json(report), indent=1, allow_nan=False) + "\n"


def to_json(report: Report) -> Object:
    """The report as JSON data."""
    diff, applied = report.diff, report.applied
    result: Object = {
        "version": VERSION,
        "kover": __version__,
        "before": _archive(diff.before),
        "after": _archive(diff.after),
        "identical": diff.identical,
        "layers": [_layer(layer, applied) for layer in diff.layers],
        "model": [_change(change, "", applied) for change in diff.model],
        "compile": [_change(change, None, applied) for change in diff.compile],
        "metadata": [_change(change, None, None) for change in diff.metadata],
        "weights": None if diff.weights is None else _weights(diff.weights),
        "optimizer_state": _state(report.optimizer_state),
        "assets": [{"name": each.name, "kind": each.kind} for each in diff.assets],
        "effective": _effective(report.effective),
        "verification": _verification(applied.verification if applied else Verification()),
        "warnings": [_problem(problem) for problem in report.warnings],
    }
    if applied is not None:
        result["applied"] = _applied(applied)
    return result


def value(data: JSON) -> JSON:
    """A value that JSON can hold: floats in short form, the non-finite ones as strings."""
    if isinstance(data, float) and not math.isfinite(data):
        return "NaN" if math.isnan(data) else "Infinity" if data > 0 else "-Infinity"
    if isinstance(data, list):
        return [value(item) for item in data]
    if isinstance(data, dict):
        return {key: value(item) for key, item in data.items()}
    return normal(data)


def _without_none(**items: JSON) -> Object:
    return {key: item for key, item in items.items() if item is not None}


def _archive(facts: ArchiveFacts) -> Object:
    return {
        "path": facts.path,
        **_without_none(
            sha256=facts.sha256, keras_version=facts.keras_version, size_bytes=facts.size_bytes
        ),
        "name": facts.name,
        "class_name": facts.class_name,
        "layers": facts.layer_count,
    }


def _sides(before: JSON | Missing, after: JSON | Missing) -> Object:
    sides: Object = {}
    if not isinstance(before, Missing):
        sides["before"] = value(before)
    if not isinstance(after, Missing):
        sides["after"] = value(after)
    return sides


def _change(change: AttributeChange, layer: str | None, applied: Applied | None) -> Object:
    result: Object = {"attribute": change.attribute, **_sides(change.before, change.after)}
    if applied is not None:
        source = known(applied.sources, layer, change.attribute)
        verified = known(applied.verified, layer, change.attribute)
        result |= _without_none(source=str(source) if source else None, verified=verified)
    return result


def _layer(layer: LayerDiff, applied: Applied | None) -> Object:
    return {
        "layer": layer.layer,
        "class_name": layer.class_name,
        "kind": layer.kind,
        **_without_none(renamed_from=layer.renamed_from),
        "changes": [_change(change, layer.layer, applied) for change in layer.changes],
    }


def _shape(shape: Sequence[int]) -> JSON:
    return list(shape)


def _weights(weights: WeightsDiff) -> Object:
    return {
        "compared": weights.compared,
        "equal": weights.equal,
        "changed": [_array_change(change) for change in weights.changed],
        "added": [_array(fact) for fact in weights.added],
        "removed": [_array(fact) for fact in weights.removed],
    }


def _array(fact: ArrayFact | ArrayChange) -> Object:
    return {
        "layer": fact.layer,
        "variable": fact.variable,
        "shape": _shape(fact.shape),
        "dtype": fact.dtype,
    }


def _array_change(change: ArrayChange) -> Object:
    before = None if change.shape_before is None else _shape(change.shape_before)
    return {
        **_array(change),
        **_without_none(shape_before=before, dtype_before=change.dtype_before),
        **_without_none(max_abs=change.max_abs, rel_l2=change.rel_l2, share=change.share),
        **_nonfinite(change.nonfinite_before, change.nonfinite_after),
    }


def _nonfinite(before: NonFinite, after: NonFinite) -> Object:
    counts = (("nan", before.nan, after.nan), ("inf", before.inf, after.inf))
    return {name: {"before": old, "after": new} for name, old, new in counts if old or new}


def _state(state: OptimizerStateDiff | None) -> JSON:
    if state is None:
        return None
    result: Object = {
        "kept": state.kept,
        "reset": state.reset,
        "dropped": state.dropped,
        "changed": state.changed,
        "added": state.added,
    }
    if state.iterations != (None, None):
        result["iterations"] = {"before": state.iterations[0], "after": state.iterations[1]}
    if state.reasons:
        result["reasons"] = list(state.reasons)
    return result


def _effective(effective: Effective) -> Object:
    return {
        "trainable_parameters": _pair(effective.trainable_parameters),
        "parameters": _pair(effective.parameters),
        "learning_rates": [
            {
                "where": rate.where,
                **_sides(rate.before, rate.after),
                **_renamed(_sides(rate.weight_decay_before, rate.weight_decay_after)),
            }
            for rate in effective.learning_rates
        ],
        "regularization": [
            {
                "layer": penalty.layer,
                "variable": penalty.variable,
                **_sides(penalty.before, penalty.after),
            }
            for penalty in effective.regularization
        ],
    }


def _pair(counts: tuple[int | None, int | None]) -> Object:
    return {"before": counts[0], "after": counts[1]}


def _renamed(sides: Object) -> Object:
    return {f"weight_decay_{side}": rate for side, rate in sides.items()}


def _verification(verification: Verification) -> Object:
    return {
        "level": verification.level,
        "checks": [
            {"name": check.name, "ok": check.ok, "detail": check.detail}
            for check in verification.checks
        ],
    }


def _problem(problem: Problem) -> Object:
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        **_without_none(source=str(problem.source) if problem.source else None, help=problem.help),
    }


def _applied(applied: Applied) -> Object:
    result: Object = {"output": applied.output}
    if applied.weights is not None:
        result["weights"] = _carried(applied.weights)
    if applied.plan is not None:
        result["plan"] = _plan(applied.plan)
    return result


def _carried(carried: WeightsCarried) -> Object:
    return {
        "copied": carried.copied,
        "patched": carried.patched,
        "reinitialized": [_reinitialized(each) for each in carried.reinitialized],
    }


def _reinitialized(each: Reinitialized) -> Object:
    before = None if each.shape_before is None else _shape(each.shape_before)
    return {
        "layer": each.layer,
        "variable": each.variable,
        **_without_none(shape_before=before),
        "shape": _shape(each.shape_after),
        "seed": each.seed,
    }


def _plan(plan: Plan) -> Object:
    return {
        "overrides": [
            {
                "source": str(outcome.source),
                "selector": outcome.selector,
                "matched": len(outcome.matched),
                "passed_over": {name: len(paths) for name, paths in outcome.passed_over.items()},
                **_without_none(description=outcome.description),
            }
            for outcome in plan.outcomes
        ],
        "shadowed": [
            {
                "layer": each.layer,
                "attribute": each.attribute,
                "source": str(each.source),
                "by": str(each.by),
            }
            for each in plan.shadowed
        ],
        "unchanged": [
            cast(
                Object,
                {
                    "layer": each.layer,
                    "attribute": each.attribute,
                    **_unchanged_value(each.value),
                    "source": str(each.source),
                },
            )
            for each in plan.unchanged
        ],
        "optimizer_state": plan.optimizer_state,
    }


def _unchanged_value(data: JSON | Missing) -> Object:
    return {} if isinstance(data, Missing) else {"value": value(data)}
