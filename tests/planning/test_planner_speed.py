"""Planning is near-linear in layers and overrides."""

from __future__ import annotations

import time
from typing import Any

from kover.modelconfig.tree import read_tree
from kover.planning.guards import ModelFacts
from kover.planning.planner import plan_specs
from kover.source import Source
from kover.spec.document import Glob, Guards, Override, Setting, Spec, Value, Where

FACTS = ModelFacts("model.keras", None, lambda: "")


def dense(number: int) -> dict[str, Any]:
    config = {"name": f"dense_{number}", "trainable": True, "units": 4, "activation": "relu",
              "kernel_regularizer": None}  # fmt: skip
    tensor = {
        "class_name": "__keras_tensor__",
        "config": {
            "shape": [None, 4],
            "dtype": "float32",
            "keras_history": [f"dense_{number - 1}", 0, 0],
        },
    }
    return {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": config,
        "registered_name": None,
        "build_config": {"input_shape": [None, 4]},
        "name": config["name"],
        "inbound_nodes": [{"args": [tensor], "kwargs": {}}] if number else [],
    }


def model(layers: int) -> dict[str, Any]:
    listed = [dense(number) for number in range(layers)]
    config = {"name": "long", "layers": listed, "input_layers": ["dense_0", 0, 0],
              "output_layers": [f"dense_{layers - 1}", 0, 0]}  # fmt: skip
    return {
        "module": "keras",
        "class_name": "Functional",
        "config": config,
        "registered_name": None,
    }


def override(line: int, layers: Any, **chosen: Any) -> Override:
    place = Source("spec.yaml", line, 1)
    asked = tuple(
        Setting(name, place, Value(data, {(): Source("spec.yaml", line, 2 + at)}))
        for at, (name, data) in enumerate(chosen.items())
    )
    return Override(place, layers, place, set=asked)


def seconds(root: dict[str, Any], overrides: list[Override]) -> tuple[float, int]:
    tree = read_tree(root)
    spec = Spec("spec.yaml", "", None, {}, Guards(), tuple(overrides), None)
    started = time.perf_counter()
    made = plan_specs([spec], tree, FACTS)
    return time.perf_counter() - started, len(made.changes)


def test_a_thousand_overrides_over_ten_thousand_layers_take_a_moment() -> None:
    overrides = [
        override(n + 1, Glob(f"dense_{n * 7}", Source("spec.yaml", n + 1, 3)), units=5 + n % 3,
                 kernel_regularizer={"l2": 0.5})
        for n in range(1000)
    ]  # fmt: skip
    elapsed, changes = seconds(model(10_000), overrides)
    assert changes == 2000
    assert elapsed < 4


def test_globs_and_conditions_over_two_thousand_layers_take_no_time() -> None:
    def glob(pattern: str) -> Glob:
        return Glob(pattern, Source("spec.yaml", 1, 1))

    place = Source("spec.yaml", 1, 1)
    overrides = [
        override(1, glob("*"), trainable=False),
        override(2, glob("dense_*1"), activation="tanh"),
        override(3, glob("**/dense_?5*"), kernel_regularizer={"l2": 0.1}),
        override(4, Where(place, class_=(glob("Dens*"),), not_=glob("*7")), activation="elu"),
        override(5, Where(place, where={"units": Value(4, {(): place})}), units=6),
    ]
    elapsed, changes = seconds(model(2000), overrides)
    assert changes > 5000
    assert elapsed < 2
