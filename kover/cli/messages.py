"""Problems and failures on standard error."""

from __future__ import annotations

import sys
import traceback as tb
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import click

from kover import __version__
from kover.cli.process import discard_stdout
from kover.errors import KoverError
from kover.problems import Problem
from kover.report.clean import clean
from kover.report.problems_text import lines_of, problems_text, split_lines, wants_colour

BUG: Final = 70
COULD_NOT: Final = 2
_PAGES: Final = 4


def print_problems(
    problems: Iterable[Problem], texts: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Print problems on standard error.

    Args:
        problems: in the order in which they are shown.
        texts: the lines of places that are no files, such as `--set`.
    """
    listed = tuple(problems)
    if not listed or sys.stderr is None:
        return

    def lines(path: str) -> Sequence[str] | None:
        return texts[path] if texts and path in texts else _lines(path)

    colour = wants_colour(sys.stderr.isatty())
    with suppress(OSError):
        click.echo(problems_text(listed, lines, colour), err=True, nl=False, color=colour)
        click.echo(_read_on(listed), err=True, nl=False)


def _read_on(problems: Sequence[Problem]) -> str:
    """Where more is said of the problems; once for all of them."""
    from kover.explain.reading import codes

    known = set(codes())
    found = [code for code in dict.fromkeys(p.code for p in problems) if code in known]
    return f"more: kover explain {' '.join(found[:_PAGES])}\n" if found else ""


def print_failure(error: Exception, traceback: bool) -> int:
    """Print what ended a command, and return the exit code.

    Args:
        error: a `KoverError`, or anything that should not have happened.
        traceback: whether to print the whole traceback of the latter.
    """
    if isinstance(error, KoverError):
        print_problems(error.problems)
        return error.exit_code
    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        code, rows = COULD_NOT, ["kover: error[out-of-memory]: there is not enough memory"]
    elif isinstance(error, OSError):
        discard_stdout()  # it may be what failed: a full disk behind it
        reason = clean(str(error.strerror or error))
        named = f": {clean(str(error.filename))}" if error.filename is not None else ""
        code, rows = COULD_NOT, [f"kover: error[system]: {reason.lower()}{named}"]
    else:
        code, rows = BUG, _bug_report(error)
    if traceback:
        whole = "".join(tb.format_exception(error)).splitlines()
        rows = [*(clean(row, 1000) for row in whole), *rows]
    with suppress(OSError):
        click.echo("\n".join(rows), err=True)
    return code


def _bug_report(error: Exception) -> list[str]:
    frames = tb.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    place = f"{last.filename}:{last.lineno} in {last.name}" if last else "kover"
    return [
        f"kover: internal error: {type(error).__name__}: {clean(str(error))}",
        f"  at {clean(place)}",
        "  help: this is a bug in kover; nothing was written. Please report the command line, the "
        f"output with KOVER_TRACEBACK=1, and the versions: kover {__version__}, "
        f"Python {sys.version.split()[0]}",
    ]


def _lines(path: str) -> Sequence[str] | None:
    if path != "-":
        return lines_of(path)
    from kover.spec.files import stdin_bytes

    return split_lines(stdin_bytes())
