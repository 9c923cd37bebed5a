"""A regular file opened for reading, that notices when it is changed meanwhile.

All reads give their own offset, so that threads and child processes may share the descriptor.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from kover.archive.refusal import refused
from kover.errors import InputError

CHUNK = 1 << 20


class SourceFile:
    """An input file: its descriptor, size and identity.

    Attributes:
        path: as the user gave it.
        fd: the descriptor, open until `close`.
        size: in bytes, when it was opened.
        advance: told how many more bytes `chunks` has read, from whatever thread reads.
    """

    def __init__(self, path: str, fd: int) -> None:
        status = os.fstat(fd)
        self.path = path
        self.fd = fd
        self.advance: Callable[[int], None] | None = None
        self.size = status.st_size
        self.identity = _identity(status)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> SourceFile:
        """Open a regular file; nothing else is opened at all.

        Raises:
            InputError: `not-found`, `not-a-file`, `unreadable`.
        """
        name = os.fsdecode(os.fspath(path))
        try:
            _check_regular(Path(name).stat().st_mode, name)
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
            fd = os.open(name, flags)
        except (OSError, ValueError) as exc:
            raise _unopened(name, exc) from exc
        try:
            _check_regular(os.fstat(fd).st_mode, name)
            return cls(name, fd)
        except BaseException:
            os.close(fd)
            raise

    def __enter__(self) -> SourceFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor; a second call does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def chunks(self, offset: int, length: int, size: int = CHUNK) -> Iterator[bytes]:
        """The bytes of a range, piece by piece.

        Raises:
            InputError: `input-changed` if the file ends before the range does, `unreadable`.
        """
        end = offset + length
        while offset < end:
            try:
                piece = os.pread(self.fd, min(size, end - offset), offset)
            except OSError as exc:
                raise _unopened(self.path, exc) from exc
            if not piece:
                raise self.changed()
            offset += len(piece)
            if self.advance is not None:
                self.advance(len(piece))
            yield piece

    def fill(self, room: memoryview, offset: int) -> None:
        """Read what stands at `offset` into `room`, all of it.

        Raises:
            InputError: `input-changed` if the file ends before that, `unreadable`.
        """
        done = 0
        while done < len(room):
            try:
                count = os.preadv(self.fd, [room[done:]], offset + done)
            except OSError as exc:
                raise _unopened(self.path, exc) from exc
            if not count:
                raise self.changed()
            done += count
        if self.advance is not None:
            self.advance(done)

    def check_unchanged(self) -> None:
        """Refuse to go on if the file is no longer what was opened.

        Raises:
            InputError: `input-changed`.
        """
        try:
            same = (
                _identity(Path(self.path).stat()) == self.identity == _identity(os.fstat(self.fd))
            )
        except OSError:
            same = False
        if not same:
            raise self.changed()

    def changed(self) -> InputError:
        """The error for a file that was changed while it was read."""
        return refused(
            "input-changed",
            "the file was changed while it was read",
            self.path,
            None,
            "wait until nothing writes to it, then run again",
        )


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _check_regular(mode: int, path: str) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    what = next((text for test, text in kinds if test(mode)), "no regular file")
    help = "kover reads .keras archives, which are single files"
    raise refused("not-a-file", f"this is {what}, not a file", path, None, help)


def _unopened(path: str, exc: OSError | ValueError) -> InputError:
    if isinstance(exc, OSError) and exc.errno in (errno.ENOENT, errno.ENOTDIR):
        return refused("not-found", "there is no such file", path)
    why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return refused("unreadable", f"the file cannot be read: {why}", path)
