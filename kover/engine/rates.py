"""Learning rates and weight decays by layer, as Keras' own `MultiOptimizer`.

Each trainable variable gets the optimizer that the rules leave it with; variables that share one
form a group, which `rate_patterns` puts in words.

Source: keras 3.15 `optimizers.multi_optimizer.MultiOptimizer` and `OptimizerMap`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kover.engine.identity import VariableKey
from kover.engine.rate_patterns import group_patterns, is_meant
from kover.engine.twin import Twin, TwinArray
from kover.errors import AnswerIsNo
from kover.planning.plan import LayerRate, Plan
from kover.problems import Problem
from kover.source import Source
from kover.spec.document import Rate
from kover.values import JSON, as_mapping, short_float

Record = dict[str, JSON]

# What a schedule calls its rates; everything else about it stays. Read off keras 3.15
# `optimizers/schedules/learning_rate_schedule.py`.
_SCHEDULE_RATES: dict[str, tuple[str, ...]] = {
    "ExponentialDecay": ("initial_learning_rate",),
    "InverseTimeDecay": ("initial_learning_rate",),
    "PolynomialDecay": ("initial_learning_rate", "end_learning_rate"),
    "CosineDecay": ("initial_learning_rate", "warmup_target"),
    "CosineDecayRestarts": ("initial_learning_rate",),
    "PiecewiseConstantDecay": ("values",),
}


@dataclass(frozen=True)
class Grouping:
    """A compile config with the groups in it.

    Attributes:
        compile_config: the new one.
        rates: what each trainable variable will train with: learning rate and weight decay.
        several: whether there is more than one group, which is a `MultiOptimizer`.
        warnings: what means something else now.
    """

    compile_config: Record
    rates: Mapping[VariableKey, tuple[JSON, JSON]]
    several: bool
    warnings: tuple[Problem, ...]


def group_by_rate(plan: Plan, twin: Twin, stored_rate: float | None) -> Grouping:
    """Group the trainable variables of `twin` by the rates that `plan` gives them.

    Args:
        plan: with at least one rate.
        twin: of the edited model; its optimizer is not looked at.
        stored_rate: the learning rate that counts now, if it is a number.

    Raises:
        AnswerIsNo: `not-compiled`, `rate-without-variables`, `not-scalable`,
            `indistinguishable-variables`.
    """
    compile_config = copy.deepcopy(dict(as_mapping(plan.after.get("compile_config"))))
    outer = compile_config.get("optimizer")
    first = plan.rates[0].source
    if not isinstance(outer, dict) or not isinstance(outer.get("config"), dict):
        raise AnswerIsNo.at(
            "not-compiled",
            "a rate for some layers needs a compiled model, and this one has no optimizer",
            first,
            "add `compile: {optimizer: ..., loss: ...}`",
        )
    inner = _inner(outer)
    base, present = _present(inner)
    if stored_rate is not None:
        base = _with(base, "learning_rate", short_float(stored_rate))
    trainable = {key: array for key, array in twin.variables().items() if array.trainable}
    records = {key: present(array.live.path) or base for key, array in trainable.items()}
    _apply_rules(plan.rates, records, base)
    optimizer, told = _multi_optimizer(base, records, trainable, twin, plan.rates)
    compile_config["optimizer"] = _rewrapped(outer, optimizer)
    several = optimizer["class_name"] == "MultiOptimizer"
    return Grouping(
        compile_config,
        {key: rates_of(record) for key, record in records.items()},
        several,
        (*_warnings(base, first), *told) if several else (),
    )


def rates_of(record: Mapping[str, JSON]) -> tuple[JSON, JSON]:
    """Learning rate and weight decay of an optimizer's record."""
    config = as_mapping(record.get("config"))
    return config.get("learning_rate"), config.get("weight_decay")


def _inner(outer: Record) -> Record:
    """The optimizer itself, out of a LossScaleOptimizer."""
    inner = as_mapping(outer.get("config")).get("inner_optimizer")
    return inner if isinstance(inner, dict) else outer


def _rewrapped(outer: Record, inner: Record) -> Record:
    if isinstance(as_mapping(outer.get("config")).get("inner_optimizer"), dict):
        return _with(outer, "inner_optimizer", inner)
    return inner


def _present(optimizer: Record) -> tuple[Record, Callable[[str], Record | None]]:
    """The default optimizer, and the one that a variable's path has a group for already."""
    config = as_mapping(optimizer.get("config"))
    map_config = as_mapping(as_mapping(config.get("optimizer_map")).get("config"))
    default = map_config.get("default_optimizer")
    if optimizer.get("class_name") != "MultiOptimizer" or not isinstance(default, dict):
        return optimizer, lambda path: None
    groups = as_mapping(map_config.get("optimizer_map"))

    def of(path: str) -> Record | None:
        exact = groups.get(path)
        if isinstance(exact, dict):
            return exact
        for pattern, record in groups.items():
            if isinstance(record, dict) and re.fullmatch(pattern, path):
                return record
        return None

    return default, of


def _with(record: Record, argument: str, value: JSON) -> Record:
    return {**record, "config": {**as_mapping(record.get("config")), argument: value}}


