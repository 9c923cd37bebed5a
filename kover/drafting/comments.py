"""Comments in a spec. Text from a model can not leave them."""

from __future__ import annotations

from kover.problems import cut

_LONGEST = 160


def shown(text: str, longest: int = _LONGEST) -> str:
    """`text` on one line, what cannot be printed as escapes, cut where it is very long."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escape(char) for char in text)
    return cut(text, longest)


def comment(text: str) -> str:
    """A line that is a comment."""
    return f"# {shown(text)}".rstrip()


def remark(text: str) -> str:
    """A comment after a setting, or nothing."""
    return f"   # {shown(text, 80)}" if text else ""


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
