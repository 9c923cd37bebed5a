"""Run kover with one system call that fails, or ends the process: faulty.py WHAT INDEX HOW ARGS...

WHAT is a function of `os`, INDEX counts its calls, HOW is an error's name or `kill`. Ends with
99 if there was no such call. Only what changes files is counted, not what Python does itself.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

from kover.cli.main import run

NOT_REACHED = 99
CALLS = ("pwrite", "copy_file_range", "fsync", "replace", "link", "fchmod", "unlink", "open")


class Fault:
    """A function that works but for one call."""

    def __init__(self, name: str, index: int, how: str) -> None:
        self.name = name
        self.left = index
        self.how = how
        self.real = getattr(os, name)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call the real one, or fail."""
        if self.name == "open" and not (arguments[1] & os.O_CREAT):
            return self.real(*arguments, **options)
        self.left -= 1
        if self.left != -1:
            return self.real(*arguments, **options)
        if self.how == "kill":
            os._exit(137)
        if self.how == "killed after":
            self.real(*arguments, **options)
            os._exit(137)
        number = getattr(errno, self.how)
        raise OSError(number, os.strerror(number))


def main(arguments: list[str]) -> int:
    """Run kover with a fault."""
    fault = Fault(arguments[0], int(arguments[1]), arguments[2])
    setattr(os, fault.name, fault)
    code = run(arguments[3:])
    setattr(os, fault.name, fault.real)
    return NOT_REACHED if fault.left >= 0 else code


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