def _apply_rules(
    rules: Sequence[LayerRate], records: dict[VariableKey, Record], base: Record
) -> None:
    """Let each rule, in order, change the optimizers of the variables that it speaks of."""
    problems: list[Problem] = []
    used: dict[Source, bool] = {}
    for rule in rules:
        covered = [key for key in records if is_meant(rule, key)]
        used[rule.source] = used.get(rule.source, False) or bool(covered)
        for key in covered:
            for argument, rate in (
                ("learning_rate", rule.learning_rate),
                ("weight_decay", rule.weight_decay),
            ):
                if rate is None:
                    continue
                value = _resolved(rate, as_mapping(base.get("config")).get(argument))
                if isinstance(value, Problem):
                    problems.append(value)
                else:
                    records[key] = _with(records[key], argument, value)
    problems += [_nothing_to_rate(source) for source, any_used in used.items() if not any_used]
    if problems:
        raise AnswerIsNo(problems)


def _resolved(rate: Rate, own: JSON) -> JSON | Problem:
    """The rate as a number or schedule; `own` is the optimizer's."""
    if rate.absolute is not None:
        return float(rate.absolute)
    factor = float(rate.multiply or 0.0)
    if isinstance(own, (int, float)) and not isinstance(own, bool):
        return _product(own, factor)
    if isinstance(own, dict):
        return _scaled_schedule(own, factor) or _not_scalable(rate, str(own.get("class_name")))
    return _not_scalable(rate, "no value")


def _scaled_schedule(schedule: Record, factor: float) -> Record | None:
    names = _SCHEDULE_RATES.get(str(schedule.get("class_name")))
    if names is None or schedule.get("registered_name"):
        return None
    config = dict(as_mapping(schedule.get("config")))
    for name in names:
        value = config.get(name)
        if isinstance(value, list):
            config[name] = [
                _product(item, factor) for item in value if isinstance(item, (int, float))
            ]
        elif isinstance(value, (int, float)):
            config[name] = _product(value, factor)
    return {**schedule, "config": config}


def _product(rate: float, factor: float) -> float:
    """`rate * factor` without the last digits of binary fractions: 0.001 * 0.1 is 0.0001."""
    return float(f"{short_float(float(rate)) * factor:.12g}")


def _multi_optimizer(
    base: Record,
    records: Mapping[VariableKey, Record],
    trainable: Mapping[VariableKey, TwinArray],
    twin: Twin,
    rules: Sequence[LayerRate],
) -> tuple[Record, tuple[Problem, ...]]:
    """One optimizer if all variables have the same, else a MultiOptimizer; what to say of it."""
    groups: dict[str, list[VariableKey]] = {}
    for key, record in records.items():
        groups.setdefault(_identity(record), []).append(key)
    if len(groups) == 1:
        return next(iter(records.values())), ()
    default = _identity(base) if _identity(base) in groups else next(iter(groups))
    written = group_patterns(groups, default, trainable, twin, rules)
    patterns: Record = {
        written.by_group[identity]: _with(records[keys[0]], "name", f"group_{number}")
        for number, (identity, keys) in enumerate(groups.items())
        if identity != default
    }
    optimizer: Record = {
        "module": "keras.optimizers",
        "class_name": "MultiOptimizer",
        "config": {
            "optimizer_map": {
                "module": "keras.optimizers",
                "class_name": "OptimizerMap",
                "config": {
                    "default_optimizer": records[groups[default][0]],
                    "optimizer_map": patterns,
                },
                "registered_name": None,
            },
            "loss_scale_factor": as_mapping(base.get("config")).get("loss_scale_factor"),
            "name": "multi_optimizer",
        },
        "registered_name": None,
    }
    return optimizer, written.warnings


def _identity(record: Record) -> str:
    """What makes two optimizers the same: all but their names."""
    config = {k: v for k, v in as_mapping(record.get("config")).items() if k != "name"}
    return json.dumps([record.get("class_name"), record.get("registered_name"), config])


def _nothing_to_rate(source: Source) -> Problem:
    return Problem(
        "rate-without-variables",
        "none of the selected layers has a trainable variable that this rate could be for",
        source,
        "unfreeze the layers with `set: {trainable: true}`, or check `variables`",
    )


def _not_scalable(rate: Rate, what: str) -> Problem:
    return Problem(
        "not-scalable",
        f"the optimizer's own value is {what}, which cannot be multiplied",
        rate.source,
        "give an absolute number",
    )


def _warnings(base: Record, source: Source) -> Iterator[Problem]:
    config = as_mapping(base.get("config"))

    def warning(code: str, message: str, help: str) -> Problem:
        return Problem(code, message, source, help, "warning")

    if config.get("global_clipnorm") is not None:
        yield warning(
            "clips-by-group",
            "'global_clipnorm' now clips each group of variables by itself, not all of them",
            "use 'clipnorm' or 'clipvalue', which do not depend on groups",
        )
    if config.get("gradient_accumulation_steps") is not None:
        yield warning(
            "accumulates-by-group",
            "gradients are now accumulated by each group of variables for itself",
            "nothing to do if all groups train in every step",
        )
    yield warning(
        "several-learning-rates",
        "the optimizer is now a MultiOptimizer: code that reads 'optimizer.learning_rate' fails",
        "read the rate of each of 'optimizer.optimizers' instead",
    )
