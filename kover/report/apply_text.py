"""The report of an apply as text: the diff of what was written, what was verified, and where."""

from __future__ import annotations

from kover.diffing.report import Applied, Report
from kover.report.clean import clean
from kover.report.diff_text import header, section, sections, warnings
from kover.report.plan_lines import idle_lines, outcome_lines
from kover.report.style import ConsoleOptions, Line, Segment, line, render_lines


def render_applied(
    report: Report, options: ConsoleOptions | None = None, reports: tuple[str, ...] = ()
) -> str:
    """The text of an apply, each line ended.

    Args:
        report: with the facts of the apply.
        options: what the output can show.
        reports: the files that the report itself was written to.
    """
    return render_lines(applied_lines(report, reports), options or ConsoleOptions())


def applied_lines(report: Report, reports: tuple[str, ...] = ()) -> list[Line]:
    """The whole report of an apply."""
    diff, applied = report.diff, report.applied
    lines = header(diff.before, diff.after)
    if diff.identical:
        lines += section([line("No change: every setting was there already")])
    for part in sections(report):
        lines += section(part)
    if applied is not None and applied.plan is not None:
        passing = [each for each in applied.plan.outcomes if each.passed_over or not each.matched]
        lines += section(outcome_lines(passing))
        lines += section(idle_lines(applied.plan))
    lines += warnings(report.warnings)
    return lines + section(_written(applied, reports))


def _written(applied: Applied | None, reports: tuple[str, ...]) -> list[Line]:
    written = [applied.output] if applied is not None and applied.output else []
    names = [clean(name, 1000) for name in (*written, *reports)]
    return [line(Segment("wrote ", "good"), Segment(name, "title")) for name in names]
