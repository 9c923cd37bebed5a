"""What differs between two archives, as data.

A `ModelDiff` holds two readings of the same comparison: the one a person wants (short forms,
noise left out, paired layers), and `config_patch`, the exact edits that turn one `config.json`
into the other. Nothing here compares or renders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kover.problems import Problem
from kover.values import JSON, MISSING, Missing

Pointer = tuple[str | int, ...]
Kind = Literal["changed", "added", "removed", "renamed", "moved"]


@dataclass(frozen=True)
class ArchiveFacts:
    """One of the two archives.

    `sha256` is None where nobody asked for it; `layer_count` counts every serialised layer.
    """

    path: str
    sha256: str | None = None
    keras_version: str | None = None
    size_bytes: int | None = None
    name: str = ""
    class_name: str = ""
    layer_count: int = 0


@dataclass(frozen=True)
class AttributeChange:
    """One attribute with two values, in short form; MISSING where it does not exist."""

    attribute: str
    before: JSON | Missing
    after: JSON | Missing


@dataclass(frozen=True)
class LayerDiff:
    """What became of one layer.

    Attributes:
        layer: its path after, or before if it was removed.
        class_name: its class after, or before if it was removed.
        kind: `renamed` and `moved` layers may have changes as well.
        renamed_from: the path before, where it differs.
        holds: how many layers an added or removed nested model or wrapper takes along.
        within: path of the added or removed model or wrapper that this one went with.
        drifted: its new name tells nothing: Keras made up both, and only counted on.
    """

    layer: str
    class_name: str
    kind: Kind
    changes: tuple[AttributeChange, ...] = ()
    renamed_from: str | None = None
    holds: int = 0
    within: str | None = None
    drifted: bool = False


@dataclass(frozen=True)
class OutlineLayer:
    """A layer of either model, for a picture of both.

    Attributes:
        path: after, or before if it was removed.
        origin: the path before, None if it was added.
        parent: path of the layer that holds it, as `path`.
        inputs: paths of the layers that feed it.
        former_inputs: paths of removed layers that fed it before.
        removed: it is only in the model before.
        is_model: it holds layers that are wired inside it.
    """

    path: str
    name: str
    class_name: str
    origin: str | None
    parent: str | None = None
    inputs: tuple[str, ...] = ()
    former_inputs: tuple[str, ...] = ()
    removed: bool = False
    is_model: bool = False


@dataclass(frozen=True)
class NonFinite:
    """How many entries are not numbers, or not finite."""

    nan: int = 0
    inf: int = 0


@dataclass(frozen=True)
class ArrayChange:
    """One stored array that differs.

    `layer` is None for an array that belongs to no layer; `variable` is then its HDF5 path.
    Shape and dtype are those after, `shape_before` and `dtype_before` tell the old ones where
    they differ; then there is nothing to measure and the measures are None. `max_abs` and
    `rel_l2` (relative to the old norm) are taken over entries that are finite on both sides.
    `histogram`, where it was asked for: how many entries moved by less than 2**k, for each k.
    """

    layer: str | None
    variable: str
    shape: tuple[int, ...]
    dtype: str
    shape_before: tuple[int, ...] | None = None
    dtype_before: str | None = None
    max_abs: float | None = None
    rel_l2: float | None = None
    share: float | None = None
    nonfinite_before: NonFinite = NonFinite()
    nonfinite_after: NonFinite = NonFinite()
    histogram: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class ArrayFact:
    """A stored array that exists on one side only."""

    layer: str | None
    variable: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class WeightsDiff:
    """The stored arrays outside the optimizer. `compared` counts the pairs."""

    compared: int = 0
    equal: int = 0
    changed: tuple[ArrayChange, ...] = ()
    added: tuple[ArrayFact, ...] = ()
    removed: tuple[ArrayFact, ...] = ()

    @property
    def same(self) -> bool:
        """Whether every array has an equal partner."""
        return not (self.changed or self.added or self.removed)


@dataclass(frozen=True)
class OptimizerStateDiff:
    """The optimizer's slots: momenta, moments, averages, one for each variable and kind.

    Attributes:
        kept: equal before and after.
        changed: other values, as after further training.
        reset: started afresh: all zero now, and not before.
        dropped: only before.
        added: only after.
        iterations: the optimizer's step counter before and after, None where there is none.
        reasons: why slots were reset or dropped, where an apply knows.
    """

    kept: int = 0
    reset: int = 0
    dropped: int = 0
    changed: int = 0
    added: int = 0
    iterations: tuple[int | None, int | None] = (None, None)
    reasons: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether the whole state is equal."""
        counts = self.reset or self.dropped or self.changed or self.added
        return not counts and self.iterations[0] == self.iterations[1]


