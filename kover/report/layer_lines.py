"""What became of the layers, as lines: equal changes of many layers folded into one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kover.catalogue import defaults_of
from kover.diffing.model_diff import AttributeChange, LayerDiff
from kover.diffing.report import Applied
from kover.modelconfig.keras_values import shorten
from kover.report.clean import clean
from kover.report.known import known
from kover.report.style import Line, Meaning, Segment, columns, line
from kover.report.value_text import change_text, counted
from kover.values import MISSING, Missing, same

_FOLDED_FROM = 3
_NAMED = 2
_BLOCKS = 40
_WIDEST = (30, 64, 40)
_SIGNS: dict[str, tuple[str, Meaning]] = {
    "added": ("+", "added"),
    "removed": ("-", "removed"),
    "renamed": ("~", "new"),
    "moved": ("~", "new"),
    "changed": (" ", "plain"),
}


@dataclass(frozen=True)
class _Fold:
    """One change that several layers share."""

    change: AttributeChange
    layers: tuple[LayerDiff, ...]


def layer_lines(
    layers: Sequence[LayerDiff], applied: Applied | None, *, everything: bool = False
) -> list[Line]:
    """The section on layers; empty where there is nothing to say.

    Args:
        layers: those that differ.
        applied: what an apply knows.
        everything: fold nothing and leave nothing out.
    """
    if not layers:
        return []
    if everything:
        return _all_lines(layers, applied)
    layers = [replace(layer, changes=_telling(layer)) for layer in layers]
    folds = _folds(layers)
    folded = {(layer.layer, id(change)) for fold, layer, change in _members(folds, layers) if fold}
    lines = [line(Segment("Layers", "title"), f"   {_summary(layers)}")]
    lines += _fold_lines(folds, applied)
    lines += _renamed_lines(layers)
    lines += _alone_lines([layer for layer in layers if layer.kind in ("added", "removed")])
    lines += _block_lines(layers, folded, applied)
    return lines + _drift_lines(layers)


def _telling(layer: LayerDiff) -> tuple[AttributeChange, ...]:
    """The changes; under another class without what each class takes by itself."""
    classes = next((each for each in layer.changes if each.attribute == "class_name"), None)
    if classes is None:
        return layer.changes
    old, new = (defaults_of("layer", str(name)) for name in (classes.before, classes.after))

    def goes_along(change: AttributeChange) -> bool:
        name = change.attribute
        if isinstance(change.after, Missing):
            return name in old and same(change.before, shorten(old[name]))
        return change.before is MISSING and name in new and same(change.after, shorten(new[name]))

    return tuple(change for change in layer.changes if not goes_along(change))


def _all_lines(layers: Sequence[LayerDiff], applied: Applied | None) -> list[Line]:
    """Every layer that differs, one by one."""
    lines = [line(Segment("Layers", "title"), f"   {_summary(layers)}")]
    for layer in layers:
        lines.append(_heading(layer))
        rows = [_cells(layer, change, applied) for change in layer.changes]
        lines += columns(rows, "      ", (_WIDEST[0], _WIDEST[1], 0))
    return lines


def _cells(layer: LayerDiff, change: AttributeChange, applied: Applied | None) -> list[Line]:
    return [*change_cells(change), mark(applied, layer.layer, change.attribute)]


def _drift_lines(layers: Sequence[LayerDiff]) -> list[Line]:
    """Names that Keras made up, and counted on: one quiet line."""
    drifted = [layer for layer in layers if layer.drifted]
    if not drifted:
        return []
    shown = drifted if len(drifted) <= _NAMED else drifted[:_NAMED]
    more = f", … and {len(drifted) - len(shown):,} more" if len(shown) < len(drifted) else ""
    pairs = ", ".join(map(_renaming, shown))
    names = counted(len(drifted), "automatic name")
    return [line(Segment(f"  {names} drifted: {pairs}{more}", "faint"))]


def _summary(layers: Sequence[LayerDiff]) -> str:
    counts: dict[str, int] = {}
    for layer in layers:
        if layer.changes and layer.kind in ("renamed", "moved"):
            counts["changed"] = counts.get("changed", 0) + 1
        if not layer.drifted:
            counts[layer.kind] = counts.get(layer.kind, 0) + 1
    order = ("changed", "added", "removed", "renamed", "moved")
    told = ", ".join(f"{counts[kind]:,} {kind}" for kind in order if kind in counts)
    return told or "the same"


def _key(change: AttributeChange) -> str:
    sides = [[] if isinstance(v, Missing) else [v] for v in (change.before, change.after)]
    return json.dumps([change.attribute, *sides], sort_keys=True)


def _folds(layers: Iterable[LayerDiff]) -> list[_Fold]:
    sharing: dict[str, list[tuple[AttributeChange, LayerDiff]]] = {}
    for layer in layers:
        for change in layer.changes:
            sharing.setdefault(_key(change), []).append((change, layer))
    return [
        _Fold(members[0][0], tuple(layer for _, layer in members))
        for members in sharing.values()
        if len(members) >= _FOLDED_FROM
    ]


def _members(
    folds: Sequence[_Fold], layers: Iterable[LayerDiff]
) -> Iterable[tuple[bool, LayerDiff, AttributeChange]]:
    """Every change of every layer, and whether it is in a fold."""
    keys = {_key(fold.change) for fold in folds}
    for layer in layers:
        for change in layer.changes:
            yield _key(change) in keys, layer, change


def _fold_lines(folds: Sequence[_Fold], applied: Applied | None) -> list[Line]:
    rows = []
    for fold in folds:
        where = f"in {names_text([layer.layer for layer in fold.layers])}"
        marks = [mark(applied, layer.layer, fold.change.attribute) for layer in fold.layers]
        rows.append([*change_cells(fold.change), line(where), _common(marks)])
    return columns(rows, "  ", (*_WIDEST, 0))


def names_text(names: Sequence[str]) -> str:
    """`57 layers: conv1, bn1, … and 55 more`."""
    shown = names if len(names) <= _NAMED + 1 else names[:_NAMED]
    more = f", … and {len(names) - len(shown):,} more" if len(shown) < len(names) else ""
    if len(names) == 1:
        return clean(names[0])
    return f"{counted(len(names), 'layer')}: {', '.join(map(clean, shown))}{more}"


def change_cells(change: AttributeChange) -> list[Line]:
    """Two cells: the attribute, and its values."""
    before, after = change_text(change.before, change.after)
    return [
        line(Segment(clean(change.attribute), "attribute")),
        line(Segment(before, "old"), Segment(" → ", "faint"), Segment(after, "new")),
    ]


def mark(applied: Applied | None, layer: str | None, attribute: str) -> Line:
    """Where a change comes from, and whether it was seen to take effect."""
    if applied is None:
        return line()
    source = known(applied.sources, layer, attribute)
    verified = known(applied.verified, layer, attribute)
    parts: list[Segment | str] = []
    if source is not None:
        parts.append(Segment(clean(str(source)), "faint"))
    if verified is not None:
        parts.append(Segment(" ✓", "good") if verified else Segment(" ✗", "bad"))
    return line(*parts)


def _common(marks: Sequence[Line]) -> Line:
    """One mark for several layers: the same one, or how many there are."""
    distinct = list(dict.fromkeys(marks))
    if len(distinct) == 1:
        return distinct[0]
    failed = [each for each in distinct if "✗" in each.text]
    first = (failed or distinct)[0]
    return line(
        *first.segments, Segment(f" and {counted(len(distinct) - 1, 'other place')}", "faint")
    )


def _renamed_lines(layers: Sequence[LayerDiff]) -> list[Line]:
    """Renamed or moved layers without changes, on one line for each kind."""
    lines = []
    for kind in ("renamed", "moved"):
        plain = [
            layer
            for layer in layers
            if layer.kind == kind and not layer.changes and not layer.drifted
        ]
        if plain:
            shown = plain if len(plain) <= _NAMED + 1 else plain[:_NAMED]
            pairs = ", ".join(_renaming(layer) for layer in shown)
            more = f", … and {len(plain) - len(shown):,} more" if len(shown) < len(plain) else ""
            lines.append(line(f"  {kind}   ", f"{pairs}{more}"))
    return lines


def _renaming(layer: LayerDiff) -> str:
    if layer.renamed_from is None:
        return clean(layer.layer)
    return f"{clean(layer.renamed_from)} → {clean(layer.layer)}"


def _alone_lines(layers: Sequence[LayerDiff]) -> list[Line]:
    """Layers on one side only; what an added model holds is counted, not listed."""
    outermost = [layer for layer in layers if layer.within is None]
    lines = []
    for layer in outermost[:_BLOCKS]:
        sign, meaning = _SIGNS[layer.kind]
        held = f"   with {counted(layer.holds, 'layer')} inside" if layer.holds else ""
        lines.append(
            line(
                Segment(f"{sign} {clean(layer.layer)}", meaning),
                Segment(f"   {clean(layer.class_name)}", "faint"),
                held,
            )
        )
    return lines + _left_out(len(outermost) - _BLOCKS, "added or removed layer")


def _left_out(number: int, noun: str) -> list[Line]:
    return [line(Segment(f"  … and {counted(number, noun)} more", "faint"))] if number > 0 else []


def _block_lines(
    layers: Sequence[LayerDiff], folded: set[tuple[str, int]], applied: Applied | None
) -> list[Line]:
    """A heading for each layer with changes of its own, and those changes."""
    blocks = []
    for layer in layers:
        own = [each for each in layer.changes if (layer.layer, id(each)) not in folded]
        if own:
            blocks.append((layer, own))
    lines: list[Line] = []
    for layer, own in blocks[:_BLOCKS]:
        lines.append(_heading(layer))
        rows = [[*change_cells(each), mark(applied, layer.layer, each.attribute)] for each in own]
        lines += columns(rows, "      ", (_WIDEST[0], _WIDEST[1], 0))
    return lines + _left_out(len(blocks) - _BLOCKS, "changed layer")


def _heading(layer: LayerDiff) -> Line:
    sign, meaning = _SIGNS["changed" if layer.drifted else layer.kind]
    parts: list[Segment | str] = [Segment(f"{sign} ", meaning)]
    if layer.renamed_from is not None and not layer.drifted:
        parts += [Segment(clean(layer.renamed_from), "faint"), Segment(" → ", "faint")]
    parts += [
        Segment(clean(layer.layer), "path"),
        Segment(f"   {clean(layer.class_name)}", "faint"),
    ]
    if layer.drifted:
        parts.append(Segment(f"   was {clean(str(layer.renamed_from))}", "faint"))
    if layer.kind == "moved":
        parts.append(Segment("   moved", "faint"))
    return line(*parts)
