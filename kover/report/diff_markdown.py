"""A report as Markdown, for pull request comments and job summaries.

A summary, then a collapsible table for each part. It stays under 60,000 characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kover.diffing.model_diff import ArchiveFacts, ArrayChange, AttributeChange, LayerDiff
from kover.diffing.report import Applied, Report
from kover.report.diff_stat import total_text
from kover.report.layer_lines import mark
from kover.report.markdown import Page, code, plain
from kover.report.value_text import (
    change_text,
    count_text,
    measure_text,
    shape_text,
    share_text,
    size_text,
    value_text,
)
from kover.report.weight_lines import state_lines

_OPEN_UP_TO = 20
_CHANGE = ("attribute", "before", "after")


def report_markdown(report: Report) -> str:
    """The Markdown of a report, ended with a line end."""
    diff, applied = report.diff, report.applied
    page = Page()
    page.add(f"### {code(diff.before.path, 300)} → {code(diff.after.path, 300)}", "")
    page.add(f"**{plain(total_text(report))}**", "")
    page.add(f"{_facts(diff.before)}<br>{_facts(diff.after)}", "")
    rows = [row for layer in diff.layers for row in _layer_rows(layer, applied)]
    head = ("", "layer", "class", *_CHANGE, *(("source",) if applied else ()))
    page.table(f"Layers ({len(rows):,})", head, rows, is_open=len(rows) <= _OPEN_UP_TO)
    drifted = sum(layer.drifted for layer in diff.layers)
    if drifted:
        page.add(f"{drifted:,} automatic names drifted.", "")
    for title, of, changes in (("Model", "", diff.model), ("Compile", None, diff.compile)):
        found = [_change_row(change, of, applied) for change in changes]
        page.table(title, (*_CHANGE, *(("source",) if applied else ())), found, is_open=True)
    _weights(page, report)
    page.table("In effect", ("what", "before", "after", "for"), _effective(report), is_open=True)
    page.table("Other files", ("file", "", ""), _files(report))
    if applied is None:
        told = [change for change in diff.metadata if change.attribute != "keras_version"]
        page.table("Metadata", _CHANGE, [_change_row(change, None, None) for change in told])
    else:
        page.table("Verified", ("", "check", "found"), _checks(applied))
    _warnings(page, report)
    return page.text


def _facts(facts: ArchiveFacts) -> str:
    parts = [
        code(f"{facts.class_name} {facts.name}".strip()),
        f"{facts.layer_count:,} layers",
        f"Keras {code(facts.keras_version)}" if facts.keras_version else "",
        "" if facts.size_bytes is None else size_text(facts.size_bytes),
        f"sha256 {code(facts.sha256[:12])}" if facts.sha256 else "",
    ]
    return " · ".join(part for part in parts if part)


def _layer_rows(layer: LayerDiff, applied: Applied | None) -> Iterable[list[str]]:
    signs = {"added": "+", "removed": "-", "renamed": "~", "moved": "~", "changed": ""}
    sign = "" if layer.drifted else signs[layer.kind]
    name = code(layer.layer)
    if layer.renamed_from is not None and not layer.drifted:
        name = f"{code(layer.renamed_from)} → {name}"
    blank = [""] * (1 if applied else 0)
    first = [sign, name, code(layer.class_name)]
    if not layer.changes:
        if not layer.drifted and layer.within is None:
            yield [*first, layer.kind, "", "", *blank]
        return
    for change in layer.changes:
        yield [*first, *_change_row(change, layer.layer, applied)]
        first = ["", "", ""]


def _change_row(change: AttributeChange, layer: str | None, applied: Applied | None) -> list[str]:
    before, after = change_text(change.before, change.after)
    row = [code(change.attribute), code(before), code(after)]
    return [*row, plain(mark(applied, layer, change.attribute).text)] if applied else row


def _weights(page: Page, report: Report) -> None:
    weights = report.diff.weights
    if weights is None:
        page.add("Weights were not compared.", "")
        return
    rows = [[code(_name(each.layer, each.variable)), *_measures(each)] for each in weights.changed]
    for sign, facts in (("+", weights.added), ("-", weights.removed)):
        rows += [
            [
                f"{sign} {code(_name(each.layer, each.variable))}",
                code(shape_text(each.shape)),
                "",
                "",
                "",
            ]
            for each in facts
        ]
    counts = f"Weights: {weights.equal:,} of {weights.compared:,} arrays equal"
    page.table(counts, ("array", "shape", "largest change", "relative", "entries"), rows)
    for each in state_lines(report.optimizer_state):
        page.add(plain(each.text), "")


def _name(layer: str | None, variable: str) -> str:
    return f"{layer}/{variable}" if layer else variable


def _measures(change: ArrayChange) -> list[str]:
    shape = shape_text(change.shape)
    if change.shape_before is not None:
        shape = f"{shape_text(change.shape_before)} → {shape}"
    if change.dtype_before is not None:
        shape += f" {change.dtype_before} → {change.dtype}"
    if change.max_abs is None:
        return [code(shape), "", "", ""]
    odd = [
        f"{name} {old:,} → {new:,}"
        for name, old, new in (
            ("NaN", change.nonfinite_before.nan, change.nonfinite_after.nan),
            ("inf", change.nonfinite_before.inf, change.nonfinite_after.inf),
        )
        if old or new
    ]
    share = "" if change.share is None else share_text(change.share)
    relative = "" if change.rel_l2 is None else measure_text(change.rel_l2)
    return [code(shape), ", ".join([measure_text(change.max_abs), *odd]), relative, share]


def _effective(report: Report) -> Iterable[Sequence[str]]:
    effective = report.effective
    for name, counts in (
        ("trainable parameters", effective.trainable_parameters),
        ("parameters", effective.parameters),
    ):
        if counts[0] != counts[1] and None not in counts:
            yield [name, *map(count_text, counts), ""]
    for rate in effective.learning_rates:
        where = "everything else" if rate.where == "*" else code(rate.where)
        yield ["learning rate", code(value_text(rate.before)), code(value_text(rate.after)), where]
    for penalty in effective.regularization:
        sides = code(value_text(penalty.before)), code(value_text(penalty.after))
        yield ["penalty", *sides, code(_name(penalty.layer, penalty.variable))]


def _files(report: Report) -> Iterable[Sequence[str]]:
    for each in report.diff.assets:
        yield [code(each.name), each.kind, plain(each.detail)]


def _checks(applied: Applied) -> Iterable[Sequence[str]]:
    for check in applied.verification.checks:
        yield ["✓" if check.ok else "✗", plain(check.name), plain(check.detail)]
    if applied.verification.level == "none":
        yield ["", "nothing", "--verify none"]


def _warnings(page: Page, report: Report) -> None:
    for problem in report.warnings:
        place = f"{code(str(problem.source), 300)}: " if problem.source else ""
        page.add(f"- {place}**{problem.code}** {plain(problem.message)}")
