"""Random specs of every kind: settings, shapes, names, classes, rates and compile settings."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from random_making.specs import Wanted, random_spec, structural_spec, tree_of

REPLACED: dict[str, list[Any]] = {
    "Dense": [{"class": "EinsumDense", "equation": "ab,bc->ac"}],
    "Dropout": ["GaussianDropout", {"class": "AlphaDropout", "rate": 0.25}],
    "BatchNormalization": ["LayerNormalization", {"class": "GroupNormalization", "groups": 1}],
    "LayerNormalization": [{"class": "BatchNormalization", "momentum": 0.5}],
    "SpatialDropout2D": [{"class": "Dropout", "seed": 3}],
    "GlobalAveragePooling1D": ["GlobalMaxPooling1D"],
    "GlobalMaxPooling2D": ["GlobalAveragePooling2D"],
}
COMPILE: dict[str, list[Any]] = {
    "optimizer": [
        {"class": "SGD", "learning_rate": 0.1, "momentum": 0.9},
        {"class": "AdamW", "learning_rate": 0.25, "weight_decay": 0.01},
        {"class": "Lion", "beta_1": 0.8},
        {
            "learning_rate": {
                "class": "CosineDecay",
                "initial_learning_rate": 0.1,
                "decay_steps": 10,
            }
        },
        {"clipnorm": 1.0},
    ],
    "loss": ["sparse_categorical_crossentropy", {"class": "KLDivergence"}],
    "metrics": [[], ["accuracy"], [{"class": "SparseTopKCategoricalAccuracy", "k": 2}]],
    "steps_per_execution": [3],
    "auto_scale_loss": [False],
}


def random_edit(seed: int, model: Path) -> Wanted:
    """A spec of several kinds of edits at once, none of which says anything of consent."""
    random = Random(f"edit {seed}")
    wanted = random_spec(seed, model)
    if random.random() < 0.4:
        wanted.settings += (structural_spec(seed, model) or Wanted()).settings
    tree = tree_of(model)
    layers = [node for node in tree.layers if node.class_name != "InputLayer"]
    for node in random.sample(layers, min(len(layers), random.randint(0, 2))):
        wanted.more.append({"layers": f"/{node.path}", "rename": f"{node.name}_named"})
    settled = {path for path, _ in wanted.settings}
    named = [node for node in layers if node.class_name in REPLACED and node.path not in settled]
    for node in random.sample(named, min(len(named), random.randint(0, 1))):
        new = random.choice(REPLACED[node.class_name])
        if node.class_name == "Dense":
            new = {**new, "output_shape": tree.config(node)["units"]}
        wanted.more.append({"layers": f"/{node.path}", "replace": new})
    if tree.root.get("compile_config"):
        wanted.learning_rate = None
        chosen = random.sample(sorted(COMPILE), random.randint(0, 3))
        wanted.compile = {name: random.choice(COMPILE[name]) for name in chosen}
        if random.random() < 0.3:
            by_layer = random.choice(layers)
            wanted.more.append({"layers": f"/{by_layer.path}", "learning_rate": 0.125})
    return wanted
