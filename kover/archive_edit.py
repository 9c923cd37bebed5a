"""What an edit means for the stored weights when Keras may not be asked (`--verify none`).

Only the learning rate can be followed: it is stored with the weights, and Keras takes it from
there. Everything else about the weights needs Keras, and is said or refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

from kover.archive.reader import WEIGHTS, Archive
from kover.archive.weights import StoredArray, WeightsFile
from kover.archive.writer import Patched, Replacement
from kover.errors import UsageError
from kover.planning.plan import AttributeChange, Plan
from kover.problems import Problem
from kover.source import Source
from kover.spec.document import Spec
from kover.values import JSON, as_mapping

_OUTER = "optimizer/vars"
_INNER = "optimizer/inner_optimizer/vars"
_ADDING_SLOTS = ("amsgrad", "centered", "gradient_accumulation_steps", "momentum", "use_ema")
_SHAPELESS = frozenset(
    {"autocast", "go_backwards", "lora_alpha", "seed", "stateful", "trainable", "unroll"}
)


def edit_without_keras(
    plan: Plan, specs: Sequence[Spec], archive: Archive
) -> tuple[dict[str, Replacement], tuple[Problem, ...]]:
    """The members to replace beside the config, and what cannot be vouched for.

    Raises:
        UsageError: `needs-keras` for an override that re-creates variables, sets rates by layer or
            resets the optimizer's state.
    """
    if needing := dict.fromkeys(_needing_keras(plan, specs)):
        raise UsageError(
            Problem("needs-keras", f"{what} without Keras", source, "leave `--verify none` out")
            for source, what in needing
        )
    rate = _changed_rate(plan)
    if rate is None:
        return {}, tuple(_warnings(plan, archive))
    value, source = rate
    weights = archive.weights()
    places = _stored_rate(weights) if weights is not None else []
    if weights is None or not places:
        return {}, (*_warnings(plan, archive), _unfollowed(source))
    patches = [
        (array.h5_offset, struct.pack("<f" if array.size_bytes == 4 else "<d", value))
        for array in places
        if array.h5_offset is not None
    ]
    return {WEIGHTS: Patched(tuple(patches))}, tuple(_warnings(plan, archive))


def _needing_keras(plan: Plan, specs: Sequence[Spec]) -> Iterator[tuple[Source, str]]:
    for consent in plan.consents:
        yield consent.source, "variables cannot be re-created"
    for rate in plan.rates:
        yield rate.source, "layers cannot be given rates of their own"
    for compile in (spec.compile for spec in specs):
        if compile is not None and compile.optimizer_state == "reset":
            source = compile.optimizer_state_source or compile.source
            yield source, "the optimizer's state cannot be reset"


def _optimizer(config: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The record of the optimizer that holds the learning rate."""
    optimizer = as_mapping(as_mapping(config.get("compile_config")).get("optimizer"))
    inner = as_mapping(as_mapping(optimizer.get("config")).get("inner_optimizer"))
    return inner or optimizer


def _changed_rate(plan: Plan) -> tuple[float, Source] | None:
    """The new scalar rate, if the specs name one."""
    named = [c.source for c in plan.compile_changes if _names_rate(c.attribute)]
    named += [u.source for u in plan.unchanged if u.layer is None and _names_rate(u.attribute)]
    rate = as_mapping(_optimizer(plan.after).get("config")).get("learning_rate")
    if not named or isinstance(rate, bool) or not isinstance(rate, (int, float)):
        return None
    return float(rate), named[0]


def _names_rate(attribute: str) -> bool:
    return attribute == "optimizer" or (
        attribute.startswith("optimizer.") and attribute.endswith("learning_rate")
    )


def _stored_rate(weights: WeightsFile) -> list[StoredArray]:
    """Where the rate is stored: second, after the iteration count; twice under loss scaling.

    Source: keras 3.15 `optimizers.base_optimizer.BaseOptimizer.__init__` and
    `optimizers.loss_scale_optimizer.LossScaleOptimizer.variables`.
    """
    inner = _pair(weights, _INNER, 0)
    if inner:
        outer = _pair(weights, _OUTER, 4)
        return [*inner, *outer]
    return _pair(weights, _OUTER, 0)


def _pair(weights: WeightsFile, group: str, first: int) -> list[StoredArray]:
    iteration = weights.arrays.get(f"{group}/{first}")
    rate = weights.arrays.get(f"{group}/{first + 1}")
    if iteration is None or rate is None or iteration.shape or rate.shape:
        return []
    fits = iteration.dtype[1] == "i" and rate.dtype in {"<f4", "<f8"}
    return [rate] if fits and rate.h5_offset is not None else []


def stored_learning_rate(archive: Archive) -> float | None:
    """The rate that Keras would load, if it is a number stored with the weights."""
    weights = archive.weights() if WEIGHTS in archive else None
    places = _stored_rate(weights) if weights is not None else []
    if weights is None or not places or not _optimizer(archive.config):
        return None
    return float(weights.read_scalar(places[0]))


def _unfollowed(source: Source) -> Problem:
    return Problem(
        "rate-not-stored",
        "the stored learning rate was not found, so Keras may load another one",
        source,
        "leave `--verify none` out to be sure",
        "warning",
    )


def _warnings(plan: Plan, archive: Archive) -> Iterator[Problem]:
    """What Keras would make of the stored values, as far as that shows without asking it."""
    reshaping = [change for change in plan.changes if _may_reshape(change)]
    if reshaping:
        first, more = reshaping[0], len(reshaping) - 1
        others = f" and {more} more settings" if more else ""
        yield Problem(
            "weights-not-followed",
            f"'{first.attribute}' of '{first.layer}'{others} may change the shapes of variables; "
            "the stored values stay as they are, and Keras may refuse the file",
            first.source,
            "leave `--verify none` out to be sure",
            "warning",
        )
    moving = [change.source for change in plan.changes if change.attribute == "trainable"]
    if _state_form(plan.before) != _state_form(plan.after):
        moving = [change.source for change in plan.compile_changes] or moving
    if moving and f"{_OUTER}/0" in _paths(archive):
        yield Problem(
            "optimizer-state-not-carried",
            "the stored optimizer state no longer fits: Keras will ignore it, with a warning",
            moving[0],
            "leave `--verify none` out to keep it",
            "warning",
        )


def _may_reshape(change: AttributeChange) -> bool:
    """Whether the attribute may be one that decides which variables there are, or their shapes.

    Those are counts, sizes and switches; what is a fraction, a name or an object is none.
    """
    values = (change.before, change.after)
    if change.attribute in _SHAPELESS or any(isinstance(value, float) for value in values):
        return False
    return change.attribute == "padding" or any(isinstance(value, int | list) for value in values)


def _state_form(config: Mapping[str, JSON]) -> tuple[JSON, ...]:
    """What decides how many variables an optimizer has for each of the model's."""
    outer: JSON = as_mapping(config.get("compile_config")).get("optimizer")
    inner = _optimizer(config)
    settings = as_mapping(inner.get("config"))
    return (
        as_mapping(outer).get("class_name", outer),
        inner.get("class_name"),
        isinstance(settings.get("learning_rate"), dict),
        *(bool(settings.get(name)) for name in _ADDING_SLOTS),
    )


def _paths(archive: Archive) -> Mapping[str, StoredArray]:
    weights = archive.weights()
    return weights.arrays if weights is not None else {}
