"""Errors with a place inside an archive, made in one line."""

from __future__ import annotations

from kover.errors import InputError, OutputError
from kover.problems import Problem
from kover.source import Source

_TRUST = "take the model from a source that you trust"
_HELP = {  # where the place that refuses has nothing more particular to say
    "archive-bomb": _TRUST,
    "broken-weights": "copy the file again, or save the model again with Keras",
    "input-changed": "wait until nothing writes to it, then run again",
    "not-found": "check the path",
    "output-damaged": "check the disk, or write to another one",
    "output-exists": "give another name with -o, or replace it with --force",
    "output-unwritable": "give the name of a file in a folder that can be written to",
    "unreadable": "check the permissions of the file and of the folders around it",
    "unsafe-member": _TRUST,
    "unsafe-weights": _TRUST,
}


def refused(
    code: str, message: str, path: str, inside: str | None = None, help: str | None = None
) -> InputError:
    """The error for an input file, or a member of it, that cannot be taken."""
    return InputError(Problem(code, message, Source(path, inside=inside), help or _HELP.get(code)))


def missing_weights(path: str) -> InputError:
    """The error for an archive that holds no weights."""
    return refused(
        "missing-weights",
        "the archive has no 'model.weights.h5', so Keras cannot load it",
        path,
        help="edit the archive alone with `--verify none`",
    )


def unwritable(code: str, message: str, path: str, help: str | None = None) -> OutputError:
    """The error for a result that cannot be written to `path`."""
    return OutputError(Problem(code, message, Source(path), help or _HELP.get(code)))


def quoted(text: str, limit: int = 60) -> str:
    """`text` in quotes, control characters escaped and cut to `limit` characters."""
    shown = repr(text[: limit + 1])[1:-1]
    return f"'{shown[:limit]}…'" if len(shown) > limit else f"'{shown}'"
