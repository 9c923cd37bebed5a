"""What becomes of every stored array, decided by comparing two twins. Pure; no Keras.

Each array of the new file is copied from the old one, cast, or made fresh; each array of the old
file that finds no place is dropped, and the reason is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from kover.archive.weights import StoredArray
from kover.engine.identity import OptimizerKey, SlotKey, StateKey, VariableKey
from kover.engine.slot_meanings import meaning, moves_without_rate, starts_as_variable
from kover.engine.stand_ins import MOMENTUM_PRODUCT
from kover.engine.twin import TwinArray

Action = Literal["copy", "cast", "fresh"]
_WRAPPED = "inner_optimizer"
_AS_VARIABLE = "starts as its variable"
_OF_THE_WHOLE = {"iteration", "learning_rate", MOMENTUM_PRODUCT}  # groups take over from it


@dataclass(frozen=True)
class ArrayPlan:
    """What one array of the new file is made from.

    Attributes:
        array: what Keras expects there.
        action: `copy` the stored bytes, `cast` them to another dtype, or make it `fresh`.
        source: HDF5 path in the old file, for `copy` and `cast`.
        reason: why it is not simply what it was; "" for a plain copy.
        seed: for a fresh model variable.
        starts_as: for a fresh slot that starts as a copy of its fresh variable, that variable.
    """

    array: TwinArray
    action: Action
    source: str | None = None
    reason: str = ""
    seed: int = 0
    starts_as: TwinArray | None = None

    @property
    def fresh_from(self) -> TwinArray:
        """The array whose fresh value this one gets."""
        return self.starts_as or self.array

    @property
    def is_carried(self) -> bool:
        """Whether it continues what was stored for it, at least in value."""
        return self.action != "fresh" and self.reason != _AS_VARIABLE


@dataclass(frozen=True)
class Dropped:
    """A stored array that has no place in the new file."""

    key: StateKey
    shape: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class WeightPlan:
    """What becomes of every stored array.

    Attributes:
        arrays: those of the new file, in storing order.
        dropped: those of the old file that go.
        extras: HDF5 paths that Keras does not read; they stay where they are.
    """

    arrays: tuple[ArrayPlan, ...]
    dropped: tuple[Dropped, ...]
    extras: tuple[str, ...]

    @property
    def is_unchanged(self) -> bool:
        """Whether every array stays where it is, as it is."""
        return not self.dropped and all(
            each.action == "copy" and each.array.places[0] == each.source for each in self.arrays
        )

    def fresh_variables(self) -> list[ArrayPlan]:
        """The model variables that get new values."""
        return [
            plan
            for plan in self.arrays
            if plan.action == "fresh" and isinstance(plan.array.key, VariableKey)
        ]


@dataclass(frozen=True)
class Wishes:
    """What the plan says about weights.

    Attributes:
        recreate: seed for a variable that is to be re-created, or None.
        learning_rate_asked: the specs name a learning rate: the stored one must give way.
        reset_optimizer: every slot starts fresh.
        held: variables with a rate of 0, which must not coast on.
        origins: where the optimizers of a `MultiOptimizer` were before, place by place.
    """

    recreate: Callable[[VariableKey], int | None]
    learning_rate_asked: bool = False
    reset_optimizer: bool = False
    held: frozenset[VariableKey] = frozenset()
    origins: Mapping[str, str] = field(default_factory=dict)


def plan_weights(
    old: Mapping[StateKey, TwinArray],
    new: Mapping[StateKey, TwinArray],
    where: Mapping[StateKey, str],
    stored: Mapping[str, StoredArray],
    wishes: Wishes,
) -> WeightPlan:
    """Decide what each array of the new file is made from.

    Args:
        old: what Keras reads with the old config; see `Twin.arrays`.
        new: what Keras would read with the new one.
        where: whose each stored array is, see `locate`.
        stored: what the old file holds, by HDF5 path.
        wishes: what the specs ask for.
    """
    variables = {
        key: _plan_variable(key, array, old, where, wishes)
        for key, array in new.items()
        if isinstance(key, VariableKey)
    }
    slots = _Slots(old, new, where, variables, wishes)
    plans = tuple(
        variables[key] if isinstance(key, VariableKey) else slots.plan(key, array)
        for key, array in new.items()
        if array.places
    )
    used = {plan.source for plan in plans if plan.source}
    known = {place for array in old.values() for place in array.places}
    unknown = [place for place in stored if place not in known]
    state = {_group(place) for key, a in new.items() if not _is_model(key) for place in a.places}
    dropped = [
        Dropped(key, old[key].shape, _why_dropped(key, new, wishes))
        for key, place in where.items()
        if place not in used
    ]
    dropped += [  # Keras counts what is there, and reads no state that has more than it expects
        Dropped(OptimizerKey("", place, ""), stored[place].shape, "not used any more")
        for place in unknown
        if _group(place) in state
    ]
    extras = tuple(place for place in unknown if _group(place) not in state)
    return WeightPlan(plans, tuple(dropped), extras)


def _group(place: str) -> str:
    return place.rpartition("/")[0]


def _is_model(key: StateKey) -> bool:
    return isinstance(key, VariableKey)


def _plan_variable(
    key: VariableKey,
    array: TwinArray,
    old: Mapping[StateKey, TwinArray],
    where: Mapping[StateKey, str],
    wishes: Wishes,
) -> ArrayPlan:
    seed = wishes.recreate(key)
    if not array.places and key in old:  # nothing is stored, and nothing changes
        return ArrayPlan(array, "copy")
    if key not in where:
        return ArrayPlan(array, "fresh", None, "new", seed or 0)
    if old[key].shape != array.shape:
        return ArrayPlan(array, "fresh", None, "its shape changes", seed or 0)
    if seed is not None:
        return ArrayPlan(array, "fresh", None, "reinitialize", seed)
    if old[key].dtype != array.dtype:
        return ArrayPlan(array, "cast", where[key], f"from {old[key].dtype} to {array.dtype}")
    return ArrayPlan(array, "copy", where[key])


class _Slots:
    """Plans for what belongs to the optimizer."""

    def __init__(
        self,
        old: Mapping[StateKey, TwinArray],
        new: Iterable[StateKey],
        where: Mapping[StateKey, str],
        variables: Mapping[VariableKey, ArrayPlan],
        wishes: Wishes,
    ) -> None:
        self.old = old
        self.variables = variables
        self.wishes = wishes
        self.slots = {
            (key.variable, meaning(key.owner, key.role)): (place, old[key])
            for key, place in where.items()
            if isinstance(key, SlotKey)
        }
        self.own = {
            (key.place, key.name): place
            for key, place in where.items()
            if isinstance(key, OptimizerKey)
        }
        self.was_wrapped = (_WRAPPED, "iteration") in self.own
        self.is_wrapped = any(
            isinstance(key, OptimizerKey) and key.place == _WRAPPED for key in new
        )

    def plan(self, key: StateKey, array: TwinArray) -> ArrayPlan:
        """The plan for one optimizer variable."""
        if isinstance(key, SlotKey):
            return self._plan_slot(key, array)
        assert isinstance(key, OptimizerKey)
        return self._plan_own(key, array)

    def _plan_slot(self, key: SlotKey, array: TwinArray) -> ArrayPlan:
        variable = self.variables.get(key.variable)
        if self.wishes.reset_optimizer:
            return _fresh_slot(key, array, variable, "optimizer_state: reset")
        if variable is not None and variable.action == "fresh":
            return _fresh_slot(key, array, variable, "its variable is fresh")
        if key.variable in self.wishes.held and moves_without_rate(key.owner, key.role):
            return _fresh_slot(key, array, variable, "its learning rate is 0")
        found = self.slots.get((key.variable, meaning(key.owner, key.role)))
        if found is not None:
            return self._carried(array, *found)
        return _fresh_slot(key, array, variable, "not there before")

    @staticmethod
    def _carried(array: TwinArray, place: str, before: TwinArray) -> ArrayPlan:
        if before.shape != array.shape:
            return ArrayPlan(array, "fresh", None, "its shape changes")
        if before.dtype != array.dtype:
            return ArrayPlan(array, "cast", place, f"from {before.dtype} to {array.dtype}")
        return ArrayPlan(array, "copy", place)

    def _plan_own(self, key: OptimizerKey, array: TwinArray) -> ArrayPlan:
        if key.name == "learning_rate" and self.wishes.learning_rate_asked:
            return ArrayPlan(array, "fresh", None, "set by the spec")
        if key.name != "learning_rate" and self.wishes.reset_optimizer:
            return ArrayPlan(array, "fresh", None, "optimizer_state: reset")
        place = self._own_before(key)
        if place is None:
            return ArrayPlan(array, "fresh", None, "not there before")
        return ArrayPlan(array, "copy", place)

    def _own_before(self, key: OptimizerKey) -> str | None:
        """Where the same thing stood before.

        Around an optimizer or not, a LossScaleOptimizer is passed by: it counts no iterations of
        its own and has no rate.
        """
        if self.is_wrapped and key.place == "":
            return self.own.get(("", key.name)) if self.was_wrapped else None
        within = key.place.removeprefix(_WRAPPED).strip("/") if self.is_wrapped else key.place
        around = _WRAPPED if self.was_wrapped else ""
        origin = self.wishes.origins.get(key.place, "/".join(filter(None, (around, within))))
        place = self.own.get((origin, key.name))
        if place is None and key.name in _OF_THE_WHOLE and not self._is_idle(around, key.name):
            place = self.own.get((around, key.name))
        return place

    def _is_idle(self, around: str, name: str) -> bool:
        """Whether it is the rate of a `MultiOptimizer` itself, which is 0 and used by nobody."""
        groups = "/".join(filter(None, (around, "optimizers/")))
        return name == "learning_rate" and any(place.startswith(groups) for place, _ in self.own)


def _fresh_slot(
    key: SlotKey, array: TwinArray, variable: ArrayPlan | None, reason: str
) -> ArrayPlan:
    stored = variable is not None and variable.array.places
    if variable is None or not stored or not starts_as_variable(key.owner, key.role):
        return ArrayPlan(array, "fresh", None, reason)
    if variable.action == "fresh":
        return ArrayPlan(array, "fresh", None, reason, variable.seed, variable.array)
    return ArrayPlan(array, variable.action, variable.source, _AS_VARIABLE)


def _why_dropped(key: StateKey, new: Mapping[StateKey, TwinArray], wishes: Wishes) -> str:
    if isinstance(key, VariableKey):
        return "re-created" if key in new else "gone"
    if wishes.reset_optimizer:
        return "optimizer_state: reset"
    if isinstance(key, OptimizerKey):
        return "set by the spec" if key.name == "learning_rate" else "not used any more"
    if key.variable not in new:
        return "its variable is gone"
    if not new[key.variable].trainable:
        return "its variable is frozen"
    return "not used by the new optimizer, or its variable is fresh"
