"""The parent's side of `hdf5_child`: start it, watch the clock, and take what it says."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kover.archive.limits import RAISABLE, Limits, raise_it, size_text
from kover.archive.refusal import refused
from kover.errors import InputError

_SCRIPT = str(Path(__file__).with_name("hdf5_child.py"))
_HELP = "load the model with Keras and save it again, if you trust where it comes from"
_READ = 1 << 18


@dataclass(frozen=True, slots=True)
class Range:
    """Where an HDF5 file lies: a range of the file behind `fd`, called `path`/`inside`."""

    fd: int
    offset: int
    length: int
    path: str
    inside: str | None


@dataclass(slots=True)
class Listing:
    """What the child said about a file.

    Attributes:
        arrays: one object per array, keys as `hdf5_child.describe` prints them.
        marks: dtype attribute of the arrays of opaque type, by path.
        names: name attribute of the `vars` groups, by path.
        complete: whether the attributes were read to the end.
    """

    arrays: list[dict[str, object]] = field(default_factory=list)
    marks: dict[str, str | None] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    listed: bool = False
    complete: bool = False


def list_hdf5(where: Range, limits: Limits) -> Listing:
    """List the arrays of an HDF5 file.

    A crash or hang while attributes are read leaves `complete` false; the arrays were listed
    before that.

    Raises:
        InputError: `broken-weights`, `unsafe-weights`.
    """
    listing = Listing()
    child = _start(where, limits, {"mode": "list"})
    try:
        deadline = time.monotonic() + limits.child_wall_s
        taken = 0
        rest = b""
        while piece := _receive(child, deadline):
            taken += len(piece)
            if taken > limits.child_output_bytes:
                cap = size_text(limits.child_output_bytes)
                raise _unsafe(where, f"listing it takes more than {cap} of text", "hdf5-objects")
            *lines, rest = (rest + piece).split(b"\n")
            listed = listing.listed
            for line in lines:
                _take(json.loads(line), listing, where)
            if listing.listed and not listed:
                deadline = time.monotonic() + limits.child_attributes_s
        status = _ended(child, deadline)
    finally:
        _stop(child)
    if not listing.listed:
        raise _died(where, status)
    return listing


def read_hdf5(where: Range, raw_path: str, size_bytes: int, limits: Limits) -> Iterator[bytes]:
    """The bytes of an array that is not one plain range of the file.

    Raises:
        InputError: `broken-weights`, `unsafe-weights`.
    """
    child = _start(where, limits, {"mode": "read", "path": raw_path})
    taken = 0
    try:
        while piece := _receive(child, time.monotonic() + limits.child_read_s):
            taken += len(piece)
            if taken > size_bytes:
                break
            yield piece
        status = _ended(child, time.monotonic() + limits.child_read_s)
    finally:
        _stop(child)
    if taken != size_bytes or status != 0:
        raise refused(
            "broken-weights",
            "the values of an array cannot be read",
            where.path,
            _inside(where, raw_path),
            _HELP,
        )


def options_of(where: Range, limits: Limits, request: dict[str, object]) -> dict[str, object]:
    """What the child is told: the request, where the file lies, and how much it may use."""
    return request | {
        "fd": where.fd,
        "offset": where.offset,
        "length": where.length,
        "memory": limits.child_memory_bytes,
        "cpu_s": int(limits.child_wall_s + limits.child_attributes_s) + 1,
        "depth": limits.hdf5_depth,
        "objects": limits.hdf5_objects,
    }


def _start(where: Range, limits: Limits, request: dict[str, object]) -> subprocess.Popen[bytes]:
    environment = os.environ | {"HDF5_PLUGIN_PRELOAD": "::", "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("HDF5_PLUGIN_PATH", None)
    # -P: neither the working directory nor the script's own is a place to import from.
    return subprocess.Popen(
        [sys.executable, "-P", _SCRIPT, json.dumps(options_of(where, limits, request))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(where.fd,),
        env=environment,
    )


def _receive(child: subprocess.Popen[bytes], deadline: float) -> bytes:
    """What the child has written since, b"" at its end or when the time is over."""
    if child.stdout is None:
        return b""
    pipe = child.stdout.fileno()
    poll = select.poll()  # unlike select, it takes descriptors of any number
    poll.register(pipe, select.POLLIN)
    ready = poll.poll(1000 * max(0.0, deadline - time.monotonic()))
    return os.read(pipe, _READ) if ready else b""


def _ended(child: subprocess.Popen[bytes], deadline: float) -> int | None:
    """The child's status, or None if it did not end in time."""
    try:
        return child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _take(line: dict[str, object], listing: Listing, where: Range) -> None:
    if "array" in line:
        listing.arrays.append(line)
    elif "mark" in line:
        text = line["text"]
        listing.marks[str(line["mark"])] = text if isinstance(text, str) else None
    elif "group" in line:
        listing.names[str(line["group"])] = str(line["text"])
    elif "listed" in line:
        listing.listed = True
    elif "done" in line:
        listing.complete = True
    elif "refused" in line and not listing.listed:
        path, limit = line["path"], line.get("limit")
        raise refused(
            str(line["refused"]),
            f"the weights file is refused: {line['message']}",
            where.path,
            _inside(where, path if isinstance(path, str) else None),
            raise_it(limit) if isinstance(limit, str) and limit in RAISABLE else _HELP,
        )


def _inside(where: Range, path: str | None) -> str | None:
    return "/".join(part for part in (where.inside, path) if part) or None


def _unsafe(where: Range, why: str, limit: str | None = None) -> InputError:
    message = f"the weights could not be read safely: {why}"
    help = raise_it(limit) if limit else _HELP
    return refused("unsafe-weights", message, where.path, where.inside, help)


def _died(where: Range, status: int | None) -> InputError:
    if status is None:
        return _unsafe(where, "the HDF5 library did not come to an end", "hdf5-seconds")
    if status < 0:
        return _unsafe(where, f"the HDF5 library crashed ({signal.Signals(-status).name})")
    return refused(
        "broken-weights",
        "the process that reads weights did not start; is h5py installed?",
        where.path,
        where.inside,
    )
