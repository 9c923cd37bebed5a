"""A plan as text: the dry run. What would change and why, in the look of the report."""

from __future__ import annotations

from collections.abc import Iterable

from kover.planning.plan import Plan
from kover.problems import Problem
from kover.report.clean import clean
from kover.report.diff_text import change_lines, section, warnings
from kover.report.layer_lines import layer_lines
from kover.report.plan_lines import consent_lines, idle_lines, outcome_lines, rate_lines
from kover.report.plan_report import plan_report
from kover.report.style import ConsoleOptions, Line, Segment, line, render_lines


def render_plan(plan: Plan, model: str, options: ConsoleOptions | None = None) -> str:
    """The text of a dry run, each line ended.

    Args:
        plan: what would be done.
        model: the archive's path, as the user gave it.
        options: what the output can show.
    """
    return render_lines(plan_lines(plan, model), options or ConsoleOptions())


def plan_lines(plan: Plan, model: str) -> list[Line]:
    """The whole dry run."""
    what = "nothing would change" if plan.is_noop else "what would change"
    lines = [line(Segment(clean(model, 1000), "title"), f": {what}")]
    for part in _sections(plan):
        lines += section(part)
    lines += warnings(sorted(dict.fromkeys(plan.warnings), key=Problem.sort_key))
    return [*lines, line(), line(Segment("dry run: nothing was written", "faint"))]


def _sections(plan: Plan) -> Iterable[list[Line]]:
    report = plan_report(plan)
    yield layer_lines(report.diff.layers, report.applied)
    yield rate_lines(plan.rates)
    yield consent_lines(plan.consents)
    yield change_lines("Compile", report.diff.compile, report.applied)
    if plan.optimizer_state == "reset":
        yield [line(Segment("Optimizer state", "title"), "   reset")]
    yield outcome_lines(plan.outcomes)
    yield idle_lines(plan)
