"""What is worth saying of a judgement although nothing failed."""

from __future__ import annotations

import warnings as python_warnings
from collections.abc import Iterable

from kover.engine.identity import OptimizerKey, SlotKey
from kover.engine.locate import Located
from kover.engine.weight_plan import WeightPlan
from kover.planning.plan import Plan
from kover.problems import Problem
from kover.source import Source


def keras_says(
    said: Iterable[python_warnings.WarningMessage],
    before: Iterable[python_warnings.WarningMessage],
    plan: Plan,
    path: str,
) -> list[Problem]:
    """What Keras warns of, and did not warn of before."""
    seen = {str(each.message) for each in before}
    source = next((change.source for change in plan.changes), Source(path))
    return [
        Problem(
            "keras-warning",
            f"Keras warns of the edited model: {text.strip().partition(chr(10))[0][:300]}",
            source,
            "Keras does not warn of the model as it was",
            "warning",
        )
        for text in dict.fromkeys(str(each.message) for each in said)
        if text not in seen
    ]


def of_weights(
    plan: Plan, by_position: bool, located: Located, weights: WeightPlan, path: str
) -> list[Problem]:
    """What there is to say of stored arrays that did not go the usual way.

    Args:
        plan: what was asked for.
        by_position: Keras refuses the model as it is.
        located: the stored arrays.
        weights: what becomes of them.
        path: the model, for messages.
    """
    notes = list(located.problems)
    if plan.optimizer_state == "reset":
        notes = [note for note in notes if note.code != "optimizer-state-unreadable"]
    if by_position:
        notes.append(
            Problem(
                "mapped-by-position",
                "Keras refuses the model as it is and accepts the edited one: stored arrays were "
                "mapped to variables by their position and shape",
                Source(path, inside="config.json"),
                "compare the outputs with what you know of the model",
                "warning",
            )
        )
    if weights.extras:
        listed = ", ".join(f"'{place}'" for place in weights.extras[:4])
        notes.append(
            Problem(
                "unread-arrays",
                f"{len(weights.extras)} stored arrays are read by no layer and stay as they are: "
                f"{listed}",
                Source(path, inside="model.weights.h5"),
                "another version of Keras may have written them",
                "warning",
            )
        )
    return notes


_INITIAL = {
    "initial_scale": "dynamic_scale",
    "initial_accumulator_value": "accumulator",
}


def idle_initial_values(plan: Plan, weights: WeightPlan) -> list[Problem]:
    """A warning for each setting that only what is fresh starts from, where nothing is.

    Source: keras 3.15 `optimizers.loss_scale_optimizer.LossScaleOptimizer.build`, and the same of
    Adagrad and Ftrl.
    """
    carried: set[str] = set()
    for each in weights.arrays:
        if isinstance(each.array.key, OptimizerKey) and each.source is not None:
            carried.add(each.array.key.name)
        elif isinstance(each.array.key, SlotKey) and each.is_carried:
            carried.add(each.array.key.role)
    found = []
    for change in plan.compile_changes:
        name = change.attribute.rpartition(".")[2]
        if _INITIAL.get(name) in carried:
            found.append(
                Problem(
                    "no-effect",
                    f"'{name}' has no effect on a model that has been trained: what it was "
                    "the start of is stored, and goes on",
                    change.source,
                    "`compile: {optimizer_state: reset}` starts from it, and drops all slots",
                    "warning",
                )
            )
    return found
