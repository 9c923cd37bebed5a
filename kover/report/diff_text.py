"""A report as text that people like to read: one screen for what usually changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kover.diffing.model_diff import (
    ArchiveFacts,
    AssetChange,
    AttributeChange,
    ModelDiff,
    WeightsDiff,
)
from kover.diffing.report import Applied, Reinitialized, Report, Verification
from kover.problems import Problem
from kover.report.clean import clean
from kover.report.layer_lines import change_cells, layer_lines, mark
from kover.report.style import ConsoleOptions, Line, Segment, columns, line, render_lines
from kover.report.value_text import counted, size_text
from kover.report.weight_lines import carried_lines, effective_lines, state_lines, weight_lines

_LONGEST_PATH = 1000
_NO_LAYERS = frozenset({"0"})


def render(
    report: Report, options: ConsoleOptions | None = None, *, everything: bool = False
) -> str:
    """The text of a report, each line ended.

    Args:
        report: what was found.
        options: what the output can show.
        everything: leave nothing out, and list what is equal as well.
    """
    return render_lines(report_lines(report, everything), options or ConsoleOptions())


def report_lines(report: Report, everything: bool = False) -> list[Line]:
    """The whole report."""
    diff = report.diff
    equal = section(_equal_lines(diff)) if everything else []
    if diff.identical and report.applied is None:
        quiet = [*section(metadata_lines(diff)), *equal, *warnings(report.warnings)]
        return [*_identical(diff), *quiet]
    lines = header(diff.before, diff.after)
    for part in sections(report, everything):
        lines += section(part)
    return [*lines, *equal, *warnings(report.warnings)]


def _equal_lines(diff: ModelDiff) -> list[Line]:
    """The layers of which nothing changed."""
    touched = {layer.layer for layer in diff.layers}
    touched |= {each.layer for each in (diff.weights.changed if diff.weights else ()) if each.layer}
    equal = [each for each in diff.outline if each.path not in touched and not each.removed]
    if not equal:
        return []
    rows = [
        [line(clean(each.path)), line(Segment(clean(each.class_name), "faint"))] for each in equal
    ]
    title = line(Segment("Equal", "title"), f"   {counted(len(equal), 'layer')}")
    return [title, *columns(rows, "  ", (64, 0))]


def sections(report: Report, everything: bool = False) -> Iterable[list[Line]]:
    """What changed, section by section; empty ones are left out by the caller."""
    diff, applied = report.diff, report.applied
    yield layer_lines(diff.layers, applied, everything=everything)
    yield change_lines("Model", diff.model, applied, "")
    yield change_lines("Compile", diff.compile, applied)
    carried = applied.weights if applied else None
    yield [
        *_weights(diff, carried.reinitialized if carried else (), everything),
        *(carried_lines(carried) if carried else ()),
    ]
    yield state_lines(report.optimizer_state)
    yield effective_lines(report.effective)
    yield _assets(diff.assets)
    yield [] if applied else metadata_lines(diff)  # an apply always leaves its own mark there
    yield verification_lines(applied.verification) if applied else []


def section(lines: Sequence[Line]) -> list[Line]:
    """The lines of a section after an empty one, or nothing if there are none."""
    return [line(), *lines] if lines else []


def _identical(diff: ModelDiff) -> list[Line]:
    what = f"{_model(diff.before)}, {counted(diff.before.layer_count, 'layer')}"
    weights = diff.weights
    if weights is None:
        what += ", weights not compared"
    elif weights.compared:
        what += f", {counted(weights.compared, 'array')}"
    state = diff.optimizer_state
    if state is not None and state.kept:
        what += f", {counted(state.kept, 'optimizer slot')}"
    return [
        line(
            Segment("identical", "good"),
            f": {_path(diff.before)} and {_path(diff.after)}",
            Segment(f"   {what}", "faint"),
        )
    ]


def header(before: ArchiveFacts, after: ArchiveFacts) -> list[Line]:
    """Which two archives, and what they are."""
    layers = _both(f"{before.layer_count:,}", f"{after.layer_count:,}")
    facts = [
        _models(before, after),
        "" if layers in _NO_LAYERS else f"{layers} layer{'' if layers == '1' else 's'}",
        _keras(before, after),
        _both(_size(before), _size(after)),
    ]
    return [
        line(
            Segment(_path(before), "title"),
            Segment(" → ", "faint"),
            Segment(_path(after), "title"),
        ),
        line(Segment(f"  {' · '.join(fact for fact in facts if fact)}", "faint")),
    ]


def _both(before: str, after: str) -> str:
    return before if before == after else f"{before or 'unknown'} → {after or 'unknown'}"


def _path(facts: ArchiveFacts) -> str:
    return clean(facts.path, _LONGEST_PATH)


def _model(facts: ArchiveFacts) -> str:
    return f"{clean(facts.class_name)} {clean(facts.name)}".strip()


def _models(before: ArchiveFacts, after: ArchiveFacts) -> str:
    if before.class_name != after.class_name:
        return _both(_model(before), _model(after))
    return f"{clean(before.class_name)} {_both(clean(before.name), clean(after.name))}"


def _keras(before: ArchiveFacts, after: ArchiveFacts) -> str:
    versions = _both(clean(before.keras_version or ""), clean(after.keras_version or ""))
    return f"Keras {versions}" if versions else ""


def _size(facts: ArchiveFacts) -> str:
    return "" if facts.size_bytes is None else size_text(facts.size_bytes)


def change_lines(
    title: str, changes: Sequence[AttributeChange], applied: Applied | None, of: str | None = None
) -> list[Line]:
    """A section with one line for each change; `of` is "" for what is the model's own."""
    if not changes:
        return []
    rows = [[*change_cells(each), mark(applied, of, each.attribute)] for each in changes]
    return [line(Segment(title, "title")), *columns(rows, "  ", (40, 80, 0))]


