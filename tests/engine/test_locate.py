"""Stored arrays find their owners, and what does not fit is said."""

from __future__ import annotations

from kover.archive.weights import StoredArray
from kover.engine.identity import OptimizerKey, SlotKey, StateKey, VariableKey
from kover.engine.locate import locate
from kover.engine.twin import TwinArray

KERNEL = VariableKey("a", "", "kernel")
ITERATION = OptimizerKey("", "iteration", "Adam")
RATE = OptimizerKey("", "learning_rate", "Adam")
SLOT = SlotKey(KERNEL, "momentum", "Adam")
SHAPES: dict[StateKey, tuple[str, tuple[int, ...]]] = {
    KERNEL: ("layers/dense/vars/0", (2, 3)),
    ITERATION: ("optimizer/vars/0", ()),
    RATE: ("optimizer/vars/1", ()),
    SLOT: ("optimizer/vars/2", (2, 3)),
}
EXPECTED = {
    key: TwinArray(key, (place,), shape, "float32") for key, (place, shape) in SHAPES.items()
}


def stored(**changed: tuple[tuple[int, ...], str] | None) -> dict[str, StoredArray]:
    """What fits, but for the places that are named: another shape and dtype, or None if absent."""
    found = {place: (shape, "<i8" if place.endswith("optimizer/vars/0") else "<f4")
             for place, shape in SHAPES.values()}  # fmt: skip
    for place, other in changed.items():
        found.pop(place.replace("__", "/"), None)
        if other is not None:
            found[place.replace("__", "/")] = other
    return {
        place: StoredArray(
            place, place, shape=shape, dtype=dtype, size_bytes=4, offset=0, h5_offset=0
        )
        for place, (shape, dtype) in found.items()
    }


def test_what_fits_is_found() -> None:
    found = locate(EXPECTED, stored(), "m.keras")
    assert found.where == {key: place for key, (place, _) in SHAPES.items()}
    assert found.problems == ()


def test_a_missing_and_a_misshapen_variable_are_errors_that_name_both_shapes() -> None:
    (problem,) = locate(EXPECTED, stored(layers__dense__vars__0=None), "m.keras").problems
    assert (problem.code, problem.severity) == ("weights-differ", "error")
    assert "'a/kernel' of shape (2, 3) is missing" in problem.message
    (problem,) = locate(
        EXPECTED, stored(layers__dense__vars__0=((3, 2), "<f4")), "m.keras"
    ).problems
    assert "should have shape (2, 3), and has (3, 2)" in problem.message


def test_a_state_that_keras_would_not_read_is_left_out_but_for_iterations_and_rate() -> None:
    found = locate(EXPECTED, stored(optimizer__vars__2=((3, 2), "<f4")), "m.keras")
    assert found.where.keys() == {KERNEL, ITERATION, RATE}
    (problem,) = found.problems
    assert (problem.code, problem.severity) == ("optimizer-state-unreadable", "warning")


def test_an_optimizer_without_slots_yet_is_nothing_to_worry_about() -> None:
    found = locate(EXPECTED, stored(optimizer__vars__2=None), "m.keras")
    assert found.where.keys() == {KERNEL, ITERATION, RATE}
    assert found.problems == ()


def test_a_state_with_too_many_arrays_is_not_read_either() -> None:
    found = locate(EXPECTED, stored(optimizer__vars__3=((2, 3), "<f4")), "m.keras")
    assert SLOT not in found.where
    assert found.problems


def test_a_scalar_of_another_kind_is_not_taken_for_the_iterations() -> None:
    changed = {"optimizer__vars__0": ((), "<f4"), "optimizer__vars__2": None}
    found = locate(EXPECTED, stored(**changed), "m.keras")
    assert ITERATION not in found.where
    assert RATE in found.where


def test_what_keras_does_not_store_is_not_looked_for() -> None:
    adapter = VariableKey("a", "", "lora_kernel_a")
    expected = {**EXPECTED, adapter: TwinArray(adapter, (), (2, 1), "float32")}
    found = locate(expected, stored(), "m.keras")
    assert adapter not in found.where
    assert found.problems == ()
