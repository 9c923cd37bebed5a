"""`kover diff BEFORE AFTER`: what differs between two models?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kover.cli.messages import print_problems

if TYPE_CHECKING:
    from kover.diffing.report import Report

_HELP = """Show what differs between two .keras models, without Keras.

Layers and their attributes, compile settings with the learning rate that a load would give,
weights, optimizer state, other files. Object ids, dates and float32 digits are no differences.

\b
  kover diff before.keras after.keras
  kover diff --exit-code -q model.keras rebuilt.keras && echo the same

Exit code: 0 compared, 1 they differ (with --exit-code), 2 unreadable.
"""


@click.command("diff", help=_HELP, no_args_is_help=True)
@click.argument("before")
@click.argument("after")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to print the answer.",
)
@click.option("--exit-code", is_flag=True, help="Exit 1 if they differ, as diff(1) does.")
@click.option("--no-weights", is_flag=True, help="Leave stored values and optimizer state out.")
@click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
def command(before: str, after: str, format_: str, **flags: bool) -> int:
    """Compare two models; see `_HELP`."""
    from kover.archive.reader import open_archive
    from kover.diffing.compare import compare_archives
    from kover.diffing.report import Report

    with open_archive(before) as one, open_archive(after) as other:
        found = compare_archives(one, other, not flags["no_weights"], digests=format_ == "json")
    report = Report(found)
    if flags["quiet"]:
        print_problems(report.warnings)
    else:
        click.echo(_text(report, format_), nl=False, color=True)
    return int(flags["exit_code"] and not found.identical)


def _text(report: Report, format_: str) -> str:
    if format_ == "json":
        from kover.report.diff_json import dumps

        return dumps(report)
    from kover.report.diff_text import render
    from kover.report.style import options_for

    return render(report, options_for(sys.stdout))
