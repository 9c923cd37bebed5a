"""Keras judges a plan. Nothing is written here.

Both twins are built, every stored array finds its place, every override is seen to take effect.
"""

from __future__ import annotations

import sys
import warnings as python_warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from kover.archive.reader import Archive
from kover.archive.weights import WeightsFile
from kover.engine import keras_private
from kover.engine.consent import missing_consent, seed_for
from kover.engine.identity import OptimizerKey, StateKey, VariableKey
from kover.engine.live_checks import LiveChecks, check_overrides, wrong_rates
from kover.engine.locate import Located, locate
from kover.engine.rates import group_by_rate
from kover.engine.refusals import refusal, refused_original
from kover.engine.twin import Twin, TwinArray, build_twin
from kover.engine.unstored import idle_adapters
from kover.engine.weight_plan import WeightPlan, Wishes, plan_weights
from kover.errors import AnswerIsNo, InputError, KerasError, VerificationError
from kover.modelconfig.dangers import danger_problems
from kover.modelconfig.references import Reference, dangerous_references
from kover.modelconfig.tree import read_tree
from kover.planning.plan import Plan
from kover.problems import Problem, errors_among
from kover.source import Source
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
        raise InputError.at(
            "missing-weights",
            "the archive has no 'model.weights.h5', so Keras cannot load it",
            Source(archive.path),
            "edit the archive alone with `--verify none`",
        )
    refuse_dangers(plan, archive.path, safe_mode)
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
    notes: list[Problem] = []
    if plan.rates:
        _require_multi_optimizer(plan)
        grouping = group_by_rate(plan, bare, _stored_rate(plan, located, stored))
        plan = replace(plan, after={**plan.after, "compile_config": grouping.compile_config})
        notes.extend(grouping.warnings)
    with _recorded() as compile_said:
        new = _compiled_twin(plan, bare, old, archive.path, safe_mode)
    live = check_overrides(plan, old, new)
    if plan.rates:
        live = replace(live, problems=(*live.problems, *wrong_rates(plan, grouping.rates, new)))
    if live.problems:
        raise VerificationError(live.problems)
    wishes = Wishes(
        recreate=lambda key: seed_for(plan, key),
        learning_rate_asked=bool(plan.rates) or asks_for_learning_rate(plan),
        reset_optimizer=plan.optimizer_state == "reset",
    )
    weights = plan_weights(arrays, new.arrays, located.where, stored.arrays, wishes)
    notes += _keras_says([*new_said, *compile_said], old_said, plan, archive.path)
    notes += _notes(plan, old, located, weights, archive.path)
    notes += idle_adapters(plan, new.arrays)
    rated = len(grouping.rates) if plan.rates else 0
    return Judgement(plan, old, new, stored, located, weights, live, tuple(notes), rated)


def refuse_dangers(plan: Plan, path: str, safe_mode: bool) -> None:
    """Look at what the configs name before Keras does.

    Raises:
        InputError: `unsafe-reference`.
    """
    dangers = dict.fromkeys((*dangerous_references(plan.before), *dangerous_references(plan.after)))
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
        raise KerasError.at(
            "keras-too-old",
            "rates by layer need MultiOptimizer, which this Keras does not have",
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


def _keras_says(
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


def _notes(
    plan: Plan, old: Twin | None, located: Located, weights: WeightPlan, path: str
) -> list[Problem]:
    notes = list(located.problems)
    if plan.optimizer_state == "reset":
        notes = [note for note in notes if note.code != "optimizer-state-unreadable"]
    if old is None:
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


def stored_rates(judgement: Judgement) -> dict[str, float]:
    """The learning rate that counts before the edit: the stored one, by optimizer place."""
    stored = judgement.stored
    return {
        key.place: float(stored.read_scalar(stored.arrays[place]))
        for key, place in judgement.located.where.items()
        if isinstance(key, OptimizerKey) and key.name == "learning_rate"
    }
