"""Fresh slots under an optimizer that has run for long: the first steps go too far.

Adam divides by the root of a running mean that starts at zero, and corrects for that by its
iteration count. A slot that starts later than the count is not corrected any more.

Source: keras 3.15 `optimizers.adam.Adam.update_step`, and the like of other classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kover.engine import keras_private
from kover.engine.identity import OptimizerKey, SlotKey, VariableKey
from kover.engine.twin import Twin
from kover.engine.weight_plan import ArrayPlan, WeightPlan
from kover.planning.plan import Plan
from kover.problems import Problem
from kover.source import Source

# Which share of its rate a class steps by, where the running mean of gradients is `mean` of them.
_NUMERATORS: dict[str, Callable[[float, float], float]] = {
    "Adam": lambda mean, beta: mean,
    "AdamW": lambda mean, beta: mean,
    "Muon": lambda mean, beta: mean,
    "Nadam": lambda mean, beta: beta * mean + 1 - beta,
    "ScheduleFreeAdamW": lambda mean, beta: 1 - beta,
}
_STEPS = tuple(int(1.2**power) for power in range(50))  # 1 to some 7,500
_WORTH_SAYING = 2.0
_LISTED = 3


def uncorrected_slots(
    plan: Plan, weights: WeightPlan, new: Twin, read: Callable[[str], float], path: str
) -> list[Problem]:
    """A warning for the variables whose first steps go far beyond their rate.

    Args:
        plan: what was asked for.
        weights: what becomes of every stored array.
        new: twin of the edited model.
        read: gives a stored number, by its HDF5 path.
        path: the model, for messages.
    """
    slots = {p.array.key: p for p in weights.arrays if isinstance(p.array.key, SlotKey)}
    counts = {
        p.array.key.place: int(read(p.source))
        for p in weights.arrays
        if isinstance(p.array.key, OptimizerKey) and p.array.key.name == "iteration" and p.source
    }
    found: dict[tuple[int, float], list[VariableKey]] = {}
    for variable, part, place, mean_is_fresh in _late(slots, new):
        count = counts.get(place, 0) // (part.gradient_accumulation_steps or 1)
        factor = furthest_step(part, count, mean_is_fresh=mean_is_fresh)
        if factor >= _WORTH_SAYING:
            found.setdefault((count, factor), []).append(variable)
    return [_warning(plan, keys, count, factor, path) for (count, factor), keys in found.items()]


def _late(
    slots: Mapping[Any, ArrayPlan], new: Twin
) -> Iterator[tuple[VariableKey, Any, str, bool]]:
    """Variables with a fresh running mean of squares, their optimizers, and its place."""
    if new.optimizer is None:
        return
    places = {id(part): place for place, part in keras_private.optimizer_parts(new.optimizer)}
    for key, slot in slots.items():
        if key.role != "velocity" or slot.action != "fresh" or key.owner not in _NUMERATORS:
            continue
        variable = new.arrays.get(key.variable)
        if variable is None or variable.live is None:
            continue
        part = keras_private.optimizer_for(new.optimizer, variable.live)
        mean = slots.get(SlotKey(key.variable, "momentum", key.owner))
        yield key.variable, part, places.get(id(part), ""), mean is None or mean.action == "fresh"


def furthest_step(optimizer: Any, count: int, *, mean_is_fresh: bool = True) -> float:
    """How many times its rate a variable moves in a step, at most, while its gradient stays.

    Args:
        optimizer: the Keras optimizer.
        count: its iterations when the slots start.
        mean_is_fresh: whether the running mean of gradients starts as well.
    """
    prefix = "adam_" if type(optimizer).__name__ == "Muon" else ""
    beta_1 = float(getattr(optimizer, f"{prefix}beta_1"))
    beta_2 = float(getattr(optimizer, f"{prefix}beta_2"))
    numerator = _NUMERATORS[type(optimizer).__name__]

    def share(steps: int) -> float:
        """Of the rate, after as many steps with the new slots."""
        mean = (1 - beta_1**steps) if mean_is_fresh else 1.0
        corrected_mean = mean / (1 - beta_1 ** (count + steps)) if mean_is_fresh else 1.0
        squares: float = (1 - beta_2**steps) / (1 - beta_2 ** (count + steps))
        return float(numerator(corrected_mean, beta_1) / squares**0.5)

    return max(map(share, _STEPS))


def _warning(plan: Plan, keys: list[VariableKey], count: int, factor: float, path: str) -> Problem:
    layers = list(dict.fromkeys(key.layer for key in keys))
    listed = ", ".join(f"'{layer}'" for layer in layers[:_LISTED])
    more = f" and {len(layers) - _LISTED} more layers" if len(layers) > _LISTED else ""
    sources = [source for layer in layers for source in plan.blame(layer)]
    sources += [consent.source for consent in plan.consents if consent.layer in layers]
    sources += [change.source for change in plan.compile_changes]
    return Problem(
        "uncorrected-slots",
        f"the first steps of {listed}{more} go up to {factor:.1f} times their learning rate: "
        f"their slots are fresh, and an optimizer at iteration {count} does not correct for that",
        sources[0] if sources else Source(path),
        "`compile: {optimizer_state: reset}` starts the count again, of a schedule too; "
        "or give these layers a lower `learning_rate` at first",
        "warning",
    )
