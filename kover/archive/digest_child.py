"""Hashes a file: the sha256 of the whole, and the CRC of some ranges. Runs as a script of its own.

A process of its own, because hashing threads wait for the interpreter at every piece while another
thread imports Keras. One pass in small pieces: each is still in the processor's cache when it is
hashed the second time. Imports the standard library alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zlib

_PIECE = 1 << 18


def digests(fd: int, size: int, ranges: list[tuple[int, int]]) -> tuple[str, list[int]] | None:
    """The sha256 of the first `size` bytes in hex, and the CRC of each range.

    Args:
        fd: descriptor of the file.
        size: how long the file is.
        ranges: (offset, length), in the order of their offsets, apart from each other.

    Returns:
        None if the file is shorter than `size`.
    """
    whole = hashlib.sha256()
    crcs = [0] * len(ranges)
    current = 0
    position = 0
    while position < size:
        piece = os.pread(fd, min(_PIECE, size - position), position)
        if not piece:
            return None
        whole.update(piece)
        view = memoryview(piece)
        end = position + len(piece)
        while current < len(ranges):
            start, length = ranges[current]
            if start >= end:
                break
            part = view[max(start - position, 0) : start + length - position]
            crcs[current] = zlib.crc32(part, crcs[current])
            if start + length > end:
                break
            current += 1
        position = end
    return whole.hexdigest(), crcs


if __name__ == "__main__":
    request = json.load(sys.stdin)
    found = digests(request["fd"], request["size"], request["ranges"])
    sys.stdout.write(json.dumps(found))
