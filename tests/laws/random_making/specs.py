"""Random valid specs for a saved model; the same for the same seed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from zipfile import ZipFile

from kover.modelconfig.tree import LayerNode, ModelTree, read_tree

VALUES: dict[str, list[Any]] = {
    "activation": ["tanh", "sigmoid", "linear"],
    "activity_regularizer": [{"l2": 0.01}, None],
    "beta_initializer": ["ones", "zeros"],
    "bias_regularizer": [{"l1": 0.01}, "l2"],
    "dropout": [0.1, 0.4],
    "epsilon": [1e-4, 1e-5],
    "kernel_constraint": ["non_neg", {"class": "MaxNorm", "max_value": 3}],
    "kernel_initializer": ["he_normal", {"class": "RandomNormal", "stddev": 0.1}],
    "kernel_regularizer": [{"l2": 0.001}, {"l1": 0.01, "l2": 0.1}, "l1"],
    "momentum": [0.9, 0.5],
    "rate": [0.0, 0.3, 0.5],
    "recurrent_dropout": [0.2],
    "trainable": [False, True],
}
"""Attributes of which every value may be set without a word on stored values."""
STRUCTURE: dict[str, list[Any]] = {"units": [5, 2], "filters": [5], "use_bias": [False]}


@dataclass
class Wanted:
    """A spec, and what it asks for by layer path; `more` are whole overrides beside that."""

    settings: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    consents: list[str] = field(default_factory=list)
    learning_rate: float | None = None
    more: list[dict[str, Any]] = field(default_factory=list)
    compile: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The spec itself; JSON is YAML."""
        overrides: list[Any] = [
            {"layers": f"/{path}", "set": values} for path, values in self.settings
        ]
        overrides += [{"layers": f"/{path}", "reinitialize": True} for path in self.consents]
        overrides += self.more
        spec: dict[str, Any] = {"version": 1, "overrides": overrides}
        if self.learning_rate is not None:
            spec["compile"] = {"optimizer": {"learning_rate": self.learning_rate}}
        if self.compile:
            spec["compile"] = self.compile
        return json.dumps(spec, indent=1)

    @property
    def freezes(self) -> bool:
        """Whether the optimizer's variables may be other ones afterwards."""
        return any("trainable" in values for _, values in self.settings)


def tree_of(path: Path) -> ModelTree:
    with ZipFile(path) as archive:
        return read_tree(json.loads(archive.read("config.json")))


def random_spec(seed: int, model: Path, *, within: Collection[str] | None = None) -> Wanted:
    """A spec of one to four overrides, each of a layer of its own.

    Args:
        seed: tells everything.
        model: the archive.
        within: the layers that may be chosen; None for all.
    """
    random = Random(f"spec {seed}")
    tree = tree_of(model)
    candidates = [n for n in tree.layers if within is None or n.path in within]
    random.shuffle(candidates)
    wanted = Wanted()
    frozen: list[str] = []
    for node in candidates:
        if len(wanted.settings) == random.randint(1, 4):
            break
        known = list(_settable(tree, node))
        if known:
            chosen = random.sample(known, min(len(known), random.randint(1, 3)))
            values = {name: random.choice(VALUES[name]) for name in chosen}
            if "trainable" in values and any(_related(node.path, each) for each in frozen):
                continue  # which of the two counts is for the tests of the planner
            frozen += [node.path] if "trainable" in values else []
            wanted.settings.append((node.path, values))
    if tree.root.get("compile_config") and random.random() < 0.3:
        wanted.learning_rate = random.choice([0.25, 0.002])
    return wanted


def _related(one: str, other: str) -> bool:
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")


def structural_spec(seed: int, model: Path) -> Wanted | None:
    """A spec that changes shapes in one layer, or None where that would not build."""
    random = Random(f"structure {seed}")
    tree = tree_of(model)
    found = [
        (node.path, {name: random.choice(values)})
        for node in tree.layers
        if node.class_name in {"Dense", "Conv1D", "Conv2D"}
        for name, values in STRUCTURE.items()
        if name in tree.config(node)
    ]
    return Wanted([random.choice(found)]) if found else None


def _settable(tree: ModelTree, node: LayerNode) -> Iterator[str]:
    """The attributes in question that the layer has.

    Keras makes the layers within attention anew at every load and hands `trainable` on to none of
    them; kover refuses to freeze it.
    """
    if node.class_name == "InputLayer":
        return
    around = [node, *tree.descendants(node.path)]
    attention = any(each.class_name == "MultiHeadAttention" for each in around)
    for name in VALUES:
        if name in tree.config(node) and not (name == "trainable" and attention):
            yield name
