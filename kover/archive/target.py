"""Where a result goes, looked at before the slow work: may it be written there at all?"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from kover.archive.limits import size_text
from kover.archive.refusal import unwritable
from kover.errors import OutputError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Target:
    """A path that a result may be written to.

    Attributes:
        path: as the user gave it.
        real: where the file is or will be; for a symbolic link, what it leads to.
        overwrite: whether a file may be there.
        status: of the file that is there, or None.
    """

    path: str
    real: Path
    overwrite: bool
    status: os.stat_result | None


def check_target(path: str | os.PathLike[str], *, overwrite: bool, needed_bytes: int = 0) -> Target:
    """The target at `path`, once nothing speaks against writing it.

    A symbolic link is followed, so that the file it leads to is replaced and not the link.

    Raises:
        OutputError: `output-exists`, `output-unwritable`, `disk-full`.
    """
    name = os.fsdecode(path)
    try:
        target = _resolved(name, overwrite)
        _check_directory(target, needed_bytes)
    except (OSError, ValueError, RuntimeError) as exc:
        raise write_failed(name, exc) from exc
    return target


def _resolved(name: str, overwrite: bool) -> Target:
    real = Path(name)
    if not name or name.endswith("/") or not real.name or real.name == "..":
        raise unwritable("output-unwritable", "this is a directory, not a file name", name)
    if real.is_symlink():
        if not overwrite:
            raise _exists(name)
        real = real.resolve()
    try:
        status = real.stat()
    except FileNotFoundError:
        return Target(name, real, overwrite, None)
    if not stat.S_ISREG(status.st_mode):
        what = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise unwritable("output-unwritable", f"the output is {what}", name)
    if not overwrite:
        raise _exists(name)
    return Target(name, real, overwrite, status)


def _exists(name: str) -> OutputError:
    help = "give another name with -o, or replace it with --force"
    return unwritable("output-exists", "the output exists already", name, help)


def exists_now(target: Target) -> OutputError:
    """The error for an output that appeared while the result was made."""
    return unwritable("output-exists", "the output has appeared meanwhile", target.path)


def _check_directory(target: Target, needed_bytes: int) -> None:
    directory = target.real.parent
    if not directory.is_dir():
        message = f"there is no directory '{directory}'"
        raise unwritable("output-unwritable", message, target.path, "make it first")
    if not os.access(directory, os.W_OK | os.X_OK):
        message = f"the directory '{directory}' cannot be written to"
        raise unwritable("output-unwritable", message, target.path)
    disk = os.statvfs(directory)
    longest = disk.f_namemax or 255
    if len(os.fsencode(target.real.name)) > longest:
        message = f"the file name is longer than {longest} bytes"
        raise unwritable("output-unwritable", message, target.path)
    blocks = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
    free = blocks * disk.f_frsize
    if disk.f_blocks and needed_bytes > free:
        message = f"{size_text(needed_bytes)} are needed and {size_text(free)} are free"
        raise unwritable("disk-full", message, target.path, "free some space and run again")


def write_failed(path: str, exc: Exception) -> OutputError:
    """The error for a failed attempt to write `path`."""
    if isinstance(exc, OSError) and exc.errno in _NO_SPACE:
        help = "free some space and run again; nothing was changed"
        return unwritable("disk-full", "there is no space left for the output", path, help)
    why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return unwritable("output-unwritable", f"the output cannot be written: {why}", path)
