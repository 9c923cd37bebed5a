"""What a Nadam that has run for some steps keeps beside its slots: the product of its momenta.

It follows from the iteration count. A Nadam that takes over from another optimizer, iterations
included, would otherwise correct its first steps as if it had never run.

Source: keras 3.15 `optimizers.nadam.Nadam._backend_update_step`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kover.engine import keras_private
from kover.engine.identity import OptimizerKey
from kover.engine.stand_ins import MOMENTUM_PRODUCT
from kover.engine.weight_plan import ArrayPlan, WeightPlan

_DECAY = 0.96
_LEAST = 1e-60  # far below the least float32


def with_momentum_products(
    weights: WeightPlan, optimizer: Any, read: Callable[[str], float]
) -> WeightPlan:
    """`weights` with the product that each new Nadam would have after its iterations.

    Args:
        weights: what becomes of every stored array.
        optimizer: of the new model; None where there is none.
        read: gives a stored number, by its HDF5 path.
    """
    if optimizer is None:
        return weights
    parts = dict(keras_private.optimizer_parts(optimizer))
    counts = {
        plan.array.key.place: plan
        for plan in weights.arrays
        if isinstance(plan.array.key, OptimizerKey) and plan.array.key.name == "iteration"
    }

    def filled(plan: ArrayPlan) -> ArrayPlan:
        key = plan.array.key
        if plan.action != "fresh" or not isinstance(key, OptimizerKey):
            return plan
        count = counts.get(key.place)
        if key.name != MOMENTUM_PRODUCT or count is None or count.source is None:
            return plan
        nadam = parts[key.place]
        steps = int(read(count.source)) // (nadam.gradient_accumulation_steps or 1)
        product = momentum_product_after(steps, nadam.beta_1)
        return replace(
            plan,
            array=replace(plan.array, fill=product),
            reason="follows from the iteration count",
        )

    return replace(weights, arrays=tuple(map(filled, weights.arrays)))


def momentum_product_after(steps: int, beta_1: float) -> float:
    """The product of the momenta of `steps` steps."""
    product = 1.0
    for step in range(1, steps + 1):
        product *= beta_1 * (1.0 - 0.5 * _DECAY**step)
        if product < _LEAST:
            return 0.0
    return product
