"""A diff as one line for each layer that differs, and one for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kover.diffing.model_diff import ArrayChange, LayerDiff, ModelDiff
from kover.diffing.report import Report
from kover.report.clean import clean
from kover.report.diff_text import header, warnings
from kover.report.style import ConsoleOptions, Line, Meaning, Segment, columns, line, render_lines
from kover.report.value_text import counted, measure_text

_SIGNS: dict[str, tuple[str, Meaning]] = {
    "added": ("+", "added"),
    "removed": ("-", "removed"),
    "renamed": ("~", "new"),
    "moved": ("~", "new"),
    "changed": ("*", "warning"),
}


@dataclass
class LayerTotals:
    """What differs in one layer: the layer itself (None: only its arrays) and its arrays."""

    layer: LayerDiff | None = None
    arrays: list[ArrayChange] = field(default_factory=list)
    added: int = 0
    removed: int = 0


def render_stat(report: Report, options: ConsoleOptions | None = None) -> str:
    """The text, each line ended."""
    return render_lines(stat_lines(report), options or ConsoleOptions())


def stat_lines(report: Report) -> list[Line]:
    """The summary of a diff."""
    diff = report.diff
    lines = header(diff.before, diff.after)
    rows = [_row(path, each) for path, each in totals(diff).items()]
    lines += columns(rows, "", (48, 28, 28, 0))
    return [*lines, line(f" {total_text(report)}"), *warnings(report.warnings)]


def totals(diff: ModelDiff) -> Mapping[str, LayerTotals]:
    """Layer path -> what differs there; drifted names alone are no difference."""
    found: dict[str, LayerTotals] = {}
    for layer in diff.layers:
        if layer.changes or not layer.drifted:
            found.setdefault(layer.layer, LayerTotals()).layer = layer
    if diff.weights is not None:
        for change in diff.weights.changed:
            found.setdefault(change.layer or change.variable, LayerTotals()).arrays.append(change)
        for fact in diff.weights.added:
            found.setdefault(fact.layer or fact.variable, LayerTotals()).added += 1
        for fact in diff.weights.removed:
            found.setdefault(fact.layer or fact.variable, LayerTotals()).removed += 1
    order = {each.path: place for place, each in enumerate(diff.outline)}
    return dict(sorted(found.items(), key=lambda item: order.get(item[0], len(order))))


def _row(path: str, each: LayerTotals) -> list[Line]:
    layer = each.layer
    kind = "changed" if layer is None or layer.drifted else layer.kind
    sign, meaning = _SIGNS[kind]
    origin = ""
    if layer is not None and layer.renamed_from is not None and not layer.drifted:
        origin = f" (was {clean(layer.renamed_from)})"
    return [
        line(Segment(f" {sign} ", meaning), Segment(f"{clean(path)}{origin}", "path")),
        line(Segment(clean(layer.class_name) if layer else "", "faint")),
        line(_attributes(layer)),
        line(", ".join(_arrays(each))),
    ]


def _attributes(layer: LayerDiff | None) -> str:
    if layer is None:
        return ""
    if not layer.changes:
        return "" if layer.drifted else layer.kind
    names = [clean(change.attribute, 40) for change in layer.changes]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"


def _arrays(each: LayerTotals) -> Iterable[str]:
    if each.arrays:
        moved = [change.rel_l2 for change in each.arrays if change.rel_l2 is not None]
        largest = f" (relative up to {measure_text(max(moved))})" if moved else ""
        yield f"{counted(len(each.arrays), 'array')} changed{largest}"
    if each.added:
        yield f"{counted(each.added, 'array')} added"
    if each.removed:
        yield f"{counted(each.removed, 'array')} removed"


def total_text(report: Report) -> str:
    """`3 layers changed, 1 added; compile: 2 settings; 4 of 20 arrays changed`."""
    diff = report.diff
    if diff.identical:
        return "identical"
    counts: dict[str, int] = {}
    for each in totals(diff).values():
        for kind in _kinds(each):
            counts[kind] = counts.get(kind, 0) + 1
    order = [kind for kind in ("changed", "added", "removed", "renamed", "moved") if kind in counts]
    parts = []
    if order:
        first, *rest = order
        told = [f"{counted(counts[first], 'layer')} {first}"]
        parts.append(", ".join([*told, *(f"{counts[kind]:,} {kind}" for kind in rest)]))
    return "; ".join([*parts, *_other_parts(report)]) or "only automatic names drifted"


def _kinds(each: LayerTotals) -> Iterable[str]:
    """What to count a layer as: what happened to it, and whether it differs in itself."""
    layer = each.layer
    if layer is None:
        yield from ("changed",) if each.arrays else ()
        return
    if layer.kind in ("added", "removed"):
        yield from (layer.kind,) if layer.within is None else ()
        return
    if layer.kind != "changed" and not layer.drifted:
        yield layer.kind
    if layer.changes or each.arrays:
        yield "changed"


def _other_parts(report: Report) -> Iterable[str]:
    diff = report.diff
    if diff.model:
        yield f"model: {counted(len(diff.model), 'setting')}"
    if diff.compile:
        yield f"compile: {counted(len(diff.compile), 'setting')}"
    weights = diff.weights
    if weights is None:
        yield "weights not compared"
    elif weights.compared:
        yield f"{len(weights.changed):,} of {counted(weights.compared, 'array')} changed"
    state = report.optimizer_state
    if state is not None and not state.same:
        yield "other optimizer state"
    if diff.assets:
        yield f"{counted(len(diff.assets), 'other file')} changed"
