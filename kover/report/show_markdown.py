"""What is in a model, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from kover.report.markdown import Page, code, plain
from kover.report.show_layer import config_rows
from kover.report.show_text import (
    compile_rows,
    parameters_text,
    provenance_rows,
    settings_text,
    shape_of,
)
from kover.report.value_text import count_text, shape_text, size_text
from kover.showing.model import Finding, LayerDetail, ModelShown

_LAYERS = ("layer", "class", "output shape", "parameters", "", "settings")


def shown_markdown(shown: ModelShown) -> str:
    """The Markdown of a model, under 60,000 characters."""
    facts, page = shown.facts, Page()
    page.add(f"### {code(facts.path, 300)}", "")
    parts = [
        code(f"{facts.class_name} {facts.name}".strip()),
        f"{facts.layer_count:,} layers",
        plain(parameters_text(shown)),
        f"Keras {code(facts.keras_version)}" if facts.keras_version else "",
        "" if facts.size_bytes is None else size_text(facts.size_bytes),
    ]
    page.add(" · ".join(part for part in parts if part), "")
    findings(page, shown.findings)
    page.table("Compile", ("setting", "value"), _pairs(compile_rows(shown)), is_open=True)
    page.table("Made by kover", ("", ""), _pairs(provenance_rows(shown)))
    page.table("Layers", _LAYERS, _layers(shown), is_open=True)
    for problem in shown.warnings:
        page.add(f"- **{problem.code}** {plain(problem.message)}")
    return page.text


def layer_markdown(detail: LayerDetail) -> str:
    """The Markdown of one layer."""
    layer, page = detail.layer, Page()
    page.add(f"### {code(layer.path, 300)}", "")
    page.add(
        f"{code(layer.class_name)} in {code(detail.facts.path, 300)} {code(shape_of(layer))}", ""
    )
    findings(page, detail.findings)
    rows = [
        [code(attribute), code(value, 1000), "default" if default else ""]
        for attribute, value, default in config_rows(detail)
    ]
    page.table("Config", ("attribute", "value", ""), rows, is_open=True)
    arrays = [
        [code(each.variable), code(shape_text(each.shape)), code(each.dtype)]
        for each in layer.arrays
    ]
    page.table("Stores", ("variable", "shape", "dtype"), arrays, is_open=True)
    return page.text


def findings(page: Page, found: Iterable[Finding]) -> None:
    """Custom objects and code, in view."""
    rows = [
        [f"**{each.severity}**", code(each.what), code(each.where or "the model"), plain(each.why)]
        for each in found
    ]
    page.table("Custom objects and code", ("", "what", "in", "why"), rows, is_open=True)


def _pairs(rows: Iterable[tuple[str, str]]) -> list[list[str]]:
    return [[plain(name), code(text)] for name, text in rows]


def _layers(shown: ModelShown) -> Iterable[list[str]]:
    for layer in shown.layers:
        yield [
            code(layer.path),
            code(layer.class_name),
            code(shape_of(layer)),
            count_text(layer.parameters) if layer.parameters else "",
            "" if layer.trainable else "frozen",
            code(settings_text(layer.settings), 600),
        ]
