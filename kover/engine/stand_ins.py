"""Optimizers built on stand-ins: every slot with its variable, role and real shape, in no memory.

Keras creates optimizer slots with values, so an optimizer built on the model's own variables costs
two or three times the model. It is built on tiny variables instead, whose dimensions are distinct
primes: whatever shape a slot derives from its variable's, the primes tell which real dimension
each of its dimensions stands for.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kover.engine import keras_private
from kover.engine.identity import stable_name

_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)
_NAME = "kover_stand_in_"
MOMENTUM_PRODUCT = "u_product"
"""What kover calls the product of momenta that Nadam keeps without a name."""


@dataclass(frozen=True)
class OptimizerVariable:
    """What one optimizer variable is.

    Attributes:
        owner: class of the optimizer that created it.
        place: that optimizer's place, see `keras_private.optimizer_parts`.
        reference: index of the trainable variable that it is a slot of, or None.
        role: `momentum`; for an optimizer's own variables their name: `iteration`.
        shape: real shape, as for the model's own variables.
        dtype: Keras' name of it.
        fill: the value that every entry of a fresh one has.
    """

    owner: str
    place: str
    reference: int | None
    role: str
    shape: tuple[int, ...]
    dtype: str
    fill: float


def describe_optimizer(optimizer: Any, trainable: Sequence[Any]) -> dict[int, OptimizerVariable]:
    """Build `optimizer` on stand-ins for `trainable`, and tell what each of its variables is.

    Returns:
        `id` of the optimizer's variable to its description. The variables stay alive as long as
        the optimizer does.
    """
    stand_ins = [
        keras_private.stand_in(
            _PRIMES[: len(variable.shape)], str(variable.dtype), f"{_NAME}{index}", variable.path
        )
        for index, variable in enumerate(trainable)
    ]
    for stand_in, variable in zip(stand_ins, trainable, strict=True):
        stand_in.overwrite_with_gradient = variable.overwrite_with_gradient
    index_of = {id(stand_in): index for index, stand_in in enumerate(stand_ins)}
    seen: dict[int, tuple[int | None, str]] = {}

    def observe(_optimizer: Any, reference: Any, role: str, slot: Any) -> None:
        seen[id(slot)] = (index_of[id(reference)], role)

    with keras_private.observed_slots(observe):
        optimizer.build(stand_ins)
    described: dict[int, OptimizerVariable] = {}
    for place, part in keras_private.optimizer_parts(optimizer):
        unnamed: Counter[int] = Counter()
        automatic = itertools.count()
        seen[id(keras_private.momentum_product(part))] = (None, MOMENTUM_PRODUCT)
        for variable in keras_private.own_variables(part):
            reference, role = seen.get(id(variable)) or _by_name(variable, unnamed, automatic)
            real = trainable[reference].shape if reference is not None else ()
            described[id(variable)] = OptimizerVariable(
                owner=type(part).__name__,
                place=place,
                reference=reference,
                role=role,
                shape=_real_shape(tuple(variable.shape), tuple(real)),
                dtype=str(variable.dtype),
                fill=_fill(variable),
            )
    return described


def _by_name(
    variable: Any, unnamed: Counter[int], automatic: Iterator[int]
) -> tuple[int | None, str]:
    """Who a variable belongs to that was made without a reference (Adafactor's factors).

    One without a name is numbered: Keras counts such variables through the whole process.
    """
    name = str(variable.name)
    if stable_name(name) == "variable":
        return None, f"variable_{next(automatic)}"
    if not name.startswith(_NAME):
        return None, name
    reference = int(name.removeprefix(_NAME))
    unnamed[reference] += 1
    return reference, f"factor_{unnamed[reference]}"


def _real_shape(shape: tuple[int, ...], real: tuple[int, ...]) -> tuple[int, ...]:
    meaning = dict(zip(_PRIMES, real, strict=False))
    return tuple(meaning.get(size, size) for size in shape)


def _fill(variable: Any) -> float:
    values = variable.numpy().ravel()
    return float(values[0]) if values.size else 0.0
