"""What `kover show` knows of an archive, as data. Nothing here reads or renders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kover.diffing.model_diff import ArchiveFacts, ArrayFact
from kover.problems import Problem
from kover.values import JSON, MISSING, Missing

Severity = Literal["danger", "custom"]


@dataclass(frozen=True)
class Finding:
    """Something in the config that Keras' own classes do not explain.

    Attributes:
        severity: `danger` can run code or reach outside the archive when Keras loads it;
            `custom` needs a class or function that is not Keras' own.
        what: the class, function or marker.
        where: the layer's path, `compile`, or the model (empty).
        why: what it means for somebody who loads the file.
    """

    severity: Severity
    what: str
    where: str
    why: str


@dataclass(frozen=True)
class LayerShown:
    """One layer.

    Attributes:
        depth: 0 for the model's own layers.
        parent: path of the layer that holds it.
        holds: how many layers it holds, at any depth.
        output_shape: None where a size is not fixed; a list of shapes for several outputs;
            MISSING where the config does not tell.
        parameters: how many numbers it stores, with what it holds; None without a weights file.
        trainable: its own setting.
        settings: those that matter, in short form.
        arrays: what it stores itself.
        inputs: paths of the layers that feed it, as far as the config tells.
    """

    path: str
    name: str
    class_name: str
    depth: int
    parent: str | None = None
    holds: int = 0
    output_shape: JSON | Missing = MISSING
    parameters: int | None = None
    trainable: bool = True
    settings: Mapping[str, JSON] = field(default_factory=dict)
    arrays: tuple[ArrayFact, ...] = ()
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rate:
    """A learning rate that a load would give.

    Attributes:
        where: a variable pattern of a `MultiOptimizer`, or `*` for everything.
        value: a number, or a schedule in short form.
        written: what the config says, where a load takes another one from the weights.
    """

    where: str
    value: JSON
    written: JSON | Missing = MISSING


@dataclass(frozen=True)
class ModelShown:
    """An archive as a person wants to see it.

    Attributes:
        compiled: whether there is an optimizer.
        model_settings: the model's own config, where its class is not one of Keras' three.
        settings: of `compile`, in short form, with effective rates.
        slots: how many arrays of optimizer state are stored.
        iterations: the optimizer's step counter.
        files: members beside config, metadata and weights, with their sizes in bytes.
        provenance: the `kover` record of `metadata.json`, `{}` where there is none.
        saved: when Keras saved the model, as it says.
    """

    facts: ArchiveFacts
    layers: tuple[LayerShown, ...]
    parameters: int | None = None
    trainable_parameters: int | None = None
    compiled: bool = False
    model_settings: Mapping[str, JSON] = field(default_factory=dict)
    settings: Mapping[str, JSON] = field(default_factory=dict)
    rates: tuple[Rate, ...] = ()
    slots: int = 0
    iterations: int | None = None
    findings: tuple[Finding, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    provenance: Mapping[str, JSON] = field(default_factory=dict)
    saved: str | None = None
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class LayerDetail:
    """One layer with its whole config.

    Attributes:
        config: every attribute in short form; absent ones that the class would take by
            default are left out.
        defaults: names of those that have their class's default.
        held: paths of the layers it holds directly.
    """

    facts: ArchiveFacts
    layer: LayerShown
    config: Mapping[str, JSON]
    defaults: frozenset[str] = frozenset()
    held: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
