"""Spec files as text: read once, bounded, and refused unless they are UTF-8 text.

The text keeps its line ends; `SpecText.source` turns an offset into a line and a column, both
1-based and counted in code points, with tabs counted as one.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import re
import stat
import sys
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from kover.errors import InputError
from kover.problems import Problem
from kover.source import Source

MOST_BYTES: Final = 1 << 20
STDIN: Final = "-"

_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE_SEPARATORS: Final = ("\x85", "\u2028", "\u2029", "\ufeff")
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


@dataclass(frozen=True)
class SpecText:
    """The text of one spec file."""

    path: str
    text: str
    sha256: str

    @functools.cached_property
    def starts(self) -> list[int]:
        """The offset at which each line starts."""
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def line(self, number: int) -> str:
        """The text of a 1-based line, without its end."""
        ends = [*self.starts[1:], len(self.text) + 1]
        return self.text[self.starts[number - 1] : ends[number - 1]].rstrip("\r\n")

    def source(self, start: int, end: int) -> Source:
        """The place of the text between two offsets; `end_column` is on the first line."""
        row = bisect_right(self.starts, start) - 1
        first = self.starts[row]
        if row + 1 < len(self.starts) and end >= self.starts[row + 1]:
            end = first + len(self.line(row + 1).rstrip())
        column = start - first + 1
        return Source(self.path, row + 1, column, max(end - first + 1, column))

    def offset(self, source: Source) -> int:
        """The offset of a place."""
        return self.starts[(source.line or 1) - 1] + (source.column or 1) - 1


def read_spec_text(path: str) -> SpecText:
    """The spec file at `path` (`-` is standard input).

    Raises:
        InputError: it cannot be read, is too large, or is no UTF-8 text.
    """
    data = stdin_bytes() if path == STDIN else _file_bytes(path)
    if len(data) > MOST_BYTES:
        raise InputError.at(
            "spec-too-large",
            f"the spec is larger than {MOST_BYTES >> 20} MiB",
            Source(path, 1, 1),
            "is this the right file? globs and parameters keep a spec short",
        )
    return SpecText(path, _decoded(path, data), hashlib.sha256(data).hexdigest())


@functools.cache
def stdin_bytes() -> bytes:
    """What stands on standard input; read once, as its lines are wanted again for problems."""
    try:
        return sys.stdin.buffer.read(MOST_BYTES + 1) if sys.stdin is not None else b""
    except (OSError, ValueError) as error:
        raise _unreadable(STDIN, error) from error


def _file_bytes(path: str) -> bytes:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError | ValueError) -> InputError:
    reason = (error.strerror if isinstance(error, OSError) else None) or "no usable file name"
    return InputError(
        Problem(
            "unreadable-spec",
            f"cannot read the spec: {reason[:1].lower()}{reason[1:]}",
            Source(path),
            "check the path; '-' reads standard input",
        )
    )


def _open_at_once(path: str, flags: int) -> int:
    # Opening a FIFO must not wait for somebody to write to it.
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _decoded(path: str, data: bytes) -> str:
    for bom, name in _WIDE_BOMS.items():
        if data.startswith(bom):
            raise InputError.at(
                "not-utf8", f"the spec is {name} text", Source(path, 1, 1), "save it as UTF-8"
            )
    body = data.removeprefix(_BOM)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = SpecText(path, body[: error.start].decode("utf-8"), "")
        raise InputError.at(
            "not-utf8",
            f"byte 0x{body[error.start]:02x} is not UTF-8 text",
            before.source(error.start and len(before.text), len(before.text) + 1),
            _no_text_help(data),
        ) from error
    index = _first_forbidden(text)
    if index is not None:
        raise InputError.at(
            "control-character",
            f"the character U+{ord(text[index]):04X} cannot stand in a spec",
            SpecText(path, text, "").source(index, index + 1),
            _no_text_help(data)
            if index < 8
            else 'within "double quotes" write it as an escape, such as \\u2028',
        )
    return text


def _first_forbidden(text: str) -> int | None:
    """Where the first character stands that YAML or an editor would take for something else.

    YAML 1.1 ends lines at U+0085, U+2028 and U+2029, YAML 1.2 does not, nor do editors.
    """
    from yaml.reader import Reader

    match = Reader.NON_PRINTABLE.search(text)
    found = [match.start()] if match else []
    found += [text.index(char) for char in _LINE_SEPARATORS if char in text]
    return min(found, default=None)


def _no_text_help(data: bytes) -> str:
    if data.startswith(b"PK"):
        return "this is a zip archive; a .keras model is given with --model, not as the spec"
    if data.startswith(b"\x89HDF"):
        return "this is an HDF5 file, not a spec"
    return "a spec is YAML text; save it as UTF-8"