@dataclass(frozen=True)
class AssetChange:
    """A member of the archive beside config, metadata and weights. `detail`: how it changed."""

    name: str
    kind: Literal["changed", "added", "removed"]
    detail: str = ""


@dataclass(frozen=True)
class EffectiveRate:
    """The learning rate and weight decay that training will use for some variables.

    `where` is a layer path, a variable pattern of a `MultiOptimizer`, or `*` for everything.
    """

    where: str
    before: JSON | Missing
    after: JSON | Missing
    weight_decay_before: JSON | Missing = MISSING
    weight_decay_after: JSON | Missing = MISSING


@dataclass(frozen=True)
class EffectivePenalty:
    """A regularization term: the layer, the variable or `activity`, and the penalty itself."""

    layer: str
    variable: str
    before: JSON | Missing
    after: JSON | Missing


@dataclass(frozen=True)
class Effective:
    """What Keras will make of the two archives. None where that cannot be told without it."""

    trainable_parameters: tuple[int | None, int | None] = (None, None)
    parameters: tuple[int | None, int | None] = (None, None)
    learning_rates: tuple[EffectiveRate, ...] = ()
    regularization: tuple[EffectivePenalty, ...] = ()


@dataclass(frozen=True)
class RecordEdit:
    """One exact edit within a layer's own record, at `pointer`; MISSING is absent."""

    pointer: Pointer
    before: JSON | Missing
    after: JSON | Missing


@dataclass(frozen=True)
class ConfigPatch:
    """What turns one `config.json` into the other, noise included.

    Layers are named by their path after; `""` is the model itself.

    Attributes:
        origins: path after -> path before, for every layer that has another path now.
        renamed: path after -> the new name, where a layer has another name now.
        names: path after of a holder -> old to new names of the layers it holds, which the
            tensor references follow.
        added: the own record of every layer that was not there before.
        edits: what to replace in the own records of the others.
    """

    origins: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    added: Mapping[str, dict[str, JSON]] = field(default_factory=dict)
    edits: Mapping[str, tuple[RecordEdit, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelDiff:
    """What differs between two archives.

    Attributes:
        model: attributes of the model itself.
        compile: compile settings, with the effective learning rate.
        metadata: what `metadata.json` tells, dates left out.
        weights: None when they were not compared.
        optimizer_state: None when weights were not compared, or there is none on either side.
        outline: every layer of the model after, in order, with the removed ones where they were.
    """

    before: ArchiveFacts
    after: ArchiveFacts
    layers: tuple[LayerDiff, ...] = ()
    model: tuple[AttributeChange, ...] = ()
    compile: tuple[AttributeChange, ...] = ()
    metadata: tuple[AttributeChange, ...] = ()
    weights: WeightsDiff | None = None
    optimizer_state: OptimizerStateDiff | None = None
    assets: tuple[AssetChange, ...] = ()
    effective: Effective = Effective()
    config_patch: ConfigPatch = ConfigPatch()
    outline: tuple[OutlineLayer, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether nothing but noise differs. Provenance is no difference."""
        metadata = [change for change in self.metadata if change.attribute != "kover"]
        return (
            not (self.layers or self.model or self.compile or metadata or self.assets)
            and (self.weights is None or self.weights.same)
            and (self.optimizer_state is None or self.optimizer_state.same)
        )