def _weights(
    diff: ModelDiff, fresh: Sequence[Reinitialized], everything: bool = False
) -> list[Line]:
    """What became of the weights; arrays that an apply re-created are listed as such."""
    if diff.weights == WeightsDiff():
        return []
    alone = {layer.layer for layer in diff.layers if layer.kind in ("added", "removed")}
    if everything:
        return weight_lines(diff.weights, limit=None)
    listed = {(each.layer, each.variable) for each in fresh}
    weights = diff.weights
    if weights is not None and listed:
        rest = [each for each in weights.changed if (each.layer, each.variable) not in listed]
        return weight_lines(weights, alone, rest)
    return weight_lines(weights, alone)


def _assets(assets: Sequence[AssetChange]) -> list[Line]:
    if not assets:
        return []
    rows = [[line(clean(each.name)), line(each.kind), line(each.detail)] for each in assets]
    title = line(Segment("Other files in the archive", "title"))
    return [title, *columns(rows, "  ", (48, 8, 0))]


def metadata_lines(diff: ModelDiff) -> list[Line]:
    """What the metadata tells beyond the Keras version, which the header has."""
    told = [change for change in diff.metadata if change.attribute != "keras_version"]
    return change_lines("Metadata", told, None)


def verification_lines(verification: Verification) -> list[Line]:
    """What was verified, and what was found."""
    if verification.level == "none":
        return [line(Segment("Verified", "title"), "   nothing (--verify none)")]
    rows = []
    for check in verification.checks:
        sign = Segment("✓", "good") if check.ok else Segment("✗", "bad")
        rows.append(
            [line(sign, f" {clean(check.name)}"), line(Segment(clean(check.detail), "faint"))]
        )
    return [
        line(Segment("Verified", "title"), f"   by {clean(verification.level)}"),
        *columns(rows, "  ", (48, 0)),
    ]


def warnings(problems: Sequence[Problem]) -> list[Line]:
    """The warnings, each at its place."""
    lines: list[Line] = []
    for problem in problems:
        place = f"{clean(str(problem.source), _LONGEST_PATH)}: " if problem.source else ""
        label = Segment(f"{problem.severity}[{problem.code}]", "warning")
        lines.append(line(place, label, f": {clean(problem.message, _LONGEST_PATH)}"))
        if problem.help:
            lines.append(line(Segment("  help", "help"), f": {clean(problem.help, _LONGEST_PATH)}"))
    return section(lines)
