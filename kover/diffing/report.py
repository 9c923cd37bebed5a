"""The report of a run: a `ModelDiff`, and what `apply` knows beyond it.

`kover diff` has the diff alone. The engine adds where each change comes from, whether it was
seen to take effect, what happened to stored values and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kover.diffing.model_diff import Effective, ModelDiff, OptimizerStateDiff
from kover.planning.plan import Plan
from kover.problems import Problem
from kover.source import Source

Setting = tuple[str | None, str]
"""A layer's path (None for a compile setting) and an attribute."""


@dataclass(frozen=True)
class Check:
    """One thing that was verified, or that failed to hold.

    `help` is what to do about a failure that is no fault of kover's.
    """

    name: str
    ok: bool
    detail: str = ""
    help: str = ""


@dataclass(frozen=True)
class Verification:
    """How far the result was verified: `none`, `build`, `load` or `train`."""

    level: str = "none"
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Reinitialized:
    """A variable that got fresh values; `shape_before` is None if it was not there."""

    layer: str
    variable: str
    shape_before: tuple[int, ...] | None
    shape_after: tuple[int, ...]
    seed: int


@dataclass(frozen=True)
class WeightsCarried:
    """What became of the stored arrays: copied as they were, patched, or re-created."""

    copied: int = 0
    patched: int = 0
    reinitialized: tuple[Reinitialized, ...] = ()


@dataclass(frozen=True)
class Applied:
    """What an apply knows beyond the diff.

    Attributes:
        plan: what was planned: overrides with what they matched, shadowed and idle settings.
        sources: the place in a spec that each changed setting comes from.
        verified: whether each changed setting was seen to take effect; absent: not looked at.
        output: where the model was written, None for a dry run.
        optimizer_state: exact counts with reasons; replaces what a plain diff can tell.
        effective: as Keras sees it; replaces what a plain diff can tell.
    """

    plan: Plan | None = None
    sources: Mapping[Setting, Source] = field(default_factory=dict)
    verified: Mapping[Setting, bool] = field(default_factory=dict)
    verification: Verification = Verification()
    output: str | None = None
    weights: WeightsCarried | None = None
    optimizer_state: OptimizerStateDiff | None = None
    effective: Effective | None = None
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Report:
    """A diff, with the facts of the apply that caused it if there was one."""

    diff: ModelDiff
    applied: Applied | None = None

    @property
    def effective(self) -> Effective:
        """What Keras makes of it, as exactly as is known."""
        if self.applied is not None and self.applied.effective is not None:
            return self.applied.effective
        return self.diff.effective

    @property
    def optimizer_state(self) -> OptimizerStateDiff | None:
        """The optimizer's slots, as exactly as is known."""
        if self.applied is not None and self.applied.optimizer_state is not None:
            return self.applied.optimizer_state
        return self.diff.optimizer_state

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """All warnings, each once, in the order of their places."""
        mine = self.applied.warnings if self.applied else ()
        plan = self.applied.plan.warnings if self.applied and self.applied.plan else ()
        return tuple(
            sorted(dict.fromkeys((*self.diff.warnings, *plan, *mine)), key=Problem.sort_key)
        )
