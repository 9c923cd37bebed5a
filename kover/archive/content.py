"""The content of members: stored bytes inflated, counted and compared with their CRC."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence

from kover.archive import digest_child
from kover.archive.digest_child import digests
from kover.archive.refusal import quoted, refused
from kover.archive.source_file import SourceFile
from kover.archive.zip_structure import Member
from kover.errors import InputError
from kover.problems import Problem

CHUNK = 1 << 20
_OWN_PROCESS = 32 << 20  # bytes; starting one costs as much as hashing some of these
_PIECE = 1 << 16  # small ones stay in the processor's cache
_WRONG_LENGTH = "its length is not what the archive says"
_WRONG_CRC = "its checksum is wrong"


def content_chunks(file: SourceFile, member: Member, size: int = CHUNK) -> Iterator[bytes]:
    """The content of `member`, piece by piece; never more than its declared size.

    Raises:
        InputError: `damaged-member`, on the piece where it shows, at the end at the latest.
    """
    crc = 0
    count = 0
    stored = file.chunks(member.data_offset, member.stored_size, size)
    for piece in stored if member.is_stored else _inflated(stored, member, file.path, size):
        crc = zlib.crc32(piece, crc)
        count += len(piece)
        if count > member.size:
            break
        yield piece
    if count != member.size:
        raise _damaged(member, file.path, _WRONG_LENGTH)
    if crc != member.crc:
        raise _damaged(member, file.path, _WRONG_CRC)


def _inflated(stored: Iterator[bytes], member: Member, path: str, size: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in stored:
            rest = piece
            while rest and not inflater.eof:
                yield inflater.decompress(rest, size)
                rest = inflater.unconsumed_tail
            if inflater.eof and (rest or inflater.unused_data):
                break
        while not inflater.eof:
            last = inflater.decompress(inflater.unconsumed_tail, size)
            if not last:
                break
            yield last
    except zlib.error as exc:
        raise _damaged(member, path, "it cannot be inflated") from exc
    if not inflater.eof or inflater.unused_data or next(stored, b""):
        raise _damaged(member, path, "its compressed data does not end where it should")


def _damaged(member: Member, path: str, why: str) -> InputError:
    return refused(
        "damaged-member",
        f"{quoted(member.name)} is damaged: {why}",
        path,
        member.name,
        "copy or download the file again, or save the model again",
    )


def check_contents(
    file: SourceFile,
    members: tuple[Member, ...],
    *,
    hashing: Hashing | None = None,
    crcs: Mapping[str, int] | None = None,
) -> str:
    """Read every member to its end, and the whole file for its sha256.

    A large file is hashed by a process of its own, see `digest_child`; deflated members are
    inflated here meanwhile.

    Args:
        file: the archive.
        members: all of them.
        hashing: of this file, begun before; then CRCs are taken here meanwhile, for callers that
            have a processor to spare.
        crcs: of stored members, by name, as far as somebody took them already.

    Returns:
        The sha256 of the file, in hex.

    Raises:
        InputError: `damaged-member` for all that are; `input-changed`; `unreadable`.
    """
    if hashing is None:
        stored = sorted((m for m in members if m.is_stored), key=lambda each: each.data_offset)
        hashing = Hashing(file, [(each.data_offset, each.stored_size) for each in stored])
    else:
        stored = []
    known = dict(crcs or {})
    problems: tuple[Problem, ...] = ()
    try:
        left = tuple(m for m in members if m not in stored and m.name not in known)
        problems = _problems_in(file, left, {})
        digest, found = hashing.result()
    except BaseException:
        hashing.stop()
        raise
    known.update(zip((member.name for member in stored), found, strict=True))
    summed = tuple(member for member in members if member.name in known)
    problems += _problems_in(file, summed, known)
    if problems:
        raise InputError(problems)
    return digest


def check_members(
    file: SourceFile, members: tuple[Member, ...], crcs: Mapping[str, int] | None = None
) -> None:
    """Read every member to its end.

    Args:
        file: the archive.
        members: all of them.
        crcs: of stored members, by name, which are not read again.

    Raises:
        InputError: `damaged-member` for all that are; `input-changed`.
    """
    if problems := _problems_in(file, members, crcs or {}):
        raise InputError(problems)


def _problems_in(
    file: SourceFile, members: tuple[Member, ...], crcs: Mapping[str, int]
) -> tuple[Problem, ...]:
    """What is wrong with the content of members; those with a CRC in `crcs` are not read."""
    problems: list[Problem] = []
    for member in members:
        try:
            if member.name in crcs:
                _check_sum(crcs[member.name], member, file.path)
            else:
                for _ in content_chunks(file, member, _PIECE):
                    pass
        except InputError as exc:
            problems += exc.problems
    return tuple(problems)


def _check_sum(crc: int, member: Member, path: str) -> None:
    """Refuse a stored member whose bytes do not have the CRC it should."""
    if member.stored_size != member.size:
        raise _damaged(member, path, _WRONG_LENGTH)
    if crc != member.crc:
        raise _damaged(member, path, _WRONG_CRC)


class Hashing:
    """The sha256 of a file and the CRCs of ranges of it, being computed.

    Args:
        file: the file, open until there is a result.
        ranges: (offset, length), in the order of their offsets, apart from each other.
    """

    def __init__(self, file: SourceFile, ranges: Sequence[tuple[int, int]] = ()) -> None:
        self._file = file
        self._ranges = list(ranges)
        self._child = self._started() if file.size >= _OWN_PROCESS else None

    def result(self) -> tuple[str, list[int]]:
        """Wait for the sha256 in hex and the CRCs.

        Raises:
            InputError: `input-changed` if the file became shorter.
        """
        file = self._file
        found = self._of_child() or digests(file.fd, file.size, self._ranges)
        if found is None:
            raise file.changed()
        return found

    def stop(self) -> None:
        """No result is wanted any more; a second call does nothing."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()

    def _started(self) -> subprocess.Popen[bytes] | None:
        """The process that does it; None if it cannot be started."""
        file = self._file
        request = json.dumps({"fd": file.fd, "size": file.size, "ranges": self._ranges})
        try:
            child = subprocess.Popen(
                [sys.executable, "-I", "-S", digest_child.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(file.fd,),
            )
        except OSError:
            return None
        if child.stdin is not None:
            with contextlib.suppress(BrokenPipeError), child.stdin:
                child.stdin.write(request.encode())
        return child

    def _of_child(self) -> tuple[str, list[int]] | None:
        """What the child found; None if it could not, and this process has to."""
        child = self._child
        if child is None or child.stdout is None:
            return None
        with child.stdout:
            said = child.stdout.read()
        if child.wait() != 0:
            return None
        found = json.loads(said)
        return (str(found[0]), [int(crc) for crc in found[1]]) if found else None
