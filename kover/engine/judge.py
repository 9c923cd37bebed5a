"""Keras judges a plan. Nothing is written here.

Both twins are built, every stored array finds its place, every override is seen to take effect.
"""

from __future__ import annotations

import sys
import warnings as python_warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from kover.archive.reader import Archive
from kover.archive.refusal import missing_weights
from kover.archive.weights import WeightsFile
from kover.engine import keras_private
from kover.engine.assets import refused_assets
from kover.engine.consent import missing_consent, seed_for
from kover.engine.identity import OptimizerKey, StateKey, VariableKey
from kover.engine.live_checks import (
    LiveChecks,
    check_overrides,
    held_by_rate,
    impossible_rates,
    wrong_rates,
)
from kover.engine.locate import Located, locate
from kover.engine.momentum_product import with_momentum_products
from kover.engine.notes import idle_initial_values, keras_says, of_weights
from kover.engine.optimizer_groups import origins, with_own_patterns, with_stored_rates
from kover.engine.own_scaling import scaling_note, with_own_scaling
from kover.engine.rates import Grouping, group_by_rate
from kover.engine.refusals import refusal, refused_original
from kover.engine.twin import Twin, TwinArray, build_twin
from kover.engine.uncorrected import uncorrected_slots
from kover.engine.unstored import idle_adapters
from kover.engine.weight_plan import WeightPlan, Wishes, plan_weights
from kover.errors import AnswerIsNo, InputError, KerasError, VerificationError
from kover.modelconfig.dangers import danger_problems
from kover.modelconfig.references import Reference
from kover.modelconfig.tree import read_tree
from kover.planning.plan import Plan
from kover.problems import Problem, errors_among
from kover.values import JSON, as_mapping


@dataclass(frozen=True)
class Judgement:
    """What Keras makes of a plan.

    Attributes:
        plan: with the compile config that the rates by layer lead to.
        old: twin of the model as it is; None if Keras refuses it and accepts the edited one.
        new: twin of the edited model.
        stored: the old weights file.
        located: whose each of them is.
        weights: what becomes of each of them.
        live: whether each override was seen to hold.
        warnings: what is worth saying although nothing failed.
        rated_variables: how many have a rate of their own, and were seen to have it.
    """

    plan: Plan
    old: Twin | None
    new: Twin = field(repr=False)
    stored: WeightsFile = field(repr=False)
    located: Located
    weights: WeightPlan
    live: LiveChecks
    warnings: tuple[Problem, ...]
    rated_variables: int = 0


def judge(
    plan: Plan, archive: Archive, stored: WeightsFile | None, *, safe_mode: bool = True
) -> Judgement:
    """Build both twins and decide what becomes of the stored arrays.

    Raises:
        KerasError: Keras refuses the edited config.
        InputError: the stored weights do not fit the model as it is.
        AnswerIsNo: `needs-reinitialize`.
        VerificationError: an override has no effect.
    """
    if stored is None:
        raise missing_weights(archive.path)
    refuse_dangers(plan, archive.path, safe_mode)
    notes: list[Problem] = []
    scaled = with_own_scaling(plan, stored)
    if scaled is not plan:
        plan = scaled
        notes.append(scaling_note(archive.path))
    with _recorded() as new_said:
        bare = _edited_twin(plan, archive.path, safe_mode)
    with _recorded() as old_said:
        old = _old_twin(plan, safe_mode)
    arrays = old.arrays if old is not None else bare.arrays
    located = locate(arrays, stored.arrays, archive.path)
    if errors := errors_among(located.problems):
        raise InputError(errors)
    if problem := missing_consent(plan, arrays, bare.arrays, located.where):
        raise AnswerIsNo(problem)
    if plan.rates:
        plan, grouping = _grouped(plan, bare, located, stored)
        notes.extend(grouping.warnings)
    with _recorded() as compile_said:
        new = _compiled_twin(plan, bare, old, archive.path, safe_mode)
    if refused := refused_assets(plan, new, archive):
        raise KerasError(refused)
    live = check_overrides(plan, old, new)
    if plan.rates:
        wrong = (*wrong_rates(plan, grouping.rates, new), *impossible_rates(plan, new))
        live = replace(live, problems=(*live.problems, *wrong))
    if live.problems:
        raise VerificationError(live.problems)
    wishes = Wishes(
        recreate=lambda key: seed_for(plan, key),
        learning_rate_asked=bool(plan.rates) or asks_for_learning_rate(plan),
        reset_optimizer=plan.optimizer_state == "reset",
        held=frozenset(held_by_rate(new)) if plan.rates else frozenset(),
        origins=origins(old, new),
    )
    weights = plan_weights(arrays, new.arrays, located.where, stored.arrays, wishes)
    weights = with_momentum_products(weights, new.optimizer, _numbers(stored))
    notes += keras_says([*new_said, *compile_said], old_said, plan, archive.path)
    rated = len(grouping.rates) if plan.rates else 0
    judged = Judgement(plan, old, new, stored, located, weights, live, tuple(notes), rated)
    return replace(judged, warnings=(*notes, *_notes(judged, archive.path)))


def _grouped(
    plan: Plan, bare: Twin, located: Located, stored: WeightsFile
) -> tuple[Plan, Grouping]:
    """The plan with the optimizer that its rates by layer lead to."""
    asked = asks_for_learning_rate(plan)
    plan = with_stored_rates(plan, located, _numbers(stored), asked=asked)
    grouping = group_by_rate(plan, bare, _stored_rate(plan, located, stored))
    if grouping.several:
        _require_multi_optimizer(plan)
    grouped = replace(plan, after={**plan.after, "compile_config": grouping.compile_config})
    return with_own_patterns(grouped, plan, bare), grouping


