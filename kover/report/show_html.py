"""What is in a model, as one HTML page with its graph; or one layer."""

from __future__ import annotations

from typing import Any

from kover.report.graph_view import GraphLayer, graph_view
from kover.report.html_page import render_page
from kover.report.show_layer import config_rows
from kover.report.show_text import (
    compile_rows,
    parameters_text,
    provenance_rows,
    settings_text,
    shape_of,
)
from kover.report.value_text import count_text, counted, shape_text, size_text, value_text
from kover.showing.model import LayerDetail, LayerShown, ModelShown

_WORDS = {"danger": ("!", "can run code"), "custom": ("*", "custom class")}


def shown_html(shown: ModelShown) -> str:
    """The page of a model.

    Raises:
        UsageError: `missing-extra` where the packages for HTML are not installed.
    """
    facts = shown.facts
    odd = {each.where: each.severity for each in reversed(shown.findings)}
    layers = [_drawn(layer, odd.get(layer.path)) for layer in shown.layers]
    parts = [
        f"{facts.class_name} {facts.name}".strip(),
        counted(facts.layer_count, "layer"),
        f"Keras {facts.keras_version}" if facts.keras_version else "",
        "" if facts.size_bytes is None else size_text(facts.size_bytes),
    ]
    return render_page(
        "show.html",
        {
            "title": facts.path.rpartition("/")[2] or facts.path,
            "path": facts.path,
            "facts": " · ".join(part for part in parts if part),
            "verdict": parameters_text(shown),
            "graph": graph_view(layers),
            "differs": "is custom",
            "quiet": "",
            "legend": [
                {"status": status, "sign": sign, "word": word}
                for status, (sign, word) in _WORDS.items()
                if status in odd.values()
            ],
            "list_title": "Custom objects and code",
            "steps": [
                {
                    "id": place,
                    "path": each.path,
                    "status": each.status,
                    "sign": each.sign,
                    "note": each.class_name,
                }
                for place, each in enumerate(layers)
                if each.sign
            ],
            "findings": shown.findings,
            "notes": [
                ("Compile", [list(row) for row in compile_rows(shown)]),
                ("Made by kover", [list(row) for row in provenance_rows(shown)]),
                (
                    "Other files in the archive",
                    [[name, size_text(size)] for name, size in shown.files],
                ),
                ("Warnings", [[each.code, each.message] for each in shown.warnings]),
            ],
            "layers": [_row(layer) for layer in shown.layers],
        },
    )


def layer_html(detail: LayerDetail) -> str:
    """The page of one layer.

    Raises:
        UsageError: `missing-extra` where the packages for HTML are not installed.
    """
    layer = detail.layer
    parts = [
        layer.class_name,
        shape_of(layer),
        f"{count_text(layer.parameters)} parameters" if layer.parameters else "",
        "" if layer.trainable else "frozen",
        f"in {detail.facts.path}",
    ]
    arrays = [(each.variable, shape_text(each.shape), each.dtype) for each in layer.arrays]
    return render_page(
        "layer.html",
        {
            "title": layer.path,
            "layer": layer.path,
            "facts": " · ".join(part for part in parts if part),
            "graph": graph_view(()),
            "findings": detail.findings,
            "config": list(config_rows(detail)),
            "arrays": arrays,
            "around": [("Fed by", layer.inputs), ("Holds", detail.held)],
        },
    )


def _drawn(layer: LayerShown, severity: str | None) -> GraphLayer:
    sign, word = _WORDS.get(severity or "", ("", ""))
    shape = shape_of(layer)
    return GraphLayer(
        layer.path,
        layer.name,
        layer.class_name,
        f"{layer.class_name} {shape}".strip(),
        layer.parent,
        layer.inputs,
        (),
        severity or "equal",
        sign,
        word,
    )


def _row(layer: LayerShown) -> dict[str, Any]:
    return {
        "path": layer.path,
        "class_name": layer.class_name,
        "shape": shape_of(layer),
        "parameters": count_text(layer.parameters) if layer.parameters else "",
        "frozen": "" if layer.trainable else "frozen",
        "settings": settings_text(layer.settings),
        "pairs": [(name, value_text(value)) for name, value in layer.settings.items()],
        "arrays": [(each.variable, shape_text(each.shape), each.dtype) for each in layer.arrays],
    }
