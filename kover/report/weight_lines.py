"""Stored values and what they add up to, as lines: weights, optimizer state, effective values."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kover.diffing.model_diff import (
    ArrayChange,
    ArrayFact,
    AttributeChange,
    Effective,
    NonFinite,
    OptimizerStateDiff,
    WeightsDiff,
)
from kover.diffing.report import Reinitialized, WeightsCarried
from kover.report.clean import clean
from kover.report.layer_lines import change_cells
from kover.report.style import Line, Meaning, Segment, columns, line
from kover.report.value_text import (
    count_text,
    counted,
    measure_text,
    shape_text,
    share_text,
    value_text,
)

_LISTED = 12
_MEANINGS: dict[str, Meaning] = {"+": "added", "-": "removed"}
_WIDEST = (40, 40, 20, 20, 20, 40)


def weight_lines(
    weights: WeightsDiff | None,
    alone: Collection[str] = (),
    listed: Sequence[ArrayChange] | None = None,
    limit: int | None = _LISTED,
) -> list[Line]:
    """The section on weights.

    Args:
        weights: None where they were not compared.
        alone: layers that were added or removed; what they hold is counted, not listed.
        listed: the changed arrays to list, by default all of them.
        limit: how many of a kind are listed before the rest is counted.
    """
    if weights is None:
        return [line(Segment("Weights", "title"), "   not compared")]
    counts = [f"{weights.equal:,} equal", f"{len(weights.changed):,} changed"]
    if weights.compared == 0:
        counts = ["none to compare"]
    elif not weights.changed:
        counts = ["all equal"]
    elif not weights.equal:
        counts = ["all changed"]
    counts += [f"{len(weights.added):,} added"] if weights.added else []
    counts += [f"{len(weights.removed):,} removed"] if weights.removed else []
    total = f"{counted(weights.compared, 'array')}: " if weights.compared else ""
    lines = [line(Segment("Weights", "title"), f"   {total}{', '.join(counts)}")]
    changed = weights.changed if listed is None else listed
    most = limit if limit is not None else len(changed)
    lines += columns([_changed(each) for each in changed[:most]], "  ", _WIDEST)
    lines += _more(len(changed) - most, "changed array")
    for facts, sign in ((weights.added, "+"), (weights.removed, "-")):
        lines += _facts([fact for fact in facts if fact.layer not in alone], sign, limit)
    return lines


def _name(layer: str | None, variable: str) -> str:
    return clean(f"{layer}/{variable}" if layer else variable)


def _changed(change: ArrayChange) -> list[Line]:
    name = line(Segment(_name(change.layer, change.variable), "path"))
    if change.max_abs is None:
        return [name, line(_kinds(change))]
    share = change.share if change.share is not None and change.share < 1 else None
    return [
        name,
        line(shape_text(change.shape)),
        line(f"max|Δ| {measure_text(change.max_abs)}"),
        line("" if change.rel_l2 is None else f"relative {measure_text(change.rel_l2)}"),
        line("" if share is None else f"{share_text(share)} of entries"),
        line(Segment(_nonfinite(change.nonfinite_before, change.nonfinite_after), "warning")),
    ]


def _kinds(change: ArrayChange) -> str:
    """Shape or dtype before and after."""
    parts = []
    if change.shape_before is not None:
        parts.append(f"{shape_text(change.shape_before)} → {shape_text(change.shape)}")
    if change.dtype_before is not None:
        parts.append(f"{change.dtype_before} → {change.dtype}")
    return "   ".join(parts)


def _nonfinite(before: NonFinite, after: NonFinite) -> str:
    parts = [
        f"{name} {old:,} → {new:,}"
        for name, old, new in (("NaN", before.nan, after.nan), ("inf", before.inf, after.inf))
        if old or new
    ]
    return "   ".join(parts)


def _facts(facts: Sequence[ArrayFact], sign: str, limit: int | None) -> list[Line]:
    most = limit if limit is not None else len(facts)
    rows = [
        [
            line(Segment(f"{sign} {_name(fact.layer, fact.variable)}", _MEANINGS[sign])),
            line(shape_text(fact.shape)),
        ]
        for fact in facts[:most]
    ]
    word = "added" if sign == "+" else "removed"
    return columns(rows, "", _WIDEST) + _more(len(facts) - most, f"{word} array")


def _more(number: int, noun: str) -> list[Line]:
    return (
        [line(Segment(f"  … and {counted(number, f'more {noun}')}", "faint"))] if number > 0 else []
    )


def carried_lines(carried: WeightsCarried) -> list[Line]:
    """What an apply did with the stored arrays."""
    parts = [f"{carried.copied:,} copied"]
    parts += [f"{carried.patched:,} patched in place"] if carried.patched else []
    fresh = carried.reinitialized
    parts += [f"{len(fresh):,} re-created by their initializers"] if fresh else []
    lines = [line(f"  {', '.join(parts)}")]
    lines += columns([_fresh(each) for each in fresh[:_LISTED]], "    ", _WIDEST)
    return lines + _more(len(fresh) - _LISTED, "re-created variable")


def _fresh(each: Reinitialized) -> list[Line]:
    new = shape_text(each.shape_after)
    old = "new" if each.shape_before is None else shape_text(each.shape_before)
    shapes = new if old == new else f"{old} → {new}"
    return [
        line(Segment(_name(each.layer, each.variable), "path")),
        line(shapes),
        line(Segment(f"seed {each.seed}", "faint")),
    ]


def state_lines(state: OptimizerStateDiff | None) -> list[Line]:
    """The section on the optimizer's state; empty where there is none."""
    if state is None:
        return []
    words = ("kept", "changed", "reset", "dropped", "added")
    counts = [f"{getattr(state, word):,} {word}" for word in words if getattr(state, word)]
    before, after = state.iterations
    if before != after:
        counts.append(f"iterations {count_text(before)} → {count_text(after)}")
    elif not counts and before is not None:
        counts.append("no slots")
    if not counts:
        return []
    lines = [line(Segment("Optimizer state", "title"), f"   {', '.join(counts)}")]
    return lines + [line(f"  {clean(reason)}") for reason in state.reasons]