def _numbers(stored: WeightsFile) -> Callable[[str], float]:
    return lambda place: stored.read_scalar(stored.arrays[place])


def _notes(judged: Judgement, path: str) -> list[Problem]:
    plan, weights = judged.plan, judged.weights
    return [
        *of_weights(plan, judged.old is None, judged.located, weights, path),
        *idle_adapters(plan, judged.new.arrays),
        *idle_initial_values(plan, weights),
        *uncorrected_slots(plan, weights, judged.new, _numbers(judged.stored), path),
    ]


def refuse_dangers(plan: Plan, path: str, safe_mode: bool) -> None:
    """Look at what the configs name before Keras does.

    Raises:
        InputError: `unsafe-reference`.
    """
    dangers = dict.fromkeys((*plan.dangers_before, *plan.dangers_after))
    refused = [
        each
        for each in dangers
        if not (each.danger == "code" and not safe_mode) and not _is_imported(each)
    ]
    problems = danger_problems(refused, path)
    if problems:
        raise InputError(problems)


def _is_imported(reference: Reference) -> bool:
    """Whether the package is here already, because the user asked for it."""
    package = reference.name.split(".")[0]
    own = package == "keras" or package in sys.stdlib_module_names  # always there
    return reference.danger == "foreign" and not own and package in sys.modules


def _require_multi_optimizer(plan: Plan) -> None:
    if not keras_private.has_multi_optimizer():
        here = keras_private.version()
        raise KerasError.at(
            "keras-too-old",
            f"rates by layer need MultiOptimizer, which Keras {here} does not have",
            plan.rates[0].source,
            "install keras 3.15.1 or newer, here and where the model is trained",
        )


def asks_for_learning_rate(plan: Plan) -> bool:
    """Whether the specs name a learning rate, also one that the config has already.

    The rate that counts is stored with the weights and may differ from the config's.
    """
    named = {change.attribute for change in plan.compile_changes}
    named |= {each.attribute for each in plan.unchanged if each.layer is None}
    return any(
        name == "optimizer" or (name.startswith("optimizer.") and "learning_rate" in name)
        for name in named
    ) or _optimizer_class(plan.before) != _optimizer_class(plan.after)


def _optimizer_class(config: Mapping[str, JSON]) -> object:
    optimizer = as_mapping(config.get("compile_config")).get("optimizer")
    return as_mapping(optimizer).get("class_name", optimizer)


def _recorded() -> python_warnings.catch_warnings[list[python_warnings.WarningMessage]]:
    return python_warnings.catch_warnings(record=True, action="always")


def _edited_twin(plan: Plan, path: str, safe_mode: bool) -> Twin:
    """The twin of the new config, not compiled."""
    try:
        return build_twin(plan.after, safe_mode=safe_mode, compiled=False)
    except Exception as error:
        raise _refused(error, plan, path, safe_mode) from error


def _refused(error: Exception, plan: Plan, path: str, safe_mode: bool) -> KerasError:
    try:
        build_twin(plan.before, safe_mode=safe_mode)
    except Exception as original:  # noqa: BLE001  (whatever Keras raises is the answer)
        return refused_original(original, path)
    return refusal(error, plan, read_tree(plan.after), path, safe_mode=safe_mode)


def _old_twin(plan: Plan, safe_mode: bool) -> Twin | None:
    """The twin of the old config, or None: a spec can repair what Keras refuses."""
    try:
        twin = build_twin(plan.before, safe_mode=safe_mode)
    except Exception:  # noqa: BLE001  (whatever Keras raises is the answer)
        return None
    return twin.under_new_names(plan.renamed)


def _compiled_twin(plan: Plan, bare: Twin, old: Twin | None, path: str, safe_mode: bool) -> Twin:
    """`bare`, compiled.

    Its optimizer is that of the old one where nothing that it sees differs, since building one
    costs as much as all the rest.
    """
    same_settings = plan.before.get("compile_config") == plan.after.get("compile_config")
    if old is not None and same_settings and _trainable(old) == _trainable(bare):
        state: dict[StateKey, TwinArray] = {
            k: a for k, a in old.arrays.items() if not isinstance(k, VariableKey)
        }
        names = {**bare.group_names, **old.group_names}
        return replace(
            bare, arrays={**bare.arrays, **state}, group_names=names, optimizer=old.optimizer
        )
    try:
        return build_twin(plan.after, safe_mode=safe_mode)
    except Exception as error:
        raise _refused(error, plan, path, safe_mode) from error


def _stored_rate(plan: Plan, located: Located, stored: WeightsFile) -> float | None:
    """The rate that counts now, where no spec names another."""
    if asks_for_learning_rate(plan):
        return None
    own = {
        key.place: place
        for key, place in located.where.items()
        if isinstance(key, OptimizerKey) and key.name == "learning_rate"
    }
    if any("optimizers/" in place for place in own):
        return None  # the groups of a MultiOptimizer have their own
    place = own.get("inner_optimizer") or own.get("")
    return None if place is None else float(stored.read_scalar(stored.arrays[place]))


def _trainable(twin: Twin) -> list[tuple[StateKey, tuple[int, ...], str]]:
    return [(k, a.shape, a.dtype) for k, a in twin.variables().items() if a.trainable]


def stored_rates(judgement: Judgement) -> dict[str, float]:
    """The learning rate that counts before the edit: the stored one, by optimizer place."""
    stored = judgement.stored
    return {
        key.place: float(stored.read_scalar(stored.arrays[place]))
        for key, place in judgement.located.where.items()
        if isinstance(key, OptimizerKey) and key.name == "learning_rate"
    }
