"""Puts results at their place: archives and reports appear whole, verified and flushed, or not.

A new archive is staged beside its target first. It can be opened and looked at there, and gets
its name with `commit`, which is what makes it visible.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from kover.archive.new_file import NewFile
from kover.archive.reader import Archive
from kover.archive.refusal import unwritable
from kover.archive.source_file import SourceFile
from kover.archive.target import Target, check_target, write_failed
from kover.archive.zip_writing import Patched, Replacement, new_size, write_zip
from kover.errors import InputError

__all__ = [
    "Patched",
    "Replacement",
    "StagedArchive",
    "stage_archive",
    "write_archive",
    "write_file",
]

_SLACK = 1 << 16  # headers and directory of a few members


class StagedArchive:
    """A complete, verified archive beside its target. Call `commit`, and in any case `discard`.

    As a context manager it discards itself at the end; after `commit` that only closes it.

    Attributes:
        archive: what was written, open for reading, before and after `commit`.
        sha256: of the whole file, in hex.
    """

    def __init__(self, source: Archive, new: NewFile, archive: Archive) -> None:
        self.archive = archive
        self.sha256 = archive.sha256
        self._source = source
        self._new = new

    def __enter__(self) -> StagedArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    @property
    def temporary_path(self) -> str:
        """Where the file is now."""
        return str(self._new.path or self._new.target.real)

    def commit(self) -> None:
        """Give the file its name.

        Raises:
            InputError: `input-changed` if the source is not what it was.
            OutputError: `output-exists`, `output-unwritable`.
        """
        self._source.file.check_unchanged()
        self._new.commit()

    def discard(self) -> None:
        """Remove what was not committed, and close the archive; may be called again."""
        try:
            self.archive.close()
        finally:
            self._new.discard()


def stage_archive(
    source: Archive,
    target: str | os.PathLike[str],
    replace: Mapping[str, Replacement],
    *,
    overwrite: bool,
    in_place: bool = False,
) -> StagedArchive:
    """Write `source` beside `target` with the members in `replace` replaced, or added at the end.

    Args:
        source: what is copied; `check` is called on it.
        target: where the result goes. A symbolic link is followed.
        replace: new contents by member name. They are stored, not deflated.
        overwrite: whether a file may be replaced.
        in_place: whether that file may be the source.

    Raises:
        InputError: `damaged-member`, `input-changed`.
        OutputError: `output-exists`, `output-unwritable`, `disk-full`, `output-is-input`,
            `output-damaged`. Nothing is left behind.
    """
    place = _place(source, target, replace, overwrite=overwrite, in_place=in_place)
    source.check()
    new = NewFile(place)
    try:
        write_zip(source, new, replace)
        return StagedArchive(source, new, _verified(source, new))
    except BaseException as exc:
        new.discard()
        if isinstance(exc, OSError):
            raise write_failed(place.path, exc) from exc
        raise


def write_archive(
    source: Archive,
    target: str | os.PathLike[str],
    replace: Mapping[str, Replacement],
    *,
    overwrite: bool,
    in_place: bool = False,
) -> str:
    """As `stage_archive`, and give the file its name at once.

    Returns:
        The sha256 of the file that was written, in hex.
    """
    with stage_archive(source, target, replace, overwrite=overwrite, in_place=in_place) as staged:
        staged.commit()
        return staged.sha256


def write_file(target: str | os.PathLike[str], data: bytes, overwrite: bool) -> None:
    """Write a report or a spec: whole, flushed, or not at all.

    Raises:
        OutputError: `output-exists`, `output-unwritable`, `disk-full`. Nothing is left behind.
    """
    place = check_target(target, overwrite=overwrite, needed_bytes=len(data))
    with NewFile(place) as new:
        try:
            new.write(data, 0)
            os.fsync(new.fd)
        except OSError as exc:
            raise write_failed(place.path, exc) from exc
        new.commit()


def _place(
    source: Archive,
    target: str | os.PathLike[str],
    replace: Mapping[str, Replacement],
    *,
    overwrite: bool,
    in_place: bool,
) -> Target:
    if not (overwrite or in_place) and _is_source(source, target):
        help = "give another name with -o, or replace it with --in-place"
        raise unwritable(
            "output-is-input", "the output is the input itself", os.fsdecode(target), help
        )
    needed = _SLACK + source.file.size + sum(map(new_size, replace.values()))
    return check_target(target, overwrite=overwrite or in_place, needed_bytes=needed)


def _is_source(source: Archive, target: str | os.PathLike[str]) -> bool:
    try:
        return os.path.samestat(Path(target).stat(), os.fstat(source.file.fd))
    except (OSError, ValueError):
        return False


def _verified(source: Archive, new: NewFile) -> Archive:
    """The new file, read as any archive is, while the system flushes it to disk."""
    failures: list[OSError] = []

    def flush() -> None:
        try:
            os.fsync(new.fd)
        except OSError as exc:
            failures.append(exc)

    flusher = threading.Thread(target=flush)
    flusher.start()
    file = SourceFile(new.target.path, os.dup(new.fd))
    try:
        written = Archive(file, source.limits)
        written.check()
    except BaseException as exc:
        file.close()
        flusher.join()
        if isinstance(exc, InputError):
            raise _unreadable(new.target, exc) from exc
        raise
    flusher.join()
    if failures:
        file.close()
        raise failures[0]
    return written


def _unreadable(target: Target, exc: InputError) -> Exception:
    told = "; ".join(problem.message for problem in exc.problems[:3])
    return unwritable(
        "output-damaged",
        f"what was written cannot be read back, so it was thrown away: {told}",
        target.path,
    )
