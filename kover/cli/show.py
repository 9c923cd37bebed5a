"""`kover show MODEL [LAYER]`: what is in a model?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kover.cli.options import FILE, limits_option
from kover.cli.paging import print_result

if TYPE_CHECKING:
    from kover.showing.model import LayerDetail, ModelShown

_HELP = """Show what is in a .keras model, without Keras.

Its layers with class, output shape, parameters and the settings that matter; how it is compiled,
with the learning rate that a load would give; custom objects and code in it; what made it.
With LAYER, a path or a name, that layer's whole config in the form that specs take.

\b
  kover show resnet50.keras
  kover show resnet50.keras backbone/conv1

Exit code: 0 shown, 2 unreadable, or no such layer.
"""


@click.command("show", help=_HELP, no_args_is_help=True)
@click.argument("model", type=FILE)
@click.argument("layer", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "markdown", "html"]),
    default="text",
    help="How to print it.",
)
@limits_option
def command(model: str, layer: str | None, format_: str) -> int:
    """Show a model or a layer; see `_HELP`."""
    from kover.archive.reader import open_archive
    from kover.showing.collect import show_archive, show_layer

    with open_archive(model) as archive:
        if layer is not None:
            detail = show_layer(archive, layer)
            text = _layer_text(detail, format_)
        else:
            shown = show_archive(archive)
            text = _text(shown, format_)
    print_result(text, pages=format_ == "text")
    return 0


def _text(shown: ModelShown, format_: str) -> str:
    if format_ == "json":
        from kover.report.show_json import shown_json

        return shown_json(shown)
    if format_ == "markdown":
        from kover.report.show_markdown import shown_markdown

        return shown_markdown(shown)
    if format_ == "html":
        from kover.report.show_html import shown_html

        return shown_html(shown)
    from kover.report.show_text import render_shown
    from kover.report.style import options_for

    return render_shown(shown, options_for(sys.stdout))


def _layer_text(detail: LayerDetail, format_: str) -> str:
    if format_ == "json":
        from kover.report.show_json import layer_json

        return layer_json(detail)
    if format_ == "markdown":
        from kover.report.show_markdown import layer_markdown

        return layer_markdown(detail)
    if format_ == "html":
        from kover.report.show_html import layer_html

        return layer_html(detail)
    from kover.report.show_layer import render_layer
    from kover.report.style import options_for

    return render_layer(detail, options_for(sys.stdout))
