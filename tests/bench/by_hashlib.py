"""The sha256 of files, each in a thread of its own: by_hashlib.py FILE..."""

from __future__ import annotations

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def sha256(path: str) -> str:
    """Of a file's bytes, in hex."""
    with Path(path).open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    with ThreadPoolExecutor(len(sys.argv)) as pool:
        print(*pool.map(sha256, sys.argv[1:]), sep="\n")
