"""The only did-you-mean."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED = 8


def nearest(name: str, candidates: Iterable[str], most: int = 3) -> list[str]:
    """The candidates that look like `name`, best first; letter case is forgiven."""
    names = sorted(set(candidates))
    lowered = {candidate.lower(): candidate for candidate in reversed(names)}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=most, cutoff=0.6)
    return [lowered[match] for match in close]


def did_you_mean(name: str, candidates: Iterable[str], noun: str = "names") -> str | None:
    """A help line: the nearest candidates, or else the first few of all of them."""
    names = sorted(set(candidates))
    close = nearest(name, names)
    if close:
        return "did you mean " + " or ".join(f"'{match}'" for match in close) + "?"
    if not names:
        return None
    listed = ", ".join(f"'{match}'" for match in names[:_LISTED])
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"known {noun}: {listed}{more}"
