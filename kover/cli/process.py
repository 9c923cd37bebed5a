"""What a command line owes to the process around it: signals, closed pipes, a quick end."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, NoReturn

INTERRUPTED: Final = 130
CLOSED_PIPE: Final = 141  # 128 + SIGPIPE, as a process that the signal ends

_GARBAGE_THRESHOLD: Final = 50_000


def start_lightly() -> None:
    """Collect garbage less often: starting up makes many objects, and no garbage."""
    gc.set_threshold(_GARBAGE_THRESHOLD)


def is_own_process() -> bool:
    """Whether this process was started as `kover` or `python -m kover`."""
    main = sys.modules.get("__main__")
    name = os.path.basename(getattr(main, "__file__", None) or "")  # noqa: PTH119 (start-up time)
    return name == "kover" or getattr(main, "__package__", None) == "kover"


def leave(code: int) -> NoReturn:
    """End the process without taking every module apart.

    That costs a tenth of `validate`, and a second with TensorFlow. What asked to be called at
    the end is called.
    """
    with suppress(KeyboardInterrupt):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)


def escape_what_the_terminal_lacks() -> None:
    """Print characters that the encoding of the output lacks as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def discard_stdout() -> None:
    """Send what is still to be printed nowhere: the reader has gone."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def termination_raises() -> Iterator[None]:
    """End by an exception on SIGTERM and SIGHUP, so that temporary files are removed."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {}
    with suppress(ValueError):  # not in the main thread
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
