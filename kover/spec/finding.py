"""Which spec files are meant: files, folders with all specs below, globs, `-`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

from kover.errors import UsageError
from kover.source import Source

_SUFFIXES: Final = (".yaml", ".yml")
_WILD: Final = frozenset("*?[")


def find_specs(arguments: Iterable[str]) -> tuple[str, ...]:
    """The spec files that the arguments name, each once.

    A folder stands for every `.yaml` and `.yml` file below it, hidden folders left out. What does
    not exist and has wildcards is a glob over such files, in which `**` crosses folders. Anything
    else is a file, whether it exists or not.

    Raises:
        UsageError: `no-specs` for a folder without specs, or a glob that matches nothing.
    """
    found: list[str] = []
    for argument in arguments:
        paths = list(_found(argument))
        if not paths:
            what = "is a folder without specs" if os.path.isdir(argument) else "matches no file"  # noqa: PTH112 (start-up time)
            help = "specs end in .yaml or .yml"
            raise UsageError.at("no-specs", f"'{argument}' {what}", Source(argument), help)
        found += [path for path in paths if path == "-" or path not in found]
    return tuple(found)


def _found(argument: str) -> Iterator[str]:
    if os.path.isdir(argument):  # noqa: PTH112
        yield from _below(argument)
    elif _WILD & set(argument) and not os.path.lexists(argument):
        from glob import glob

        matches = sorted(glob(argument, recursive=True))  # noqa: PTH207 (keeps the text as typed)
        yield from (path for path in matches if path.endswith(_SUFFIXES))
    else:
        yield argument


def _below(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                yield os.path.join(parent, name)  # noqa: PTH118 (start-up time)
