"""What an edit means for the stored weights when Keras may not be asked (`--verify none`).

Only the learning rate can be followed: it is stored with the weights, and Keras takes it from
there. Everything else about the weights needs Keras, and is said or refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

from kover.archive.reader import WEIGHTS, Archive
from kover.archive.weights import StoredArray
from kover.archive.writer import Patched, Replacement
from kover.diffing.rate_places import rate_places, stored_rates
from kover.errors import UsageError
from kover.modelconfig.optimizers import MAP, multi_optimizer_place, stored_optimizers
from kover.planning.plan import AttributeChange, Plan
from kover.problems import Problem
from kover.source import Source
from kover.spec.document import Spec
from kover.values import JSON, as_mapping

_OUTER = "optimizer/vars"
_ADDING_SLOTS = ("amsgrad", "centered", "gradient_accumulation_steps", "momentum", "use_ema")
_SHAPELESS = frozenset(
    {"autocast", "go_backwards", "lora_alpha", "seed", "stateful", "trainable", "unroll"}
)


def edit_without_keras(
    plan: Plan, specs: Sequence[Spec], archive: Archive
) -> tuple[dict[str, Replacement], tuple[Problem, ...]]:
    """The members to replace beside the config, and what cannot be vouched for.

    Raises:
        UsageError: `needs-keras` for an override that re-creates variables, sets rates by layer,
            changes groups of a `MultiOptimizer` or resets the optimizer's state.
    """
    if needing := dict.fromkeys(_needing_keras(plan, specs)):
        raise UsageError(
            Problem("needs-keras", f"{what} without Keras", source, "leave `--verify none` out")
            for source, what in needing
        )
    rates = _changed_rates(plan)
    weights = archive.weights() if rates else None
    places = _places(plan, weights.arrays) if weights is not None else {}
    patches = tuple(
        (array.h5_offset, struct.pack("<f" if array.size_bytes == 4 else "<d", rate))
        for name, (rate, _) in rates.items()
        for array in places.get(name, ())
        if array.h5_offset is not None
    )
    lost = [_unfollowed(source) for name, (_, source) in rates.items() if name not in places]
    replaced: dict[str, Replacement] = {WEIGHTS: Patched(patches)} if patches else {}
    return replaced, (*_warnings(plan, archive), *lost[:1])


def _needing_keras(plan: Plan, specs: Sequence[Spec]) -> Iterator[tuple[Source, str]]:
    for consent in plan.consents:
        yield consent.source, "variables cannot be re-created"
    for rate in plan.rates:
        yield rate.source, "layers cannot be given rates of their own"
    if _groups(plan.before) != _groups(plan.after) and plan.compile_changes:
        source = plan.compile_changes[0].source
        yield source, "the optimizer's groups of variables cannot be changed"
    for compile in (spec.compile for spec in specs):
        if compile is not None and compile.optimizer_state == "reset":
            source = compile.optimizer_state_source or compile.source
            yield source, "the optimizer's state cannot be reset"


def _optimizer(config: Mapping[str, JSON]) -> JSON:
    return as_mapping(config.get("compile_config")).get("optimizer")


def _places(plan: Plan, arrays: Mapping[str, StoredArray]) -> dict[str, list[StoredArray]]:
    """Where the rates are stored, by what the plan calls the optimizers in the end."""
    old, new = _optimizer(plan.before), _optimizer(plan.after)
    found = rate_places(new if isinstance(old, str) else old, arrays)
    for was, now in zip(stored_optimizers(old), stored_optimizers(new), strict=False):
        if was.attribute in found:  # a renamed layer gives its group another pattern
            found[now.attribute] = found[was.attribute]
    return found


def _changed_rates(plan: Plan) -> dict[str, tuple[float, Source]]:
    """The new rates that the specs name, by what the plan calls the optimizers."""
    named = {change.attribute: change.source for change in plan.compile_changes}
    named |= {each.attribute: each.source for each in plan.unchanged if each.layer is None}
    found = {}
    for each in stored_optimizers(_optimizer(plan.after)):
        rate = as_mapping(each.record.get("config")).get("learning_rate")
        source = _naming(each.attribute, named)
        if source is None or isinstance(rate, bool) or not isinstance(rate, (int, float)):
            continue
        found[each.attribute] = float(rate), source
    return found


def _naming(optimizer: str, named: Mapping[str, Source]) -> Source | None:
    """Where the rate of an optimizer is named: by itself, or with all that is around it."""
    for name, source in named.items():
        around = optimizer.startswith(f"{name}.") and not name.endswith(f".{MAP}")  # new patterns
        if around or name in (f"{optimizer}.learning_rate", optimizer):
            return source
    return None


def stored_learning_rate(archive: Archive) -> float | None:
    """The rate that Keras would load, if it is one number stored with the weights."""
    rates = group_rates(archive)
    return next(iter(rates.values())) if len(rates) == 1 else None


def group_rates(archive: Archive) -> Mapping[str, float]:
    """The rates that Keras would load, by what a plan calls the optimizers."""
    weights = archive.weights() if WEIGHTS in archive else None
    return stored_rates(_optimizer(archive.config), weights)


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


def _groups(config: Mapping[str, JSON]) -> list[JSON]:
    """The classes of the optimizers in a `MultiOptimizer`; none without one."""
    optimizer = _optimizer(config)
    if multi_optimizer_place(optimizer) is None:
        return []
    return [each.record.get("class_name") for each in stored_optimizers(optimizer)]


def _state_form(config: Mapping[str, JSON]) -> list[JSON]:
    """What decides how many variables the optimizers have for each of the model's."""
    form: list[JSON] = []
    for each in stored_optimizers(_optimizer(config)):
        settings = as_mapping(each.record.get("config"))
        form += [each.record.get("class_name"), isinstance(settings.get("learning_rate"), dict)]
        form += [bool(settings.get(name)) for name in _ADDING_SLOTS]
    return form or [_optimizer(config)]


def _paths(archive: Archive) -> Mapping[str, StoredArray]:
    weights = archive.weights()
    return weights.arrays if weights is not None else {}