def effective_lines(effective: Effective) -> list[Line]:
    """What it comes to in training; empty where nothing of that changed."""
    rows = []
    for name, counts in (
        ("trainable parameters", effective.trainable_parameters),
        ("parameters", effective.parameters),
    ):
        if counts[0] != counts[1] and None not in counts:
            rows.append(change_row(name, *map(count_text, counts)))
    alone = len(effective.learning_rates) == 1
    for rate in effective.learning_rates:
        place = line("") if alone and rate.where == "*" else line(f"for {_where(rate.where)}")
        row = AttributeChange("learning rate", rate.before, rate.after)
        rows.append([*change_cells(row), place])
        if rate.weight_decay_before != rate.weight_decay_after:
            decay = AttributeChange(
                "weight decay", rate.weight_decay_before, rate.weight_decay_after
            )
            rows.append([*change_cells(decay), place])
    for penalty in effective.regularization:
        row = AttributeChange("penalty", penalty.before, penalty.after)
        rows.append([*change_cells(row), line(f"on {_name(penalty.layer, penalty.variable)}")])
    if not rows:
        return []
    more = _more(len(rows) - 3 * _LISTED, "effective value")
    lines = columns(rows[: 3 * _LISTED], "  ", (24, 44, 0))
    return [line(Segment("In effect", "title")), *lines, *more]


def change_row(name: str, before: str, after: str) -> list[Line]:
    """A row for a change whose values are text already."""
    values = line(Segment(before, "old"), Segment(" → ", "faint"), Segment(after, "new"))
    return [line(Segment(name, "attribute")), values]


def _where(where: str) -> str:
    return "everything else" if where == "*" else clean(value_text(where).strip('"'))
