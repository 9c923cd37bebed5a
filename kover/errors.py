"""Typed errors. Core code raises these; only `kover.cli` turns them into an exit code.

    KoverError                 exit 2: could not
    |-- AnswerIsNo             exit 1: the spec is invalid, or does not fit the model
    |-- InputError             exit 2: a file cannot be read, is damaged or is unsafe
    |-- UsageError             exit 2: the request itself makes no sense
    |-- OutputError            exit 2: the result cannot be written
    `-- KerasError             exit 2: Keras refused the rebuilt model
        `-- VerificationError  exit 2: Keras accepted it, but it is not what was asked for

Anything else that escapes is a bug in kover: exit 70.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from kover.problems import Problem, sorted_problems
from kover.source import Source


class KoverError(Exception):
    """A request that could not be carried out, as one or more problems with places."""

    exit_code: ClassVar[int] = 2

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        listed = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.problems: tuple[Problem, ...] = sorted_problems(listed)
        super().__init__("; ".join(f"{p.code}: {p.message}" for p in self.problems))

    @classmethod
    def at(
        cls, code: str, message: str, source: Source | None = None, help: str | None = None
    ) -> KoverError:
        """The error with a single problem."""
        return cls(Problem(code, message, source, help))


class AnswerIsNo(KoverError):  # noqa: N818 (an answer, not an error)
    """The spec is invalid, or does not fit the model."""

    exit_code = 1


class InputError(KoverError):
    """A file is missing, unreadable, damaged or unsafe."""


class UsageError(KoverError):
    """The request contradicts itself or names what does not exist."""


class OutputError(KoverError):
    """The result cannot be written where it was asked for."""


class KerasError(KoverError):
    """Keras refused the model that the plan describes."""


class VerificationError(KerasError):
    """Keras accepted the model, but it is not the model that the plan describes."""
