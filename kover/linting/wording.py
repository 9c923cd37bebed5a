"""What rules share in saying what they found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kover.problems import Problem
from kover.source import Source

_SHOWN = 3


def warning(
    code: str, message: str, source: Source, help: str, related: tuple[Source, ...] = ()
) -> Problem:
    """What a rule has to say."""
    return Problem(code, message, source, help, "warning", related)


def listed(paths: Iterable[str]) -> str:
    """The layers as part of a sentence: `'a'`, `'a' and 'b'`, `'a', 'b', 'c' and 4 more`."""
    names = [f"'{path}'" for path in dict.fromkeys(paths)]
    if len(names) > _SHOWN + 1:
        names = [*names[:_SHOWN], f"{len(names) - _SHOWN} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def by_source(pairs: Iterable[tuple[Source, str]]) -> Mapping[Source, list[str]]:
    """Layer paths under the setting that reaches them, so that one setting is one warning."""
    found: dict[Source, list[str]] = {}
    for source, path in pairs:
        found.setdefault(source, []).append(path)
    return found
