"""A plan: the complete new config, and who changed what. A value; nothing here acts.

Keras is not needed to make a plan. The engine carries it out; reports show it. A layer's path is
always that in the new config: where a spec renames layers, `Plan.renamed` leads there from the
paths of the archive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from kover.modelconfig.references import Reference, dangerous_references
from kover.problems import Problem
from kover.source import Source
from kover.spec.document import Rate
from kover.values import JSON, Missing


def called(layer: str) -> str:
    """What messages call the layer at a path; that of the model itself is ""."""
    return f"'{layer}'" if layer else "the model"


@dataclass(frozen=True)
class AttributeChange:
    """An attribute of a layer that gets another value.

    `before` and `after` are in short form (`{"class": "L2", "l2": 0.0001}`); MISSING where
    the attribute does not exist. `attribute` is the whole attribute (`kernel_regularizer`),
    also when the spec reached into it with a dot; `class` is the layer's class and `name` its name.
    `class_name` is the class that the layer has in the end. `pushed_from` is the path of the
    nested model or wrapper that the spec named, when the change was pushed down from there.
    `earlier` are the places of earlier settings that still have a part in the value, as when one
    sets `kernel_regularizer.l1` and the next `kernel_regularizer.l2`.
    """

    layer: str
    class_name: str
    attribute: str
    before: JSON | Missing
    after: JSON | Missing
    source: Source
    pushed_from: str | None = None
    earlier: tuple[Source, ...] = ()

    @property
    def called(self) -> str:
        """What messages call the layer; the path of the model itself is ""."""
        return called(self.layer)


@dataclass(frozen=True)
class CompileChange:
    """A compile setting that gets another value: `optimizer.learning_rate`, `loss`, ...

    `before` of the learning rate is what the config says; the effective one is in the weights.
    """

    attribute: str
    before: JSON | Missing
    after: JSON | Missing
    source: Source


@dataclass(frozen=True)
class Shadowed:
    """A setting whose value a later override replaced in the same layer."""

    layer: str
    attribute: str
    source: Source
    by: Source


@dataclass(frozen=True)
class Unchanged:
    """A setting that asked for the value which was there already."""

    layer: str | None  # None for a compile setting
    attribute: str
    value: JSON | Missing
    source: Source


@dataclass(frozen=True)
class Consent:
    """`reinitialize` for one layer.

    Beside a `set` the variables are re-created as well; alone, on purpose.
    `variables` are globs over variable names; empty means all of them.
    """

    layer: str
    seed: int
    variables: tuple[str, ...]
    source: Source


@dataclass(frozen=True)
class LayerRate:
    """A learning rate or weight decay for one layer's variables.

    `learning_rate` and `weight_decay` as written; the later rule wins for each variable.
    """

    layer: str
    variables: tuple[str, ...]
    source: Source
    learning_rate: Rate | None = None
    weight_decay: Rate | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one override: the layers it matched, and those it passed over.

    `passed_over` maps an attribute to the paths of matched layers that have no such attribute.
    Paths are those in the new config, while the selector read the archive.
    """

    source: Source
    selector: str  # the selector, as one line of text
    matched: tuple[str, ...]
    passed_over: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    description: str | None = None


@dataclass(frozen=True)
class Plan:
    """What applying some specs to one model means.

    Attributes:
        before: the parsed `config.json` of the model. Never modified.
        after: the complete new `config.json`.
        renamed: path before to path after, of every layer that is renamed or held by one that is.
        optimizer_state: keep every slot that survives, or reset them all.
        warnings: what is worth saying although the plan is sound.
    """

    before: Mapping[str, JSON]
    after: Mapping[str, JSON]
    changes: tuple[AttributeChange, ...] = ()
    compile_changes: tuple[CompileChange, ...] = ()
    shadowed: tuple[Shadowed, ...] = ()
    unchanged: tuple[Unchanged, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    consents: tuple[Consent, ...] = ()
    rates: tuple[LayerRate, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    optimizer_state: Literal["keep", "reset"] = "keep"
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def dangers_before(self) -> tuple[Reference, ...]:
        """What loading the model should not touch."""
        return dangerous_references(self.before)

    @cached_property
    def dangers_after(self) -> tuple[Reference, ...]:
        """What loading the new model should not touch."""
        return dangerous_references(self.after)

    @property
    def is_noop(self) -> bool:
        """Whether the output would mean the same as the input."""
        return not (
            self.changes
            or self.compile_changes
            or self.consents
            or self.rates
            or self.optimizer_state == "reset"
        )

    def blame(self, layer: str) -> tuple[Source, ...]:
        """The places in the specs that changed `layer`, or anything inside or around it."""
        near = [
            source
            for change in self.changes
            if change.layer == layer
            or change.layer.startswith(f"{layer}/")
            or layer.startswith(f"{change.layer}/")
            for source in (*change.earlier, change.source)
        ]
        return tuple(dict.fromkeys(near))
