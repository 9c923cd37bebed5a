"""What a lint rule looks at: a plan, and the model before and after it. Values, nothing acts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from kover.modelconfig.tree import ModelTree, read_tree
from kover.planning.plan import Plan
from kover.problems import Problem
from kover.spec.document import Spec
from kover.values import JSON, as_mapping


@dataclass(frozen=True)
class Subject:
    """A plan that is sound, the model that it is for, and the specs that it came from.

    `saved_by` is the version of the Keras that saved the model, None where it is not known.
    """

    plan: Plan
    before: ModelTree
    specs: Sequence[Spec]
    saved_by: str | None = None

    @cached_property
    def after(self) -> ModelTree:
        """The model as the plan makes it."""
        return read_tree(self.plan.after, "plan")

    @cached_property
    def optimizer(self) -> Mapping[str, JSON]:
        """The optimizer's record after the plan; empty when there is none."""
        return as_mapping(self.after.compile_config.get("optimizer"))

    def is_frozen(self, path: str) -> bool:
        """Whether the layer does not train after the plan."""
        node = self.after.get(path)
        return node is not None and self.after.config(node).get("trainable") is False


@dataclass(frozen=True)
class Rule:
    """One rule: its code, which a spec can switch off, and what finds it."""

    code: str
    check: Callable[[Subject], Iterator[Problem]]
