"""Problems: what is wrong, where, and what to do about it, as data.

Only `kover.report` turns a problem into text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from kover.source import Source

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault, with its place and the next action.

    Attributes:
        code: kebab-case name of the fault; it never changes its meaning.
        message: one lower-case sentence without a full stop, user values in quotes.
        source: the place, or None only where there is none (command line usage).
        help: what to do next.
        severity: an `error` stops the command, a `warning` does not.
        related: other places that matter, such as the override that this one shadows.
    """

    code: str
    message: str
    source: Source | None = None
    help: str | None = None
    severity: Severity = "error"
    related: tuple[Source, ...] = ()

    def sort_key(self) -> tuple[tuple[str, int, int, str], str, str]:
        """Order by place, then code, then message."""
        place = self.source.sort_key() if self.source else ("", 0, 0, "")
        return (place, self.code, self.message)


def sorted_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each distinct problem once, in the order of its place."""
    return tuple(sorted(dict.fromkeys(problems), key=Problem.sort_key))


def cut(text: str, longest: int = 60) -> str:
    """`text` as a message quotes it: no longer than it is of use."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def errors_among(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems that stop the command."""
    return tuple(problem for problem in problems if problem.severity == "error")
