"""The process that reads HDF5, forked from this one: milliseconds instead of Python's start.

It runs `hdf5_child.main` with the limits and the options that it always has, and what starts it,
`hdf5_process`, reads its output and watches its clock as ever. Only importing h5py is saved.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from kover.archive import hdf5_child, hdf5_process
from kover.archive.hdf5_process import Range
from kover.archive.limits import Limits

_HANDLED = (  # by libFuzzer
    signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGALRM, signal.SIGXCPU, signal.SIGXFSZ,
    signal.SIGINT, signal.SIGTERM, signal.SIGFPE, signal.SIGILL,
)  # fmt: skip


class Forked:
    """A forked child, with as much of `subprocess.Popen` as `hdf5_process` uses.

    Attributes:
        stdout: the reading end of its output.
        status: how it ended, as `Popen.returncode`.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        read, write = os.pipe()
        self.status: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(read)
            _run(options, write)
        os.close(write)
        self.stdout: io.FileIO | None = io.FileIO(read)

    def kill(self) -> None:
        """End it at once."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Its status, once it has ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.status is None:
            pid, status = os.waitpid(self.pid, 0 if deadline is None else os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("hdf5_child", timeout or 0)
            else:
                time.sleep(0.0005)
        return self.status


def _run(options: dict[str, Any], write: int) -> NoReturn:
    """What the child does, without the fuzzer's handlers and without a return."""
    code = 70
    try:
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for number, target in ((null, 0), (write, 1), (null, 2)):
            os.dup2(number, target)
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), "utf-8")
        code = hdf5_child.main([json.dumps(options)])
        sys.stdout.flush()
    finally:
        os._exit(code)


def _start(where: Range, limits: Limits, request: dict[str, object]) -> Any:
    import h5py  # noqa: F401 (once, before the first fork)

    return Forked(hdf5_process.options_of(where, limits, request))


@contextmanager
def forked_children() -> Iterator[None]:
    """Within, HDF5 is read by forked processes."""
    kept, hdf5_process._start = hdf5_process._start, _start
    try:
        yield
    finally:
        hdf5_process._start = kept
