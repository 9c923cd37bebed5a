"""Problems as text: the place, what is wrong, the line with a caret, and what to do.

    spec.yaml:9:13: error[unknown-layer]: no layer matches 'dens_1'
        9 |       name: dens_1
          |             ^^^^^^
      help: did you mean 'dense_1'?

Plain text, or with ANSI colours; the terminal package is not needed for this.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from kover.problems import Problem, Severity
from kover.report.clean import ELLIPSIS, clean, escape_unprintable
from kover.source import Source

Lines = Callable[[str], Sequence[str] | None]
"""The lines of a file, or None where they cannot be had."""

_MESSAGE: Final = 2000
_WIDTH: Final = 100
_LEAD: Final = 30
_WINDOW: Final = 4 * _WIDTH  # characters of a line that are looked at: one may have a megabyte
_TAB: Final = "    "
_MOST_BYTES: Final = 1 << 20
_LINE_END = re.compile(r"\r\n|\r|\n")
_COLOURS: Final[dict[Severity, str]] = {"error": "31", "warning": "33", "note": "36"}


def problems_text(
    problems: Iterable[Problem], lines: Lines | None = None, colour: bool = False
) -> str:
    """The problems as lines of text, each ended.

    Args:
        problems: in the order in which they are shown.
        lines: gives the lines of a file; by default each file is read once, when needed.
        colour: whether to use ANSI colours.
    """
    remembered: dict[str, Sequence[str] | None] = {}

    def once(path: str) -> Sequence[str] | None:
        if path not in remembered:
            remembered[path] = (lines or lines_of)(path)
        return remembered[path]

    return "".join(f"{row}\n" for problem in problems for row in _rows(problem, once, colour))


def lines_of(path: str) -> Sequence[str] | None:
    """The lines of a text file, or None when it is not to be had."""
    try:
        file = Path(path)
        if not stat.S_ISREG(file.stat().st_mode) or file.stat().st_size > _MOST_BYTES:
            return None
        return split_lines(file.read_bytes())
    except (OSError, ValueError):
        return None


def split_lines(data: bytes) -> Sequence[str]:
    """Lines as places count them: no other character than CR and LF ends a line."""
    return _LINE_END.split(data.decode("utf-8-sig", "replace"))


def _rows(problem: Problem, lines: Lines, colour: bool) -> Iterator[str]:
    code = _COLOURS[problem.severity]
    place = clean(str(problem.source), _MESSAGE) if problem.source else "kover"
    label = _painted(f"{problem.severity}[{problem.code}]", f"1;{code}", colour)
    yield f"{place}: {label}: {clean(problem.message, _MESSAGE)}"
    if problem.source is not None:
        yield from _snippet(problem.source, lines, code if colour else None)
    for other in problem.related:
        yield f"  see also: {clean(str(other), _MESSAGE)}"
    if problem.help:
        yield f"  {_painted('help', '1', colour)}: {clean(problem.help, _MESSAGE)}"


def _snippet(source: Source, lines: Lines, colour: str | None) -> Iterator[str]:
    """The line that the source names, and the caret under it."""
    if source.line is None:
        return
    found = lines(source.path)
    if found is None or not 1 <= source.line <= len(found):
        return
    text = found[source.line - 1]
    start = min((source.column or 1) - 1, len(text))
    end = min(max(source.end_column or 0, start + 2) - 1, max(len(text), start + 1))
    if not text.strip():
        return
    is_long = len(text) > _WINDOW or _width(text) > _WIDTH
    is_late = start > _WIDTH - _LEAD or _width(text[:start]) > _WIDTH - _LEAD
    cut = max(start - _LEAD, 0) if is_long and is_late else 0
    before = (ELLIPSIS if cut else "") + _display(text[cut:start])
    marked = _display(text[start : min(end, start + _WINDOW)])
    after = _display(text[end : end + _WINDOW])
    shown = _fitted(before + marked + after)
    room = max(_width(shown) - _width(before), 1)
    caret = "^" * max(min(_width(marked), room), 1)
    if colour:
        caret = _painted(caret, f"1;{colour}", True)
    yield f"{source.line:>5} | {shown}".rstrip()
    yield f"      | {' ' * _width(before)}{caret}"


def _display(text: str) -> str:
    return escape_unprintable(text.replace("\t", _TAB))


def _fitted(text: str) -> str:
    """`text`, cut to the width of a line."""
    if _width(text) <= _WIDTH:
        return text
    used, kept = 0, []
    for char in text:
        used += _cells(char)
        if used >= _WIDTH:
            break
        kept.append(char)
    return "".join(kept) + ELLIPSIS


def _width(text: str) -> int:
    """The terminal cells that `text` takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _painted(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text


def wants_colour(is_terminal: bool) -> bool:
    """Whether text for a terminal should be coloured, as the environment says."""
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
