"""What a setting can come to for one layer."""

from __future__ import annotations

from dataclasses import dataclass

from kover.planning.layer_edits import Write
from kover.problems import Problem


@dataclass(frozen=True)
class Keeps:
    """The attribute has that value already; the write says which."""

    write: Write


@dataclass(frozen=True)
class Lacks:
    """The layer has no such attribute. A problem only where the layer was named.

    `held_inside`: layers that it holds have it, and the problem's help names them.
    """

    problem: Problem
    held_inside: bool = False


@dataclass(frozen=True)
class Refused:
    """The value, or the attribute itself, is not to be had, whatever the layer."""

    problems: tuple[Problem, ...]


Resolved = Write | Keeps | Lacks | Refused
