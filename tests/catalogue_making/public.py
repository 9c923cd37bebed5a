"""What Keras offers: its public classes and functions, by kind, with every name they go by.

Everything is read from Keras' own tables (`ALL_OBJECTS_DICT`, the exported API), so that a
new Keras needs no list to be kept here; only the arguments needed to construct one instance
of a class that has required arguments are written down.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ALSO_MODELS = {
    "Sequential": ("keras", "Sequential"),
    "Functional": ("keras.src.models.functional", "Functional"),
}
ABSTRACT = {
    "Layer", "Wrapper", "InputSpec", "Optimizer", "LearningRateSchedule", "Loss", "Metric",
    "Regularizer", "Initializer", "Constraint", "OptimizerMap", "DTypePolicyMap",
    "LossFunctionWrapper", "FloatDTypePolicy",
}  # fmt: skip
NOT_CONSTRUCTIBLE = {
    "Lambda",
    "TFSMLayer",
    "FlaxLayer",
    "JaxLayer",
    "TorchModuleWrapper",
    "MultiOptimizer",
}
ALIASES = {
    ("regularizer", "L1L2"): ("l1_l2",),
    ("optimizer", "Lamb"): ("lamb",),
}


@dataclass
class Public:
    """One public class or function of Keras."""

    kind: str
    name: str
    module: str
    object: Any
    identifiers: set[str] = field(default_factory=set)  # strings that Keras' own get() takes
    aliases: set[str] = field(default_factory=set)  # other exported names, for records only

    @property
    def is_function(self) -> bool:
        return not inspect.isclass(self.object)


def api_name(thing: Any) -> tuple[str, str] | None:
    """The module and name that Keras writes into a record for `thing`."""
    from keras.src import api_export

    full = api_export.get_name_from_symbol(thing)
    if full is None:
        return None
    module, _, name = full.rpartition(".")
    return module, name


def public_objects() -> list[Public]:
    """All of them, sorted by kind and name."""
    found: dict[tuple[str, str], Public] = {}
    for kind, exported, thing, is_identifier in _all_names():
        place = ALSO_MODELS.get(exported) or api_name(thing)
        name = place[1] if place else ""
        if place is None or name in ABSTRACT:
            continue
        entry = found.setdefault((kind, name), Public(kind, name, place[0], thing))
        (entry.identifiers if is_identifier else entry.aliases).add(exported)
    for key, names in ALIASES.items():
        found[key].aliases.update(names)
    return [found[key] for key in sorted(found)]


def _all_names() -> Iterator[tuple[str, str, Any, bool]]:
    import keras
    from keras.src.models.functional import Functional

    for kind, namespace, table in _namespaces():
        for name, thing in table.items():
            if not name.startswith("_"):
                yield kind, name, thing, True
        for name in dir(namespace):
            thing = getattr(namespace, name)
            if _belongs(kind, name, thing):
                yield kind, name, thing, False
    yield "layer", "Sequential", keras.Sequential, False
    yield "layer", "Functional", Functional, False


def _namespaces() -> list[tuple[str, Any, dict[str, Any]]]:
    import keras
    from keras.src import (
        activations,
        constraints,
        initializers,
        losses,
        metrics,
        optimizers,
        regularizers,
    )

    return [
        ("activation", keras.activations, activations.ALL_OBJECTS_DICT),
        ("constraint", keras.constraints, constraints.ALL_OBJECTS_DICT),
        ("dtype_policy", keras.dtype_policies, {}),
        ("initializer", keras.initializers, initializers.ALL_OBJECTS_DICT),
        ("layer", keras.layers, {}),
        ("loss", keras.losses, losses.ALL_OBJECTS_DICT),
        ("metric", keras.metrics, metrics.ALL_OBJECTS_DICT),
        ("optimizer", keras.optimizers, optimizers.ALL_OBJECTS_DICT),
        ("regularizer", keras.regularizers, regularizers.ALL_OBJECTS_DICT),
        ("schedule", keras.optimizers.schedules, {}),
    ]


def _belongs(kind: str, name: str, thing: Any) -> bool:
    if name.startswith("_") or name in {"get", "serialize", "deserialize"}:
        return False
    if inspect.isclass(thing):
        return True
    return kind in {"activation", "loss", "metric"} and inspect.isfunction(thing)
