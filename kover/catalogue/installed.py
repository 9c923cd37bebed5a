"""The version of the Keras that `kover apply` would run, told without importing it."""

from __future__ import annotations

import re
from functools import cache
from importlib.machinery import PathFinder

_VERSION = re.compile(r"""^__version__ = ["']([^"']+)["']""", re.MULTILINE)
_FILES = ("src/version.py", "version.py")


@cache
def installed_keras() -> str | None:
    """Such as `3.15.1`; None where there is no Keras 3, or it does not tell.

    Reading one small file of the package costs a tenth of a millisecond; asking
    `importlib.metadata` takes a hundred times that, most of it to import it.
    """
    found = PathFinder.find_spec("keras")
    for folder in (found.submodule_search_locations if found is not None else None) or ():
        for name in _FILES:
            try:
                with open(f"{folder}/{name}", encoding="utf-8") as file:  # noqa: PTH123 (start-up time)
                    version = _VERSION.search(file.read(10_000))
            except (OSError, UnicodeDecodeError):
                continue
            if version is not None:
                return version[1]
    return None
