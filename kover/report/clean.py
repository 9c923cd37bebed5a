"""The one door for text from outside: names in models, values in specs, messages of Keras.

What a terminal could obey or hide (control characters, C1, bidirectional overrides, invisible
characters, halves of surrogate pairs) is shown as an escape, and long text is cut.
"""

from __future__ import annotations

from typing import Final

LONGEST: Final = 200
ELLIPSIS: Final = "…"


def clean(text: str, longest: int = LONGEST) -> str:
    """`text` on one line, safe to print, at most `longest` characters long."""
    if len(text) > longest:  # before escaping: a long text is not worth reading to its end
        text = text[: longest - 1] + ELLIPSIS
    if text.isprintable():
        return text
    shown = "".join(char if char.isprintable() else _escape(char) for char in text)
    return shown if len(shown) <= longest else shown[: longest - 1] + ELLIPSIS


def escape_unprintable(text: str) -> str:
    """`text` with the same escapes, however long it is."""
    return text if text.isprintable() else "".join(map(_escape_if_needed, text))


def _escape_if_needed(char: str) -> str:
    return char if char.isprintable() else _escape(char)


def _escape(char: str) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named is not None:
        return named
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
