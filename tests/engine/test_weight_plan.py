"""What becomes of stored arrays, decided without Keras."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.archive.weights import StoredArray
from kover.engine.identity import OptimizerKey, SlotKey, StateKey, VariableKey
from kover.engine.twin import TwinArray
from kover.engine.weight_plan import WeightPlan, Wishes, plan_weights

KERNEL = VariableKey("a", "", "kernel")
BIAS = VariableKey("a", "", "bias")
OTHER = VariableKey("b", "", "kernel")


def adam(
    *variables: VariableKey, owner: str = "Adam", place: str = ""
) -> dict[StateKey, TwinArray]:
    """The state of an optimizer for some variables of shape (2, 3)."""
    within = f"optimizer/{place}/vars" if place else "optimizer/vars"
    keys: list[tuple[StateKey, tuple[int, ...]]] = [
        (OptimizerKey(place, "iteration", owner), ()),
        (OptimizerKey(place, "learning_rate", owner), ()),
    ]
    for variable in variables:
        keys += [(SlotKey(variable, role, owner), (2, 3)) for role in ("momentum", "velocity")]
    return {
        key: TwinArray(key, (f"{within}/{n}",), shape, "float32")
        for n, (key, shape) in enumerate(keys)
    }


def model(*keys: VariableKey, shape: tuple[int, ...] = (2, 3)) -> dict[StateKey, TwinArray]:
    return {
        key: TwinArray(key, (f"layers/{key.layer}/vars/{key.name}",), shape, "float32", True)
        for key in keys
    }


def plan(
    old: dict[StateKey, TwinArray], new: dict[StateKey, TwinArray], **wishes: Any
) -> WeightPlan:
    where = {key: array.places[0] for key, array in old.items()}
    stored = {
        place: StoredArray(place, place, shape=array.shape, dtype="<f4", size_bytes=4, offset=0,
                           h5_offset=0)
        for array in old.values()
        for place in array.places
    }  # fmt: skip
    wishes.setdefault("recreate", lambda key: None)
    return plan_weights(old, new, where, stored, Wishes(**wishes))


def actions(found: WeightPlan) -> dict[str, tuple[str, str | None]]:
    return {str(each.array.key): (each.action, each.source) for each in found.arrays}


def test_nothing_changes_where_nothing_was_asked_for() -> None:
    state = {**model(KERNEL, OTHER), **adam(KERNEL, OTHER)}
    found = plan(state, dict(state))
    assert found.is_unchanged
    assert found.fresh_variables() == []
    assert found.dropped == found.extras == ()


def test_a_slot_follows_its_variable_to_another_place() -> None:
    old = {**model(KERNEL, OTHER), **adam(KERNEL, OTHER)}
    found = plan(old, {**model(KERNEL, OTHER), **adam(OTHER)})
    assert actions(found)["b/kernel momentum"] == ("copy", "optimizer/vars/4")
    assert [str(each.key) for each in found.dropped] == ["a/kernel momentum", "a/kernel velocity"]
    assert not found.is_unchanged


def test_the_reason_for_a_dropped_slot_is_given() -> None:
    old = {**model(KERNEL, OTHER), **adam(KERNEL, OTHER)}
    frozen = {**model(OTHER), KERNEL: TwinArray(KERNEL, ("x",), (2, 3), "float32")}
    assert plan(old, {**frozen, **adam(OTHER)}).dropped[0].reason == "its variable is frozen"
    gone = plan(old, {**model(OTHER), **adam(OTHER)})
    assert {each.reason for each in gone.dropped} == {"gone", "its variable is gone"}
    reset = plan(old, {**model(KERNEL), **adam(KERNEL)}, reset_optimizer=True)
    assert {each.reason for each in reset.dropped} >= {"optimizer_state: reset"}


def test_a_slot_goes_where_its_meaning_goes_and_nowhere_else() -> None:
    old = {**model(KERNEL), **adam(KERNEL)}
    same = actions(plan(old, {**model(KERNEL), **adam(KERNEL, owner="Nadam")}))
    assert same["a/kernel momentum"] == ("copy", "optimizer/vars/2")
    other = actions(plan(old, {**model(KERNEL), **adam(KERNEL, owner="SGD")}))
    assert other["a/kernel momentum"] == ("fresh", None)
    assert other["a/kernel velocity"] == ("fresh", None)


def test_another_shape_or_a_seed_makes_a_variable_fresh_and_its_slots_with_it() -> None:
    old = {**model(KERNEL, OTHER), **adam(KERNEL, OTHER)}
    found = actions(plan(old, old, recreate=lambda key: 7 if key == KERNEL else None))
    assert found["a/kernel"] == found["a/kernel momentum"] == ("fresh", None)
    assert found["b/kernel momentum"][0] == "copy"
    wider = {**model(KERNEL, shape=(2, 5)), **model(OTHER), **adam(KERNEL, OTHER)}
    found = actions(plan(old, wider))
    assert found["a/kernel"] == found["a/kernel velocity"] == ("fresh", None)


def test_another_dtype_is_cast_and_not_made_fresh() -> None:
    old = {**model(KERNEL), **adam(KERNEL)}
    new = {
        key: TwinArray(key, array.places, array.shape, "float16") if array.shape else array
        for key, array in old.items()
    }
    assert {each.action for each in plan(old, new).arrays if each.array.shape} == {"cast"}


@pytest.mark.parametrize("asked", [True, False])
def test_the_stored_rate_gives_way_when_one_is_asked_for(asked: bool) -> None:
    old = {**model(KERNEL), **adam(KERNEL)}
    found = plan(old, old, learning_rate_asked=asked)
    assert actions(found)["optimizer/learning_rate"][0] == ("fresh" if asked else "copy")
    assert actions(found)["optimizer/iteration"][0] == "copy"


def wrapped() -> dict[StateKey, TwinArray]:
    outer = {
        OptimizerKey("", name, "LossScaleOptimizer"): f"optimizer/vars/{n}"
        for n, name in enumerate(("iteration", "learning_rate", "dynamic_scale"))
    }
    return {
        **model(KERNEL),
        **{key: TwinArray(key, (place,), (), "float32") for key, place in outer.items()},
        **adam(KERNEL, place="inner_optimizer"),
    }


def test_iterations_pass_into_a_loss_scale_optimizer_and_out_of_it() -> None:
    plain = {**model(KERNEL), **adam(KERNEL)}
    into = actions(plan(plain, wrapped()))
    assert into["optimizer/inner_optimizer/iteration"] == ("copy", "optimizer/vars/0")
    assert into["optimizer/iteration"] == into["optimizer/dynamic_scale"] == ("fresh", None)
    out = actions(plan(wrapped(), plain))
    assert out["optimizer/iteration"] == ("copy", "optimizer/inner_optimizer/vars/0")
    assert out["optimizer/learning_rate"] == ("copy", "optimizer/inner_optimizer/vars/1")
    assert plan(wrapped(), wrapped()).is_unchanged


def test_each_group_continues_the_iterations_of_the_optimizer_before() -> None:
    old = {**model(KERNEL, OTHER), **adam(KERNEL, OTHER)}
    new = {
        **model(KERNEL, OTHER),
        **adam(place="", owner="MultiOptimizer"),
        **adam(KERNEL, place="optimizers/0"),
        **adam(OTHER, place="optimizers/1"),
    }
    found = actions(plan(old, new, learning_rate_asked=True))
    for place in ("", "/optimizers/0", "/optimizers/1"):
        assert found[f"optimizer{place}/iteration"] == ("copy", "optimizer/vars/0")
    assert found["b/kernel velocity"] == ("copy", "optimizer/vars/5")


def test_a_moving_average_starts_as_its_variable_fresh_or_not() -> None:
    average = SlotKey(KERNEL, "average", "Adam")
    slot = TwinArray(average, ("optimizer/vars/9",), (2, 3), "float32")
    old = {**model(KERNEL), **adam(KERNEL)}
    new = {**old, average: slot}
    (kept,) = [each for each in plan(old, new).arrays if each.array is slot]
    assert (kept.action, kept.source) == ("copy", old[KERNEL].places[0])
    assert not kept.is_carried
    found = plan(old, new, recreate=lambda key: 7)
    (fresh,) = [each for each in found.arrays if each.array is slot]
    assert (fresh.action, fresh.seed, fresh.fresh_from.key) == ("fresh", 7, KERNEL)


def test_arrays_that_nobody_reads_stay() -> None:
    state = model(KERNEL)
    stored = {
        name: StoredArray(name, name, shape=(2, 3), dtype="<f4", size_bytes=24, offset=0,
                          h5_offset=0)
        for name in (state[KERNEL].places[0], "layers/unknown/vars/0")
    }  # fmt: skip
    where = {KERNEL: state[KERNEL].places[0]}
    found = plan_weights(state, state, where, stored, Wishes(lambda key: None))
    assert found.extras == ("layers/unknown/vars/0",)


def test_an_array_that_keras_does_not_store_is_not_planned() -> None:
    adapter = VariableKey("a", "", "lora_kernel_a")
    old = model(KERNEL)
    new = {**old, adapter: TwinArray(adapter, (), (2, 1), "float32", True)}
    assert actions(plan(old, new)) == {"a/kernel": ("copy", old[KERNEL].places[0])}
    assert plan(old, new).is_unchanged


@given(
    before=st.sets(st.sampled_from([KERNEL, BIAS, OTHER])),
    after=st.sets(st.sampled_from([KERNEL, BIAS, OTHER])),
    seeds=st.dictionaries(st.sampled_from([KERNEL, BIAS, OTHER]), st.integers(0, 9)),
    reset=st.booleans(),
)
def test_every_old_array_is_used_or_dropped_and_every_new_one_is_made(
    before: set[VariableKey], after: set[VariableKey], seeds: dict[VariableKey, int], reset: bool
) -> None:
    old = {**model(*before), **adam(*before)}
    new = {**model(*after), **adam(*after)}
    found = plan(old, new, recreate=seeds.get, reset_optimizer=reset)
    assert [each.array.key for each in found.arrays] == list(new)
    used = {each.source for each in found.arrays if each.source}
    dropped = {old[each.key].places[0] for each in found.dropped}
    assert used | dropped == {array.places[0] for array in old.values()}
    assert used.isdisjoint(dropped)
    for each in found.arrays:
        assert (each.source is None) == (each.action == "fresh")
        assert each.action != "copy" or each.reason == ""


def test_arrays_that_would_make_keras_skip_the_state_do_not_stay() -> None:
    state = {**model(KERNEL), **adam(KERNEL)}
    where = {key: array.places[0] for key, array in model(KERNEL).items()}
    stored = {
        place: StoredArray(place, place, shape=(2, 3), dtype="<f4", size_bytes=24, offset=0,
                           h5_offset=0)
        for place in (*where.values(), "optimizer/vars/9", "elsewhere/vars/0")
    }  # fmt: skip
    found = plan_weights(state, state, where, stored, Wishes(lambda key: None))
    assert found.extras == ("elsewhere/vars/0",)
    assert [str(each.key) for each in found.dropped] == ["optimizer/optimizer/vars/9"]
    assert not found.is_unchanged
