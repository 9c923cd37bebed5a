"""One layer of a model, its whole config in the form that a spec takes."""

from __future__ import annotations

import json
from collections.abc import Iterable

from kover.report.clean import clean
from kover.report.diff_text import section
from kover.report.show_text import finding_lines, shape_of
from kover.report.style import ConsoleOptions, Line, Segment, columns, line, render_lines
from kover.report.value_text import count_text, counted, shape_text
from kover.showing.model import LayerDetail
from kover.values import JSON
from kover.yaml_text import flow

_LISTED = 40


def render_layer(detail: LayerDetail, options: ConsoleOptions | None = None) -> str:
    """The text, each line ended."""
    return render_lines(layer_detail_lines(detail), options or ConsoleOptions())


def layer_detail_lines(detail: LayerDetail) -> list[Line]:
    """The layer, its config, what it stores and what it holds."""
    layer = detail.layer
    parts = [
        clean(layer.class_name),
        shape_of(layer),
        "" if not layer.parameters else f"{count_text(layer.parameters)} parameters",
        "" if layer.trainable else "frozen",
        f"in {clean(detail.facts.path, 1000)}",
    ]
    lines = [
        line(Segment(clean(layer.path), "title")),
        line(Segment(f"  {' · '.join(part for part in parts if part)}", "faint")),
    ]
    lines += section(_config(detail))
    lines += section(_arrays(detail))
    lines += section(_listed("Fed by", layer.inputs))
    lines += section(_listed("Holds", detail.held))
    return lines + section(finding_lines(detail.findings))


def _config(detail: LayerDetail) -> list[Line]:
    rows = [
        [
            line(Segment(f"{attribute}:", "attribute")),
            line(value),
            line(Segment("# the default" if default else "", "faint")),
        ]
        for attribute, value, default in config_rows(detail)
    ]
    return [line(Segment("Config", "title")), *columns(rows, "  ", (28, 64, 0))]


def config_rows(detail: LayerDetail) -> Iterable[tuple[str, str, bool]]:
    """Attribute and value as YAML, and whether the value is the class's default."""
    for attribute, value in detail.config.items():
        yield _yaml(attribute), _yaml(value), attribute in detail.defaults


def _yaml(value: JSON) -> str:
    try:
        return clean(flow(value), 2000)
    except ValueError:  # NaN and the like have no YAML in a spec, and configs may hold them
        return clean(json.dumps(value), 2000)


def _arrays(detail: LayerDetail) -> list[Line]:
    arrays = detail.layer.arrays
    if not arrays:
        return []
    rows = [
        [line(clean(each.variable)), line(shape_text(each.shape)), line(clean(each.dtype))]
        for each in arrays[:_LISTED]
    ]
    more = len(arrays) - _LISTED
    left_out = [line(f"  … and {counted(more, 'more array')}")] if more > 0 else []
    return [line(Segment("Stores", "title")), *columns(rows, "  ", (40, 30, 0)), *left_out]


def _listed(title: str, paths: tuple[str, ...]) -> list[Line]:
    if not paths:
        return []
    shown = ", ".join(clean(path) for path in paths[:_LISTED])
    more = f", … and {len(paths) - _LISTED:,} more" if len(paths) > _LISTED else ""
    return [line(Segment(title, "title"), f"   {shown}{more}")]
