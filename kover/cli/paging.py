"""Results on standard output: through a pager where they are longer than the screen."""

from __future__ import annotations

import os
import shutil
import sys

import click


def print_result(text: str, *, pages: bool) -> None:
    """Print what a command found.

    Args:
        text: with a line end after every line.
        pages: whether a person reads it; data is never paged.
    """
    if pages and _is_long(text):
        os.environ.setdefault("LESS", "FRX")  # as git does: keep colours, end if it fits
        click.echo_via_pager(text, color=True)
    else:
        click.echo(text, nl=False, color=True)


def _is_long(text: str) -> bool:
    """Whether a terminal shows less than all of it; a pipe shows everything."""
    if not (sys.stdout.isatty() and sys.stdin is not None and sys.stdin.isatty()):
        return False
    if os.environ.get("TERM") == "dumb":
        return False
    return text.count("\n") >= shutil.get_terminal_size().lines
