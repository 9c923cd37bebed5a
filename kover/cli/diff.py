"""`kover diff BEFORE AFTER`: what differs between two models?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kover.cli.messages import print_problems
from kover.cli.options import FILE, limits_option
from kover.cli.paging import print_result

if TYPE_CHECKING:
    from kover.diffing.comparing import Compared
    from kover.diffing.report import Report

_HELP = """Show what differs between two .keras models, without Keras.

Layers and their attributes, compile settings with the learning rate that a load would give,
weights, optimizer state, other files. Object ids, dates and float32 digits are no differences.
Either side may also be a .weights.h5 file; then weights and optimizer state are all there is.

\b
  kover diff before.keras after.keras
  kover diff before.keras after.keras --format html > diff.html
  kover diff before.keras after.keras --format spec > before-to-after.yaml
  kover diff --exit-code -q model.keras rebuilt.keras && echo the same

Exit code: 0 compared, 1 they differ (with --exit-code), 2 unreadable.
"""


@click.command("diff", help=_HELP, no_args_is_help=True)
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "markdown", "html", "spec"]),
    default="text",
    help="How to print the answer. spec: what turns BEFORE into AFTER, as far as a spec can.",
)
@click.option("--all", "everything", is_flag=True, help="Leave nothing out; list what is equal.")
@click.option("--stat", is_flag=True, help="One line for each layer that differs.")
@click.option("--exit-code", is_flag=True, help="Exit 1 if they differ, as diff(1) does.")
@click.option("--no-weights", is_flag=True, help="Leave stored values and optimizer state out.")
@click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
@limits_option
def command(before: str, after: str, format_: str, **flags: bool) -> int:
    """Compare two models; see `_HELP`."""
    from kover.cli.progress import progress
    from kover.diffing.comparing import Wanted, compare_files

    if format_ != "text" and (flags["everything"] or flags["stat"]):
        raise click.UsageError("--all and --stat go with --format text")
    if flags["everything"] and flags["stat"]:
        raise click.UsageError("--all and --stat contradict each other")
    wanted = Wanted(
        weights=not flags["no_weights"],
        digests=format_ in ("json", "html", "markdown"),
        histograms=format_ == "html",
    )
    with progress((before, after)) as advance:
        compared = compare_files(before, after, wanted, advance)
    if flags["quiet"]:
        print_problems(compared.report.warnings)
    else:
        print_result(_text(compared, format_, flags), pages=format_ == "text")
    return int(flags["exit_code"] and not compared.report.diff.identical)


def _text(compared: Compared, format_: str, flags: dict[str, bool]) -> str:
    if format_ == "spec":
        return _spec(compared)
    if format_ != "text":
        return data_text(compared.report, format_)
    from kover.report.style import options_for

    options = options_for(sys.stdout)
    if flags["stat"]:
        from kover.report.diff_stat import render_stat

        return render_stat(compared.report, options)
    from kover.report.diff_text import render

    return render(compared.report, options, everything=flags["everything"])


def _spec(compared: Compared) -> str:
    from kover.drafting.from_diff import spec_from_diff

    trees = compared.trees()
    if trees is None:
        raise click.UsageError("a spec needs two .keras models: weights alone have no settings")
    print_problems(compared.report.warnings)
    return spec_from_diff(compared.report.diff, *trees).text


def data_text(report: Report, format_: str) -> str:
    """A report as `json`, `markdown` or `html`."""
    if format_ == "json":
        from kover.report.diff_json import dumps

        return dumps(report)
    if format_ == "markdown":
        from kover.report.diff_markdown import report_markdown

        return report_markdown(report)
    from kover.report.diff_html import report_html

    return report_html(report)
