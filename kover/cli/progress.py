"""A line of progress on standard error, for long reads that a person waits for."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_WORTH_IT = 200_000_000
_AFTER, _EVERY = 0.7, 0.1
_CLEAR = "\r\x1b[K"


@contextmanager
def progress(paths: Sequence[str]) -> Iterator[Callable[[int], None] | None]:
    """Yield what to tell of bytes read; None where nobody looks or it does not take long.

    Args:
        paths: the files that are read.
    """
    total = sum(map(_size, paths))
    if total < _WORTH_IT or not _is_watched():
        yield None
        return
    line = _Line(total)
    try:
        yield line.advance
    finally:
        line.clear()


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return 0


def _is_watched() -> bool:
    if sys.stderr is None or os.environ.get("TERM") == "dumb":
        return False
    return sys.stderr.isatty()


class _Line:
    """How much of the bytes has been read at least once; more than all is all."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._shown = False
        self._next = time.monotonic() + _AFTER
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        """More bytes were read."""
        with self._lock:
            self._done = min(self._done + count, self._total)
            now = time.monotonic()
            if now < self._next:
                return
            self._next = now + _EVERY
            self._shown = True
            percent = 100 * self._done // self._total
            done, total = self._done // 1_000_000, self._total // 1_000_000
            text = f"reading {percent:3d} %  {done:,} of {total:,} MB"
        sys.stderr.write(f"\r{text}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave no trace."""
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
