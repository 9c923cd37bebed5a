"""The `compile` sections of the specs, merged key by key into the model's compile config.

The compile config is what `Model.compile` was called with, as Keras serialises it.
Source: keras 3.15.1 trainers/trainer.py, `_compile_config` and `compile_from_config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kover.catalogue import Argument, catalogue
from kover.catalogue.values import check_value, expand
from kover.modelconfig.optimizers import (
    multi_optimizer_place,
    record_at,
    stored_optimizers,
    with_learning_rates,
)
from kover.modelconfig.tree import ModelTree
from kover.planning.compile_changes import compile_changes
from kover.planning.guards import ModelFacts
from kover.planning.optimizer_edits import OptimizerEdit, edit_optimizer
from kover.planning.optimizer_groups import groups_of
from kover.planning.output_names import unknown_outputs
from kover.planning.plan import CompileChange, Unchanged
from kover.planning.renamed_compile import RenamedCompile
from kover.problems import Problem, errors_among
from kover.source import Source
from kover.spec.document import Compile, Value
from kover.values import JSON, as_mapping

# What Keras writes for the arguments that `compile` was not given.
_FRESH: Mapping[str, JSON] = {
    "optimizer": None,
    "loss": None,
    "loss_weights": None,
    "metrics": None,
    "weighted_metrics": None,
    "run_eagerly": False,
    "steps_per_execution": 1,
    "jit_compile": "auto",
}
_UNCOMPILED = "the model was saved uncompiled"


@dataclass(frozen=True)
class Compiled:
    """The outcome: the new compile config (None: as it was), and what differs in it."""

    config: Mapping[str, JSON] | None
    changes: tuple[CompileChange, ...]
    unchanged: tuple[Unchanged, ...]
    problems: tuple[Problem, ...]
    optimizer_state: Literal["keep", "reset"]


@dataclass
class CompilePlanner:
    """Takes `compile` sections in order. They speak of outputs by their new names."""

    tree: ModelTree
    facts: ModelFacts
    renamed: RenamedCompile = field(default_factory=RenamedCompile)
    problems: list[Problem] = field(default_factory=list)
    asked: dict[str, Value] = field(default_factory=dict)
    optimizer_state: Literal["keep", "reset"] = "keep"

    def __post_init__(self) -> None:
        self.before: Mapping[str, JSON] = self.tree.compile_config
        self.was_compiled = self.before.get("optimizer") is not None
        fresh: Mapping[str, JSON] = {} if self.was_compiled else _FRESH
        self.now: dict[str, JSON] = {**fresh, **self.before, **self.renamed.settings}
        self.asked |= self.renamed.asked
        self.optimizer_replaced = False
        self.groups_removed: Problem | None = None
        self.rates_known = False
        self.first_sources: dict[str, Source] = {}
        self.optimizer_refused = False

    def add(self, section: Compile) -> None:
        """Merge one section."""
        if section.optimizer_state_source is not None:
            self.optimizer_state = section.optimizer_state
        if section.optimizer is not None:
            source = section.optimizer_key_source or section.optimizer.source()
            self.first_sources.setdefault("optimizer", source)
            self._edit_optimizer(section.optimizer)
        for name, value in section.arguments.items():
            source = section.argument_key_sources.get(name) or value.source()
            self.first_sources.setdefault(name, source)
            self._set(name, value)

    def finish(self, per_layer: tuple[Source, ...] = ()) -> Compiled:
        """The merged config.

        Args:
            per_layer: places of learning rates and weight decays for layers: they take an
                optimizer.
        """
        if not self.optimizer_replaced:
            self.problems += self.renamed.misled
        if self.groups_removed is not None and not per_layer:
            self.problems.append(self.groups_removed)
        if self.optimizer_refused:
            pass  # one problem about the optimizer is enough
        elif self.now.get("optimizer") is None:
            self.problems += self._without_optimizer(per_layer)
        elif not self.was_compiled and not self._has_loss():
            self.problems.append(
                Problem(
                    "not-compiled",
                    f"{_UNCOMPILED}: with the optimizer goes a loss",
                    self.first_sources["optimizer"],
                    "add `loss`, or `loss: null` if the model adds its own losses",
                )
            )
        if errors_among(self.problems):
            return Compiled(None, (), (), tuple(self.problems), self.optimizer_state)
        found = compile_changes(self.before, self.now, self.asked, self.facts)
        return Compiled(
            found.config if found.changes else None,
            found.changes,
            found.unchanged,
            tuple(self.problems),
            self.optimizer_state,
        )

    def _has_loss(self) -> bool:
        return "loss" in self.first_sources or bool(self.before.get("loss"))

    def _set(self, name: str, value: Value) -> None:
        argument = catalogue().compile_arguments.get(name, Argument(name, nullable=True))
        problems = check_value(argument, value, name)
        if argument.kind in ("losses", "metrics", "weights"):
            problems += unknown_outputs(self.tree, name, value, self.renamed.outputs)
        self.problems += problems
        if not errors_among(problems):
            self.now[name] = expand(argument, value.data)
            self.asked[name] = value

    def _edit_optimizer(self, value: Value) -> None:
        self._take_stored_rates()
        present = self.now.get("optimizer")
        edit: OptimizerEdit = edit_optimizer(present, value)
        self.problems += edit.problems
        if not errors_among(edit.problems):
            self.now["optimizer"] = edit.optimizer
            if edit.replaces:
                self.optimizer_replaced = True
                self.groups_removed = self.groups_removed or _groups_removed(present, edit, value)
                self.asked = {k: v for k, v in self.asked.items() if not k.startswith("optimizer")}
            self.asked |= edit.asked
        else:
            self.optimizer_refused = True

    def _take_stored_rates(self) -> None:
        """Let the config of a `MultiOptimizer` say the learning rates that count.

        Which groups have the rate of the default optimizer shows in these alone.
        """
        old, new = self.before.get("optimizer"), self.now.get("optimizer")
        if self.rates_known or multi_optimizer_place(old) is None:
            return
        self.rates_known = True
        stored = self.facts.group_rates() if self.facts.group_rates is not None else {}
        renamed = {
            now.attribute: stored[was.attribute]
            for was, now in zip(stored_optimizers(old), stored_optimizers(new), strict=False)
            if was.attribute in stored
        }
        self.before = {**self.before, "optimizer": with_learning_rates(old, stored)}
        self.now["optimizer"] = with_learning_rates(new, renamed)

    def _without_optimizer(self, per_layer: tuple[Source, ...]) -> list[Problem]:
        sources = [*self.first_sources.values(), *per_layer]
        if self.optimizer_state == "reset" and not sources:
            return []
        return [
            Problem(
                "not-compiled",
                f"{_UNCOMPILED}: there is no optimizer to go with this",
                source,
                "give `compile.optimizer` (with a class) and `compile.loss`",
            )
            for source in sources
        ]


def _groups_removed(present: JSON, edit: OptimizerEdit, value: Value) -> Problem | None:
    """A word on the groups of a `MultiOptimizer` that gives way to one optimizer."""
    place = multi_optimizer_place(present)
    if place is None or multi_optimizer_place(edit.optimizer) is not None:
        return None
    count = len(groups_of(as_mapping(record_at(present, place))))
    groups = "group of variables is" if count == 1 else f"{count} groups of variables are"
    return Problem(
        "groups-removed",
        f"the MultiOptimizer's {groups} gone: all variables train with this optimizer",
        value.source(),
        "to keep the groups, leave `class` out; to make them anew, give rates in `overrides`",
        "warning",
    )
