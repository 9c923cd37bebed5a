"""A file that appears whole or not at all: a temporary sibling, renamed when it is complete.

While it is written the sibling is locked. One whose lock is free belongs to a run that was
killed, and the next run for the same target removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
from pathlib import Path

from kover.archive.target import Target, exists_now, write_failed

SUFFIX = ".kover-tmp"
_NAME_ROOM = 200  # of 255 bytes; the rest is for the dots, the random part and the suffix
_UNLINKABLE = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_BUSY = (errno.EWOULDBLOCK, errno.EACCES)


class NewFile:
    """The temporary sibling of a target. Call `commit`, and in any case `discard`.

    Without `commit` what was at the target stays as it was. As a context manager it discards
    itself at the end.

    Attributes:
        target: what it will become.
        fd: descriptor, open for reading and writing until `discard`.
        path: where it is; None once it has become the target.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.fd = -1
        self.path: Path | None = None
        try:
            _remove_stale(target)
            while not self._created():
                pass
        except BaseException as exc:
            self.discard()
            if isinstance(exc, OSError):
                raise write_failed(target.path, exc) from exc
            raise

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Write all of `data` at `offset`."""
        view = memoryview(data)
        while view:
            done = os.pwrite(self.fd, view, offset)
            view, offset = view[done:], offset + done

    def commit(self) -> None:
        """Let the target become this file, durably. `fsync` of its content comes before.

        Raises:
            OutputError: `output-exists` if a file has appeared that may not be replaced;
                `output-unwritable`.
        """
        if self.path is None:
            return
        try:
            self._take_over_mode()
            if self.target.overwrite:
                self.path.replace(self.target.real)
                self.path = None
            else:
                self._link(self.path)
        except FileExistsError as exc:
            raise exists_now(self.target) from exc
        except OSError as exc:
            raise write_failed(self.target.path, exc) from exc
        # The result is in place: a directory that cannot be synced is no reason to deny it.
        with contextlib.suppress(OSError):
            _sync_directory(self.target.real.parent)

    def discard(self) -> None:
        """Remove the sibling if it is still there, and close it; may be called again."""
        path, self.path = self.path, None
        fd, self.fd = self.fd, -1
        try:
            if path is not None:
                with contextlib.suppress(OSError):
                    path.unlink()
        finally:
            if fd >= 0:
                os.close(fd)

    def _created(self) -> bool:
        """Make and lock the sibling; False if someone took it for a stale one meanwhile."""
        path = self.target.real.with_name(f"{_stem(self.target)}{secrets.token_hex(8)}{SUFFIX}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        # Nobody may read in the meantime what only the owner may read in the end.
        self.fd = os.open(path, flags, 0o666 if self.target.status is None else 0o600)
        self.path = path
        if _locked(self.fd) and _is_at(path, self.fd):
            return True
        self.discard()
        return False

    def _take_over_mode(self) -> None:
        old = self.target.status
        if old is None:
            return
        new = os.fstat(self.fd)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            with contextlib.suppress(OSError):  # only root may give files away
                os.fchown(self.fd, old.st_uid, old.st_gid)
        os.fchmod(self.fd, stat.S_IMODE(old.st_mode) & 0o777)

    def _link(self, path: Path) -> None:
        """Give the file its name, which fails if the name is taken, and drop the other one."""
        try:
            os.link(path, self.target.real, follow_symlinks=False)
            with contextlib.suppress(OSError):  # the target is there; the next run removes this
                path.unlink()
        except OSError as exc:
            if exc.errno not in _UNLINKABLE:
                raise
            # A file system without hard links: a moment is left in which a file may appear.
            if os.path.lexists(self.target.real):
                raise exists_now(self.target) from exc
            path.rename(self.target.real)
        self.path = None


def _stem(target: Target) -> str:
    return f".{os.fsdecode(os.fsencode(target.real.name)[:_NAME_ROOM])}."


def _locked(fd: int) -> bool:
    """Whether the lock is ours now; a file system without locks counts as locked."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        return exc.errno not in _BUSY
    return True


def _is_at(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def _remove_stale(target: Target) -> None:
    """Remove what killed runs for the same target left behind."""
    form = re.compile(re.escape(_stem(target)) + "[0-9a-f]{16}" + re.escape(SUFFIX))
    with os.scandir(target.real.parent) as entries:
        stale = [entry.path for entry in entries if form.fullmatch(entry.name)]
    for path in stale:
        with contextlib.suppress(OSError):
            _remove_if_unlocked(Path(path))


def _remove_if_unlocked(path: Path) -> None:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(path, flags)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(path, fd):
            path.unlink()
    finally:
        os.close(fd)


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
