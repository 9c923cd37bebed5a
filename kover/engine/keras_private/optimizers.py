"""The parts, slots and variables of live optimizers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from kover.engine.keras_private.untyped import KerasOptimizer, KerasVariable


def stand_in(shape: tuple[int, ...], dtype: str, name: str, path: str) -> KerasVariable:
    """A real variable of zeros that claims to be at `path`.

    Source: keras 3.15 `backend.common.variables.Variable._path`, which `optimizers
    .multi_optimizer.OptimizerMap.__call__` reads through `Variable.path`.
    """
    import keras

    variable = keras.Variable(keras.ops.zeros(shape, dtype=dtype), dtype=dtype, name=name)
    variable._path = path
    return variable


@contextlib.contextmanager
def observed_slots(
    seen: Callable[[KerasOptimizer, KerasVariable, str, KerasVariable], None],
) -> Iterator[None]:
    """Report every slot that an optimizer creates: `seen(optimizer, reference, role, slot)`.

    Source: keras 3.15 `optimizers.base_optimizer.BaseOptimizer.add_variable_from_reference`,
    which backends override and call through `super()`.
    """
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    original = BaseOptimizer.add_variable_from_reference

    def observing(
        self: KerasOptimizer,
        reference_variable: KerasVariable,
        name: str | None = None,
        initializer: object = "zeros",
    ) -> KerasVariable:
        slot = original(self, reference_variable, name=name, initializer=initializer)
        seen(self, reference_variable, name or "var", slot)
        return slot

    BaseOptimizer.add_variable_from_reference = observing
    try:
        yield
    finally:
        BaseOptimizer.add_variable_from_reference = original


def optimizer_parts(optimizer: KerasOptimizer) -> list[tuple[str, KerasOptimizer]]:
    """`optimizer` and the optimizers inside it, each with its place: "" is the outer one.

    Source: keras 3.15 `optimizers.loss_scale_optimizer.LossScaleOptimizer.inner_optimizer` and
    `optimizers.multi_optimizer.MultiOptimizer.optimizers`.
    """
    parts = [("", optimizer)]
    inner = getattr(optimizer, "inner_optimizer", None)
    held = [("inner_optimizer", inner)] if inner is not None else []
    held += [
        (f"optimizers/{index}", group)
        for index, group in enumerate(getattr(optimizer, "optimizers", ()))
    ]
    for place, part in held:
        parts += [
            (f"{place}/{below}" if below else place, each) for below, each in optimizer_parts(part)
        ]
    return parts


def version() -> str:
    """The installed Keras'. A public name."""
    import keras

    return str(keras.__version__)


def has_multi_optimizer() -> bool:
    """Whether this Keras has `MultiOptimizer`. A public name, from keras 3.15.1 on."""
    import keras

    return hasattr(keras.optimizers, "MultiOptimizer")


def optimizer_for(optimizer: KerasOptimizer, variable: KerasVariable) -> KerasOptimizer:
    """The optimizer inside `optimizer` that would update `variable`.

    Source: keras 3.15 `optimizers.multi_optimizer.MultiOptimizer._optimizer_map`.
    """
    inner = getattr(optimizer, "inner_optimizer", None) or optimizer
    choose = getattr(inner, "_optimizer_map", None)
    return choose(variable) if choose is not None else inner


def momentum_product(optimizer: KerasOptimizer) -> KerasVariable | None:
    """The variable in which Nadam keeps the product of its momenta; it has no name of its own.

    Source: keras 3.15 `optimizers.nadam.Nadam._u_product`.
    """
    return getattr(optimizer, "_u_product", None)


def own_variables(optimizer: KerasOptimizer) -> list[KerasVariable]:
    """The variables that `optimizer` itself created, without those of inner optimizers.

    Source: keras 3.15 `optimizers.base_optimizer.BaseOptimizer._variables`.
    """
    return list(optimizer._variables)
