"""Loss scaling that a model was trained under and that its config does not say.

Where the global dtype policy is `mixed_float16`, Keras puts a LossScaleOptimizer around the one
that `compile` was given. It saves the state of the one and the config of the other: the file loads
with its state only where the same policy is set. The output says what there is, and loads with it
everywhere.

Source: keras 3.15 `trainers.trainer.Trainer.compile` (`auto_scale_loss`) and
`saving.serialization_lib` (which saves the arguments of `compile`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kover.archive.weights import WeightsFile
from kover.catalogue import Argument
from kover.catalogue.values import expand
from kover.planning.plan import Plan
from kover.problems import Problem
from kover.source import Source
from kover.values import JSON, as_mapping

_INNER = "optimizer/inner_optimizer/"
_WRAPPER = "LossScaleOptimizer"
_DEFAULTS: dict[str, JSON] = {"initial_scale": 32768.0, "dynamic_growth_steps": 2000}


def with_own_scaling(plan: Plan, stored: WeightsFile) -> Plan:
    """`plan` with the loss scaling in its configs, before and after, that the weights speak of.

    The same plan where there is nothing to say.
    """
    if not any(place.startswith(_INNER) for place in stored.arrays):
        return plan
    before, after = _scaled(plan.before), _scaled(plan.after)
    if before is None:
        return plan
    return replace(plan, before=before, after=plan.after if after is None else after)


def scaling_note(path: str) -> Problem:
    """What there is to say of it."""
    return Problem(
        "hidden-loss-scaling",
        "the model was trained under loss scaling that its config does not name: Keras would load "
        "it without the optimizer's state; the output names the LossScaleOptimizer",
        Source(path, inside="config.json"),
        "nothing to do: training goes on as it was",
        "warning",
    )


def _scaled(root: Mapping[str, JSON]) -> Mapping[str, JSON] | None:
    """The config with its optimizer in a LossScaleOptimizer; None where it is not for kover."""
    compiled = as_mapping(root.get("compile_config"))
    optimizer = compiled.get("optimizer")
    if isinstance(optimizer, str):
        optimizer = expand(Argument("optimizer", "optimizer"), optimizer)
    record = as_mapping(optimizer)
    module = str(record.get("module"))
    if record.get("class_name") == _WRAPPER or not (
        module == "keras" or module.startswith("keras.")
    ):
        return None
    wrapped: JSON = {
        "module": "keras.optimizers",
        "class_name": _WRAPPER,
        "config": {"name": "loss_scale_optimizer", "inner_optimizer": dict(record), **_DEFAULTS},
        "registered_name": None,
    }
    return {**root, "compile_config": {**compiled, "optimizer": wrapped}}
