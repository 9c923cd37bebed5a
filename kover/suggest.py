"""The only did-you-mean."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED = 8


def nearest(name: str, candidates: Iterable[str], most: int = 3) -> list[str]:
    """The candidates that look like `name`, best first; letter case is forgiven.

    So are initials: `lr` is `learning_rate`.
    """
    spellings: dict[str, list[str]] = {}
    for candidate in sorted(set(candidates)):
        spellings.setdefault(candidate.lower(), []).append(candidate)
    close = difflib.get_close_matches(name.lower(), list(spellings), n=most, cutoff=0.6)
    if not close:
        close = [spelt for spelt in spellings if _initials(spelt) == name.lower()][:most]
    return [max(spellings[match], key=lambda spelt: _likeness(name, spelt)) for match in close]


def _initials(name: str) -> str:
    """`lr` for `learning_rate`; empty for a name of one part."""
    parts = name.split("_")
    return "".join(part[:1] for part in parts) if len(parts) > 1 else ""


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


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
