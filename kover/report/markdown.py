"""Markdown that names from a model cannot get out of, and that stays within a length.

Names and values stand in code spans, where nothing is a link, a mention or HTML. What has a
backtick or a pipe in it is written as `<code>` with every odd character as a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kover.report.clean import clean

MOST_CHARACTERS = 60_000
"""GitHub refuses a comment of more than 65,536."""

_INERT = frozenset(" ,.;'/=+-%()→…Δ✓✗")


def code(text: str, longest: int = 200) -> str:
    """A name or a value."""
    text = clean(text, longest)
    if not text:
        return ""
    if not set(text) & set("`|<>&\\") and text == text.strip():
        return f"`{text}`"
    return f"<code>{_numbered(text)}</code>"


def plain(text: str, longest: int = 400) -> str:
    """Words of ours that may hold a name: nothing in them is markup."""
    return _numbered(clean(text, longest))


def _numbered(text: str) -> str:
    """Characters that could be markup, or make a link or a mention, as numbers."""
    pairs = zip(text, f"{text[1:]} ", strict=False)
    written = "".join(
        char
        if char.isalnum() or char in _INERT or (char == ":" and after == " ")
        else f"&#{ord(char)};"
        for char, after in pairs
    )
    return written.replace("www.", "www&#46;")


class Page:
    """Markdown that grows until it is full; what does not fit is counted."""

    def __init__(self, most: int = MOST_CHARACTERS - 4_000) -> None:
        self._parts: list[str] = []
        self._room = most

    @property
    def text(self) -> str:
        """All of it, ended."""
        return "".join(self._parts)

    def add(self, *lines: str) -> bool:
        """Lines, if there is room for them."""
        text = "".join(f"{line}\n" for line in lines)
        if len(text) > self._room:
            return False
        self._parts.append(text)
        self._room -= len(text)
        return True

    def table(
        self,
        title: str,
        head: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        is_open: bool = False,
    ) -> None:
        """A collapsible table; nothing where there are no rows."""
        listed = list(rows)
        if not listed:
            return
        fits = self.add(
            f"<details{' open' if is_open else ''}><summary>{plain(title)}</summary>",
            "",
            f"| {' | '.join(head)} |",
            f"|{' --- |' * len(head)}",
        )
        if not fits:
            return
        shown = 0
        for row in listed:
            if not self.add(f"| {' | '.join(row)} |"):
                break
            shown += 1
        self._room += 200  # kept back for the ends of tables
        if shown < len(listed):
            self.add("", f"… and {len(listed) - shown:,} more rows")
        self.add("", "</details>", "")
