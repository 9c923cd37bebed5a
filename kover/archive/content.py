"""The content of members: stored bytes inflated, counted and compared with their CRC."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Iterator

from kover.archive.refusal import quoted, refused
from kover.archive.source_file import SourceFile
from kover.archive.zip_structure import Member
from kover.errors import InputError
from kover.problems import Problem

CHUNK = 1 << 20


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
        raise _damaged(member, file.path, "its length is not what the archive says")
    if crc != member.crc:
        raise _damaged(member, file.path, "its checksum is wrong")


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


def check_contents(file: SourceFile, members: tuple[Member, ...]) -> str:
    """Read every member to its end, and the whole file for its sha256, at the same time.

    Both `zlib.crc32` and hashlib let other threads run, so the two passes share the pages
    that one of them has read.

    Returns:
        The sha256 of the file, in hex.

    Raises:
        InputError: `damaged-member` for all that are; `input-changed`; `unreadable`.
    """
    outcome: list[str | BaseException] = []
    hasher = threading.Thread(target=_hash_into, args=(file, outcome), daemon=True)
    hasher.start()
    problems: list[Problem] = []
    try:
        for member in members:
            try:
                for _ in content_chunks(file, member):
                    pass
            except InputError as exc:
                problems += exc.problems
    finally:
        hasher.join()
    if problems:
        raise InputError(problems)
    digest = outcome[0]
    if isinstance(digest, BaseException):
        raise digest
    return digest


def _hash_into(file: SourceFile, outcome: list[str | BaseException]) -> None:
    try:
        digest = hashlib.sha256()
        for piece in file.chunks(0, file.size):
            digest.update(piece)
        outcome.append(digest.hexdigest())
    except BaseException as exc:  # noqa: BLE001 (raised again by the thread that asked)
        outcome.append(exc)
