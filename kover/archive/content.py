"""The content of members: stored bytes inflated, counted and compared with their CRC."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator

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


def check_contents(file: SourceFile, members: tuple[Member, ...], *, split: bool = False) -> str:
    """Read every member to its end, and the whole file for its sha256.

    A large file is hashed by a process of its own, see `digest_child`; deflated members are
    inflated here meanwhile.

    Args:
        file: the archive.
        members: all of them.
        split: take all CRCs here meanwhile, and leave but the sha256 to that process; for callers
            that have a processor to spare.

    Returns:
        The sha256 of the file, in hex.

    Raises:
        InputError: `damaged-member` for all that are; `input-changed`; `unreadable`.
    """
    stored = sorted((m for m in members if m.is_stored), key=lambda member: member.data_offset)
    ranges = [(member.data_offset, member.stored_size) for member in stored]
    child = None
    if file.size >= _OWN_PROCESS:
        child = _start_child(file, [] if split else ranges)
    split = split and child is not None
    problems: list[Problem] = []
    try:
        for member in members:
            if split or not member.is_stored:
                problems += _problems_of(file, member)
    except BaseException:
        _stop(child)
        raise
    found = _result_of(child) or digests(file.fd, file.size, ranges)
    if found is None:
        raise file.changed()
    digest, crcs = found
    for member, crc in () if split else zip(stored, crcs, strict=True):
        if member.stored_size != member.size:
            problems += _damaged(member, file.path, _WRONG_LENGTH).problems
        elif crc != member.crc:
            problems += _damaged(member, file.path, _WRONG_CRC).problems
    if problems:
        raise InputError(problems)
    return digest


def check_members(file: SourceFile, members: tuple[Member, ...]) -> None:
    """Read every member to its end.

    Raises:
        InputError: `damaged-member` for all that are; `input-changed`.
    """
    problems = [problem for member in members for problem in _problems_of(file, member)]
    if problems:
        raise InputError(problems)


def _problems_of(file: SourceFile, member: Member) -> tuple[Problem, ...]:
    try:
        for _ in content_chunks(file, member, _PIECE):
            pass
    except InputError as exc:
        return exc.problems
    return ()


def _start_child(file: SourceFile, ranges: list[tuple[int, int]]) -> subprocess.Popen[bytes] | None:
    """Begin to hash; None if that process cannot be started."""
    request = json.dumps({"fd": file.fd, "size": file.size, "ranges": ranges})
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


def _result_of(child: subprocess.Popen[bytes] | None) -> tuple[str, list[int]] | None:
    """What the child found; None if it could not, and this process has to."""
    if child is None or child.stdout is None:
        return None
    try:
        with child.stdout:
            said = child.stdout.read()
        if child.wait() != 0:
            return None
        found = json.loads(said)
        return (str(found[0]), [int(crc) for crc in found[1]]) if found else None
    except BaseException:
        _stop(child)
        raise


def _stop(child: subprocess.Popen[bytes] | None) -> None:
    if child is not None:
        child.kill()
        child.wait()
