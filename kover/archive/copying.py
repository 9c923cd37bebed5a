"""Copies a range of one file into another, inside the kernel where it can do that."""

from __future__ import annotations

import errno
import os

from kover.archive.new_file import NewFile
from kover.archive.source_file import SourceFile

_PIECE = 64 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def copy_range(source: SourceFile, new: NewFile, offset: int, length: int, at: int) -> None:
    """Copy `length` bytes at `offset` of `source` to `at` in `new`.

    Raises:
        InputError: `input-changed` if the source ends too early.
        OSError: if they cannot be written.
    """
    done = _copied_by_kernel(source.fd, new.fd, offset, length, at)
    for piece in source.chunks(offset + done, length - done):
        new.write(piece, at + done)
        done += len(piece)


def _copied_by_kernel(source: int, target: int, offset: int, length: int, at: int) -> int:
    """How many bytes were copied before the kernel would go no further."""
    done = 0
    if not hasattr(os, "copy_file_range"):
        return done
    while done < length:
        wanted = min(_PIECE, length - done)
        try:
            count = os.copy_file_range(source, target, wanted, offset + done, at + done)
        except OSError as exc:
            if exc.errno in _FULL:
                raise
            return done  # not between these file systems; plain reads and writes can
        if count == 0:
            return done
        done += count
    return done
