"""Laws of planning, over made-up overrides."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kover.modelconfig.tree import read_tree
from kover.planning.guards import ModelFacts
from kover.planning.plan import Plan
from kover.planning.planner import plan_specs
from kover.source import Source
from kover.spec.document import Compile, Glob, Guards, Override, Setting, Spec, Value
from kover.values import JSON, MISSING

CONFIGS = Path(__file__).with_name("configs")
FLOWERS: dict[str, Any] = json.loads((CONFIGS / "flowers.json").read_text())
MIXED: dict[str, Any] = json.loads((CONFIGS / "mixed.json").read_text())
FACTS = ModelFacts("model.keras", "3.15.1", lambda: "")

REGULARIZERS = st.one_of(
    st.none(),
    st.sampled_from(["l1", "l2", "L1L2"]),
    st.builds(lambda x: {"l2": x}, st.floats(0, 1)),
    st.builds(lambda x, y: {"class": "L1L2", "l1": x, "l2": y}, st.floats(0, 1), st.floats(0, 1)),
)
INITIALIZERS = st.one_of(
    st.sampled_from(["he_normal", "zeros", "glorot_uniform"]),
    st.builds(lambda x: {"class": "RandomNormal", "stddev": x}, st.floats(0.1, 1)),
)
DENSE = {
    "units": st.integers(1, 9),
    "activation": st.sampled_from(["relu", "tanh", "linear"]),
    "use_bias": st.booleans(),
    "trainable": st.booleans(),
    "kernel_regularizer": REGULARIZERS,
    "kernel_initializer": INITIALIZERS,
    "dtype": st.sampled_from(["float32", "mixed_bfloat16"]),
}
LAYERS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "hidden": DENSE,
    "predictions": DENSE,
    "dropout": {"rate": st.floats(0, 1), "trainable": st.booleans()},
    "backbone": {"trainable": st.booleans()},
    "backbone/conv1": {
        "filters": st.integers(1, 9),
        "kernel_size": st.one_of(
            st.integers(1, 5), st.lists(st.integers(1, 5), min_size=2, max_size=2)
        ),
        "kernel_regularizer": REGULARIZERS,
        "trainable": st.booleans(),
    },
    "backbone/bn1": {"momentum": st.floats(0.1, 0.9), "epsilon": st.floats(1e-6, 1e-2)},
}


@st.composite
def settings_of(draw: st.DrawFn, layer: str) -> dict[str, JSON]:
    names = draw(st.lists(st.sampled_from(sorted(LAYERS[layer])), min_size=1, unique=True))
    return {name: draw(LAYERS[layer][name]) for name in names}


overrides = st.sampled_from(sorted(LAYERS)).flatmap(
    lambda layer: settings_of(layer).map(lambda chosen: (layer, chosen))
)


def value_of(data: JSON, place: Source) -> Value:
    return Value(data, {(): place})


def spec_of(*written: tuple[str, dict[str, JSON]], compile_: Compile | None = None) -> Spec:
    """A spec whose every part has a line of its own."""
    lines = iter(range(1, 10_000))
    made = []
    for layer, chosen in written:
        here = Source("spec.yaml", next(lines), 1)
        asked = []
        for name, data in chosen.items():
            place = Source("spec.yaml", next(lines), 1)
            asked.append(Setting(name, place, None if data is MISSING else value_of(data, place)))
        made.append(
            Override(
                here,
                Glob(layer, here),
                here,
                set=tuple(item for item in asked if item.value is not None),
                unset=tuple(item for item in asked if item.value is None),
            )
        )
    return Spec("spec.yaml", "", None, {}, Guards(), tuple(made), compile_)


def plan_over(root: Any, *written: tuple[str, dict[str, JSON]]) -> Plan:
    return plan_specs([spec_of(*written)], read_tree(root), FACTS)


@given(st.lists(overrides, max_size=6))
def test_planning_never_modifies_its_input(written: list[tuple[str, dict[str, JSON]]]) -> None:
    root = copy.deepcopy(FLOWERS)
    made = plan_over(root, *written)
    assert root == FLOWERS
    assert made.before is root


@given(st.lists(overrides, max_size=6))
def test_planning_the_result_again_changes_nothing(
    written: list[tuple[str, dict[str, JSON]]],
) -> None:
    again = plan_over(plan_over(FLOWERS, *written).after, *written)
    assert again.is_noop
    assert again.after == again.before


@given(overrides, overrides)
def test_overrides_of_different_layers_commute(
    one: tuple[str, dict[str, JSON]], other: tuple[str, dict[str, JSON]]
) -> None:
    if one[0].split("/")[0] == other[0].split("/")[0]:
        return
    there, back = plan_over(FLOWERS, one, other), plan_over(FLOWERS, other, one)
    assert there.after == back.after


@given(st.lists(overrides, max_size=6))
def test_the_inverse_gives_the_first_config_back(
    written: list[tuple[str, dict[str, JSON]]],
) -> None:
    made = plan_over(FLOWERS, *written)
    tree = read_tree(FLOWERS)
    inverse = [
        (change.layer, {change.attribute: tree.config(tree.node(change.layer))[change.attribute]})
        for change in sorted(made.changes, key=lambda change: change.pushed_from is not None)
    ]
    back = plan_over(made.after, *inverse).after
    assert attributes(back) == attributes(FLOWERS)


def attributes(root: Any) -> list[tuple[str, Any]]:
    """Every layer with its attributes: all but the build configs, which may be left out."""
    tree = read_tree(root)
    return [(node.path, without_ids(tree.attributes(node))) for node in tree.layers]


def without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_ids(item) for k, item in value.items() if k != "shared_object_id"}
    return [without_ids(item) for item in value] if isinstance(value, list) else value


@given(st.lists(overrides, min_size=1, max_size=6))
def test_every_change_is_some_settings_doing_and_every_setting_is_accounted_for(
    written: list[tuple[str, dict[str, JSON]]],
) -> None:
    made = plan_over(FLOWERS, *written)
    spec = spec_of(*written)
    asked = {setting.value_source for override in spec.overrides for setting in override.set}
    told = {change.source for change in made.changes}
    told |= {item.source for item in made.shadowed} | {item.source for item in made.unchanged}
    assert told == asked
    for change in made.changes:
        assert change.source in made.blame(change.layer)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["bb", "bi", "rnn", "d", "/d", "bb/bn", "yes"]), st.booleans())
def test_freezing_reaches_everything_inside(layer: str, flag: bool) -> None:
    made = plan_over(MIXED, (layer, {"trainable": flag}))
    tree = read_tree(made.after)
    for node in tree.layers:
        inside = node.path == layer.strip("/") or node.path.startswith(f"{layer.strip('/')}/")
        own = tree.config(node).get("trainable", flag)
        assert own is (flag if inside else own)
