"""The optimizer: replaced by another one, or changed in some of its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from kover.catalogue import Argument, catalogue
from kover.catalogue.forms import names_an_object
from kover.catalogue.values import check_value, expand
from kover.modelconfig.keras_values import is_record
from kover.modelconfig.optimizers import MAP
from kover.planning.dotted import inside, with_inside
from kover.planning.nested_edits import edit_inside
from kover.planning.optimizer_groups import (
    GroupsEdit,
    default_of,
    is_multi_optimizer,
    set_in_groups,
    without_joined,
)
from kover.planning.outcomes import Lacks, Refused
from kover.problems import Problem, errors_among
from kover.spec.document import Setting, Value
from kover.suggest import nearest
from kover.values import JSON

_INNER = "inner_optimizer"
_OPTIMIZER = Argument("optimizer", "optimizer")


@dataclass(frozen=True)
class OptimizerEdit:
    """What became of the optimizer.

    Attributes:
        optimizer: the new one, in Keras' form.
        asked: which settings were asked for: `optimizer`, or `optimizer.learning_rate`, ...
        replaces: nothing of the old one is kept.
        problems: what is wrong; with errors, the rest is not to be used.
    """

    optimizer: JSON = None
    asked: Mapping[str, Value] = field(default_factory=dict)
    replaces: bool = False
    problems: tuple[Problem, ...] = ()


def edit_optimizer(present: JSON, value: Value) -> OptimizerEdit:
    """Replace the optimizer (a name, or a mapping with `class`), or merge settings into it.

    A replaced optimizer starts from the new class's defaults: what the spec does not give, the
    learning rate included, is not taken over from the old one.

    Args:
        present: the optimizer so far, in Keras' form; None without one.
        value: from the spec.
    """
    if not isinstance(value.data, dict) or names_an_object(value.data):
        return _replaced(present, value)
    if present is None:
        problem = Problem(
            "not-compiled",
            "the model was saved uncompiled: it has no optimizer to change",
            value.source(),
            "say which one: `optimizer: {class: Adam, …}`, and give a loss",
        )
        return OptimizerEdit(problems=(problem,))
    record = expand(_OPTIMIZER, present) if isinstance(present, str) else present
    return _merged(record, value, "optimizer")


def _replaced(present: JSON, value: Value) -> OptimizerEdit:
    argument = catalogue().compile_arguments.get("optimizer", _OPTIMIZER)
    problems = tuple(check_value(argument, value, "optimizer"))
    if errors_among(problems):
        return OptimizerEdit(problems=problems)
    new = expand(argument, value.data)
    named = isinstance(value.data, dict) and "name" in value.data
    return OptimizerEdit(
        new if named else _with_old_name(new, present), {"optimizer": value}, True, problems
    )


def _with_old_name(new: JSON, present: JSON) -> JSON:
    """A new optimizer of the old class keeps the old one's name, which its variables bear."""
    if not (isinstance(new, dict) and isinstance(present, dict)):
        return new
    name = inside(present).get("name")
    if new.get("class_name") != present.get("class_name") or name is None:
        return new
    return with_inside(new, {**inside(new), "name": name})


def _merged(record: JSON, value: Value, where: str) -> OptimizerEdit:
    """Each key of the mapping set in the optimizer's config."""
    if not isinstance(record, dict) or not is_record(record):
        problem = Problem(
            "unknown-optimizer",
            "the saved optimizer cannot be changed: its config is not known",
            value.source(),
            "replace it: `optimizer: {class: Adam, …}`",
        )
        return OptimizerEdit(problems=(problem,))
    asked: dict[str, Value] = {}
    problems: list[Problem] = []
    before = record
    for setting in _settings(record, value):
        edit = _set(record, setting, where)
        problems += edit.problems
        record = edit.record
        if setting.value is not None:
            asked |= dict.fromkeys(edit.asked, setting.value)
    record, joined = _without_joined(record, before, where)
    asked |= dict.fromkeys(joined, value)
    return OptimizerEdit(record, asked, False, tuple(problems))


def _set(record: dict[str, JSON], setting: Setting, where: str) -> GroupsEdit:
    """One setting, in the optimizer or in those inside it that are to have it."""
    if is_multi_optimizer(record):
        return set_in_groups(record, setting, where, _set_in)
    inner = inside(record).get(_INNER)
    if isinstance(inner, dict) and setting.attribute.partition(".")[0] not in _own_keys(record):
        edit = _set(inner, setting, f"{where}.{_INNER}")
        around = with_inside(record, {**inside(record), _INNER: edit.record})
        return replace(edit, record=around)
    path, edited = _set_in(record, setting, where)
    if isinstance(edited, list):
        return GroupsEdit(record, problems=tuple(edited))
    return GroupsEdit(edited, (path,))


def _without_joined(
    record: dict[str, JSON], before: dict[str, JSON], where: str
) -> tuple[dict[str, JSON], tuple[str, ...]]:
    """The optimizer without the groups that the settings made like the default, and these."""
    inner, old = inside(record).get(_INNER), inside(before).get(_INNER)
    if isinstance(inner, dict) and isinstance(old, dict):
        left, joined = _without_joined(inner, old, f"{where}.{_INNER}")
        return with_inside(record, {**inside(record), _INNER: left}), joined
    if not is_multi_optimizer(record):
        return record, ()
    left, patterns = without_joined(record, before)
    return left, tuple(f"{where}.{MAP}.{MAP}.{pattern}" for pattern in patterns)


def _settings(record: dict[str, JSON], value: Value) -> Iterator[Setting]:
    """The mapping's entries; one for a schedule that names no class merges into the present one."""
    for key in value.data if isinstance(value.data, dict) else ():
        part = value.part(key)
        present = _learning_rate(record) if key == "learning_rate" else None
        if isinstance(part.data, dict) and not names_an_object(part.data) and is_record(present):
            for inner in part.data:
                yield Setting(f"{key}.{inner}", part.key_source(inner), part.part(inner))
        else:
            yield Setting(key, value.key_source(key), part)


def _learning_rate(record: dict[str, JSON]) -> JSON:
    config = inside(default_of(record) if is_multi_optimizer(record) else record)
    inner = config.get(_INNER)
    return _learning_rate(inner) if isinstance(inner, dict) else config.get("learning_rate")


def _set_in(
    record: dict[str, JSON], setting: Setting, where: str
) -> tuple[str, dict[str, JSON] | list[Problem]]:
    """One setting in this very optimizer."""
    steps = ("optimizer", *setting.attribute.split("."))
    new = edit_inside(setting, None, steps, record, _OPTIMIZER)
    if isinstance(new, Lacks):
        return where, [_with_help(new.problem, record, setting)]
    if isinstance(new, Refused):
        return where, list(new.problems)
    assert isinstance(new.value, dict)
    return f"{where}.{setting.attribute}", new.value


def _own_keys(record: Mapping[str, JSON]) -> set[str]:
    """What a wrapping optimizer has for itself."""
    return set(inside(dict(record))) - {"name"}


def _with_help(problem: Problem, record: Mapping[str, JSON], setting: Setting) -> Problem:
    """A class that does have the setting, where nothing in this one is called like it."""
    name = setting.attribute
    entry = catalogue().entry_for_record({**record})
    if "." in name or entry is None or nearest(name, entry.arguments):
        return problem
    having = [
        other
        for other in catalogue().class_names("optimizer")
        if (found := catalogue().entry("optimizer", other)) and name in found.arguments
    ]
    if not having:
        return problem
    listed = ", ".join(having[:4])
    return Problem(problem.code, problem.message, problem.source, f"these have it: {listed}")
