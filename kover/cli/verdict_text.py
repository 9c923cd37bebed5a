"""Verdicts on specs as lines of text, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kover.problems import errors_among
from kover.report.clean import clean
from kover.spec.document import Spec
from kover.validation import Verdict
from kover.values import JSON

if TYPE_CHECKING:
    from kover.planning.plan import Outcome


def rows(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """One line for each spec, and with a model one for each of its overrides.

    A single spec that is refused gets none: its problems are the answer.
    """
    several = sum(len(verdict.paths) for verdict in verdicts) > 1
    for verdict in verdicts:
        errors = len(errors_among(verdict.problems))
        if not errors:
            for spec in verdict.specs:
                yield from _valid(spec, verdict)
        elif several:
            noun = "error" if errors == 1 else "errors"
            yield f"{', '.join(map(clean, verdict.paths))}: {errors} {noun}"


def _valid(spec: Spec, verdict: Verdict) -> Iterator[str]:
    fits = f"valid for {clean(verdict.model)}" if verdict.model else "valid"
    count = len(spec.overrides)
    parts = [f"{count} override{'s' if count != 1 else ''}"] if count else []
    parts += ["compile"] if spec.compile else []
    yield f"{clean(spec.path)}: {fits} ({', '.join(parts)})"
    for outcome in _outcomes(spec.path, verdict):
        layers = len(outcome.matched)
        noun = "layer" if layers == 1 else "layers"
        yield f"  line {outcome.source.line}: {clean(outcome.selector)} matches {layers} {noun}"


def specs_json(verdicts: Sequence[Verdict]) -> list[JSON]:
    """What is known of each spec."""
    return [
        {"file": path, "valid": not errors_among(verdict.problems), **_details(path, verdict)}
        for verdict in verdicts
        for path in verdict.paths
    ]


def _details(path: str, verdict: Verdict) -> dict[str, JSON]:
    spec = next((spec for spec in verdict.specs if spec.path == path), None)
    if spec is None:
        return {}
    details: dict[str, JSON] = {
        "sha256": spec.sha256,
        "overrides": len(spec.overrides),
        "compile": spec.compile is not None,
    }
    if verdict.plan is not None:
        details["model"] = verdict.model
        details["matches"] = [
            {
                "line": outcome.source.line,
                "selector": outcome.selector,
                "layers": list(outcome.matched),
            }
            for outcome in _outcomes(path, verdict)
        ]
    return details


def _outcomes(path: str, verdict: Verdict) -> list[Outcome]:
    outcomes = verdict.plan.outcomes if verdict.plan else ()
    return [outcome for outcome in outcomes if outcome.source.path == path]
