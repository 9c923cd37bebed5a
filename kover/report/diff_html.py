"""A report as one HTML page: the graph with what differs marked, and every difference below.

A click on a layer shows its changes, and histograms of how far its weights moved where the
comparison made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kover.diffing.model_diff import ArchiveFacts, ArrayChange, AttributeChange, OutlineLayer
from kover.diffing.report import Applied, Report
from kover.report.diff_stat import LayerTotals, total_text, totals
from kover.report.graph_view import GraphLayer, graph_view
from kover.report.html_page import render_page
from kover.report.layer_lines import mark
from kover.report.value_text import (
    change_text,
    count_text,
    counted,
    measure_text,
    shape_text,
    share_text,
    size_text,
    value_text,
)
from kover.report.weight_lines import state_lines

_LISTED = 4_000
_BARS = 30
_HIGHEST = 46
_SIGNS = {
    "changed": ("*", "settings changed"),
    "weights": ("Δ", "weights changed"),
    "added": ("+", "added"),
    "removed": ("-", "removed"),
    "renamed": ("~", "renamed or moved"),
}


def report_html(report: Report) -> str:
    """The page of a report.

    Raises:
        UsageError: `missing-extra` where the packages for HTML are not installed.
    """
    diff, applied = report.diff, report.applied
    differing = totals(diff)
    layers = [_drawn(each, differing.get(each.path)) for each in diff.outline]
    about = list(_about(layers, differing, applied))
    weights = diff.weights
    changed = weights.changed if weights is not None else ()
    return render_page(
        "diff.html",
        {
            "title": f"{_file(diff.before.path)} → {_file(diff.after.path)}",
            "before": {"path": diff.before.path, "facts": _facts(diff.before)},
            "after": {"path": diff.after.path, "facts": _facts(diff.after)},
            "verdict": total_text(report),
            "drifted": _drifted(report),
            "graph": graph_view(layers),
            "differs": "differs",
            "quiet": "Nothing changed here.",
            "legend": [
                {"status": status, "sign": sign, "word": word}
                for status, (sign, word) in _SIGNS.items()
            ],
            "list_title": "What differs",
            "steps": [{**each, "note": each["class_name"]} for each in about],
            "about": about,
            "sources": applied is not None,
            "layers": [each for each in about if each["changes"] or each["kind"] != "changed"],
            "more_layers": "",
            "settings": [
                ("Model", _changes(diff.model, "", applied)),
                ("Compile", _changes(diff.compile, None, applied)),
                ("Metadata", [] if applied else _changes(_told(diff.metadata), None, None)),
            ],
            "notes": list(_notes(report)),
            "weights": [_array(each, each.layer) for each in changed[:_LISTED]],
            "weight_counts": _counts(report),
            "more_weights": _more(len(changed) - _LISTED),
        },
    )


def _file(path: str) -> str:
    return path.rpartition("/")[2] or path


def _facts(facts: ArchiveFacts) -> str:
    parts = [
        f"{facts.class_name} {facts.name}".strip(),
        counted(facts.layer_count, "layer"),
        f"Keras {facts.keras_version}" if facts.keras_version else "",
        "" if facts.size_bytes is None else size_text(facts.size_bytes),
        f"sha256 {facts.sha256}" if facts.sha256 else "",
    ]
    return " · ".join(part for part in parts if part)


def _drifted(report: Report) -> str:
    drifted = sum(layer.drifted for layer in report.diff.layers)
    return f"{counted(drifted, 'automatic name')} drifted" if drifted else ""


def _drawn(each: OutlineLayer, differs: LayerTotals | None) -> GraphLayer:
    status = _status(each, differs)
    sign, word = _SIGNS.get(status, ("", ""))
    return GraphLayer(
        each.path,
        each.name,
        each.class_name,
        _caption(each, differs),
        each.parent,
        each.inputs,
        each.former_inputs,
        status,
        sign,
        word,
    )


def _status(each: OutlineLayer, differs: LayerTotals | None) -> str:
    if each.removed:
        return "removed"
    if each.origin is None:
        return "added"
    if differs is None:
        return "equal"
    layer = differs.layer
    if layer is not None and layer.changes:
        return "changed"
    if differs.arrays or differs.added or differs.removed:
        return "weights"
    return "renamed"


def _caption(each: OutlineLayer, differs: LayerTotals | None) -> str:
    if differs is None or each.removed or each.origin is None:
        return each.class_name
    layer = differs.layer
    if layer is not None and layer.changes:
        names = [change.attribute for change in layer.changes]
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    moved = [change.rel_l2 for change in differs.arrays if change.rel_l2 is not None]
    return f"weights by {measure_text(max(moved))}" if moved else each.class_name


def _about(
    layers: Sequence[GraphLayer], differing: Mapping[str, LayerTotals], applied: Applied | None
) -> Iterable[dict[str, Any]]:
    """What the page says of each layer that differs."""
    for place, drawn in enumerate(layers):
        if drawn.status == "equal":
            continue
        differs = differing.get(drawn.path, LayerTotals())
        layer = differs.layer
        origin = layer.renamed_from if layer is not None else None
        yield {
            "id": place,
            "path": drawn.path,
            "class_name": drawn.class_name,
            "status": drawn.status,
            "sign": drawn.sign,
            "word": f"{drawn.word}, was {origin}" if origin else drawn.word,
            "kind": layer.kind if layer is not None else "changed",
            "changes": _changes(layer.changes if layer else (), drawn.path, applied),
            "arrays": [_array(each, None) for each in differs.arrays],
            "lists": _alone(differs),
        }


def _alone(differs: LayerTotals) -> str:
    parts = [(differs.added, "added"), (differs.removed, "removed")]
    return ", ".join(f"{counted(count, 'array')} {word}" for count, word in parts if count)


def _told(changes: Sequence[AttributeChange]) -> list[AttributeChange]:
    return [change for change in changes if change.attribute != "keras_version"]


def _changes(
    changes: Sequence[AttributeChange], layer: str | None, applied: Applied | None
) -> list[dict[str, str]]:
    found = []
    for change in changes:
        before, after = change_text(change.before, change.after)
        source = mark(applied, layer, change.attribute).text
        found.append(
            {"attribute": change.attribute, "before": before, "after": after, "source": source}
        )
    return found


def _array(change: ArrayChange, layer: str | None) -> dict[str, Any]:
    shape = shape_text(change.shape)
    if change.shape_before is not None:
        shape = f"{shape_text(change.shape_before)} → {shape}"
    if change.dtype_before is not None:
        shape += f" {change.dtype_before} → {change.dtype}"
    counts = (
        ("NaN", change.nonfinite_before.nan, change.nonfinite_after.nan),
        ("inf", change.nonfinite_before.inf, change.nonfinite_after.inf),
    )
    bars = _bars(change)
    return {
        "name": f"{layer}/{change.variable}" if layer else change.variable,
        "shape": shape,
        "max_abs": "" if change.max_abs is None else measure_text(change.max_abs),
        "rel_l2": "" if change.rel_l2 is None else measure_text(change.rel_l2),
        "share": "" if change.share is None else share_text(change.share),
        "odd": ", ".join(f"{name} {old:,} → {new:,}" for name, old, new in counts if old or new),
        "bars": bars,
        "least": bars[0]["label"] if bars else "",
        "most": bars[-1]["label"] if len(bars) > 1 else "",
    }


def _bars(change: ArrayChange) -> list[dict[str, Any]]:
    """A bar for each power of two; what lies below the last of them is in the first."""
    if not change.histogram:
        return []
    last = change.histogram[-1][0]
    first = max(change.histogram[0][0], last - _BARS + 1)
    counts = dict.fromkeys(range(first, last + 1), 0)
    for exponent, count in change.histogram:
        counts[max(exponent, first)] += count
    tallest = max(counts.values())
    return [
        {
            "height": max(round(_HIGHEST * count / tallest, 1), 1 if count else 0),
            "label": f"< {measure_text(2.0**exponent)}",
            "title": f"{count:,} entries changed by less than {measure_text(2.0**exponent)}",
        }
        for exponent, count in counts.items()
    ]


def _counts(report: Report) -> str:
    weights = report.diff.weights
    if weights is None:
        return "not compared"
    return f"{weights.equal:,} of {counted(weights.compared, 'array')} equal"


def _more(number: int) -> str:
    return f"… and {counted(number, 'more array')}" if number > 0 else ""


def _notes(report: Report) -> Iterable[tuple[str, list[list[str]]]]:
    """Tables of plain rows."""
    effective, applied = report.effective, report.applied
    rows = [
        [name, count_text(counts[0]), "→", count_text(counts[1])]
        for name, counts in (
            ("trainable parameters", effective.trainable_parameters),
            ("parameters", effective.parameters),
        )
        if counts[0] != counts[1] and None not in counts
    ]
    for rate in effective.learning_rates:
        where = "everything else" if rate.where == "*" else rate.where
        sides = value_text(rate.before), "→", value_text(rate.after)
        rows.append([f"learning rate for {where}", *sides])
    for penalty in effective.regularization:
        sides = value_text(penalty.before), "→", value_text(penalty.after)
        rows.append([f"penalty on {penalty.layer}/{penalty.variable}", *sides])
    yield "In effect", rows
    yield "Optimizer state", [[each.text] for each in state_lines(report.optimizer_state)[:1]]
    yield "Other files", [[each.name, each.kind, each.detail] for each in report.diff.assets]
    if applied is not None:
        checks = applied.verification.checks
        yield "Verified", [["✓" if each.ok else "✗", each.name, each.detail] for each in checks]
    yield (
        "Warnings",
        [[each.code, str(each.source or ""), each.message] for each in report.warnings],
    )
