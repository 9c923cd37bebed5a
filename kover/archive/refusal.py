"""Errors with a place inside an archive, made in one line."""

from __future__ import annotations

from kover.errors import InputError, OutputError
from kover.problems import Problem
from kover.source import Source


def refused(
    code: str, message: str, path: str, inside: str | None = None, help: str | None = None
) -> InputError:
    """The error for an input file, or a member of it, that cannot be taken."""
    return InputError(Problem(code, message, Source(path, inside=inside), help))


def unwritable(code: str, message: str, path: str, help: str | None = None) -> OutputError:
    """The error for a result that cannot be written to `path`."""
    return OutputError(Problem(code, message, Source(path), help))


def quoted(text: str, limit: int = 60) -> str:
    """`text` in quotes, control characters escaped and cut to `limit` characters."""
    shown = repr(text[: limit + 1])[1:-1]
    return f"'{shown[:limit]}…'" if len(shown) > limit else f"'{shown}'"
