"""Lines with styles: layout is written once, and rendered plain or for a terminal.

A report is a list of lines, a line a list of segments, a segment a piece of text and what it
means (`old`, `new`, `path`, ...). Plain output needs no rich; a terminal gets colours from it.
Whoever makes a segment from outside text cleans it first (`kover.report.clean`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Meaning = Literal[
    "plain",
    "title",
    "path",
    "attribute",
    "old",
    "new",
    "added",
    "removed",
    "good",
    "bad",
    "warning",
    "faint",
    "caret",
    "help",
]

_COLOURS: dict[Meaning, str] = {
    "plain": "",
    "title": "bold",
    "path": "bold cyan",
    "attribute": "",
    "old": "red",
    "new": "green",
    "added": "bold green",
    "removed": "bold red",
    "good": "green",
    "bad": "bold red",
    "warning": "bold yellow",
    "faint": "bright_black",
    "caret": "bold red",
    "help": "cyan",
}

_ASCII = str.maketrans(
    {"→": "->", "✓": "ok", "✗": "FAILED", "·": "-", "…": "...", "Δ": "delta", "≥": ">="}
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a line."""

    text: str
    meaning: Meaning = "plain"


@dataclass(frozen=True, slots=True)
class Line:
    """One line, without the line end."""

    segments: tuple[Segment, ...] = ()

    @property
    def text(self) -> str:
        """The line without its styles."""
        return "".join(segment.text for segment in self.segments).rstrip()


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """What the output can show.

    Attributes:
        color: a terminal that shows colours.
        width: in columns; only a terminal has one worth keeping to.
        ascii: the output cannot encode arrows and check marks.
        terminal: a person is looking, so tables are cut to the width.
    """

    color: bool = False
    width: int = 100
    ascii: bool = False
    terminal: bool = False


class Stream(Protocol):
    """What `options_for` asks of a text stream."""

    @property
    def encoding(self) -> str | None:
        """The name of the encoding."""

    def isatty(self) -> bool:
        """Whether a person is looking."""


def options_for(stream: Stream) -> ConsoleOptions:
    """What `stream` can show: colours on a terminal only, and not under `NO_COLOR`."""
    terminal = stream.isatty()
    color = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return ConsoleOptions(color, _width() if terminal else 100, not _shows_arrows(stream), terminal)


def _width() -> int:
    import shutil

    return max(40, shutil.get_terminal_size().columns)


def _shows_arrows(stream: Stream) -> bool:
    try:
        "→✓…Δ".encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def line(*parts: Segment | str) -> Line:
    """A line from segments and plain text."""
    return Line(tuple(Segment(part) if isinstance(part, str) else part for part in parts))


def columns(rows: Sequence[Sequence[Line]], indent: str, widest: Sequence[int]) -> list[Line]:
    """Rows of cells as lines, each column as wide as its widest cell; a very wide one sticks out.

    A column without a text in it takes no room.

    Args:
        rows: cells; a row may have fewer than others.
        indent: before the first cell.
        widest: beyond this a cell of the column sticks out; the last column needs no limit.
    """
    lengths = [
        [len(row[place].text) for row in rows if len(row) > place] for place in range(len(widest))
    ]
    widths = [
        max((length for length in column if length <= limit), default=0)
        for column, limit in zip(lengths, widest, strict=True)
    ]
    lines: list[Line] = []
    for row in rows:
        segments: list[Segment] = [Segment(indent)]
        for place, cell in enumerate(row):
            segments.extend(cell.segments)
            is_empty = place < len(lengths) and not any(lengths[place])
            if place + 1 < len(row) and not is_empty:
                missing = widths[place] - len(cell.text) if place < len(widths) else 0
                segments.append(Segment(" " * (max(missing, 0) + 3)))
        lines.append(Line(tuple(segments)))
    return lines


def render_lines(lines: Iterable[Line], options: ConsoleOptions) -> str:
    """The text of a report, with a line end after every line."""
    text = _coloured(lines, options) if options.color else _plain(lines)
    return text.translate(_ASCII) if options.ascii else text


def _plain(lines: Iterable[Line]) -> str:
    return "".join(f"{line.text}\n" for line in lines)


def _coloured(lines: Iterable[Line], options: ConsoleOptions) -> str:
    import io

    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        force_terminal=True,
        width=options.width,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        print_lines(lines, console)
    return captured.get()


def print_lines(lines: Iterable[Line], console: object) -> None:
    """Print lines on a rich console; long ones are left to the terminal to wrap."""
    from rich.console import Console
    from rich.text import Text

    assert isinstance(console, Console)
    for each in lines:
        text = Text(no_wrap=True, end="\n")
        for segment in each.segments:
            text.append(segment.text, style=_COLOURS[segment.meaning] or None)
        text.rstrip()
        console.print(text, soft_wrap=True)
