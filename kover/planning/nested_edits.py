"""Settings that reach into an object: `kernel_regularizer.l2`, `learning_rate.decay_steps`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from kover.catalogue import Argument, Entry
from kover.catalogue.spans import code_of, help_of, told
from kover.catalogue.values import check_value, expand
from kover.catalogue.versions import Span
from kover.modelconfig.keras_values import is_record
from kover.modelconfig.tree import LayerNode
from kover.planning.dotted import inside, with_inside
from kover.planning.layer_classes import record_entry
from kover.planning.outcomes import Lacks, Refused
from kover.planning.plan import called
from kover.problems import Problem, cut, errors_among
from kover.spec.document import Setting
from kover.suggest import did_you_mean
from kover.values import JSON, MISSING, Missing


@dataclass(frozen=True)
class Edited:
    """The new value of the whole attribute, in Keras' form."""

    value: JSON


@dataclass(frozen=True)
class _Reach:
    """How far the setting has come: who owns the attribute, and the steps taken and left."""

    setting: Setting
    owner: str  # for messages: "'conv1'"
    done: tuple[str, ...]
    left: tuple[str, ...]

    def into(self) -> _Reach:
        """One step further."""
        return _Reach(self.setting, self.owner, (*self.done, self.left[0]), self.left[1:])

    @property
    def so_far(self) -> str:
        return ".".join(self.done)


def edit_inside(
    setting: Setting,
    node: LayerNode | None,
    steps: tuple[str, ...],
    value: JSON | Missing,
    argument: Argument | None,
) -> Edited | Lacks | Refused:
    """Set, or leave out, a part of an object.

    Args:
        setting: for its value and places.
        node: the layer that owns the attribute, None for the optimizer.
        steps: the attribute, and what is reached into: at least two.
        value: the attribute's present value, in Keras' form.
        argument: what is known of the attribute.
    """
    owner = "the model's optimizer" if node is None else called(node.path)
    reach = _Reach(setting, owner, steps[:1], steps[1:])
    return _edit(reach, value, argument)


def _edit(
    reach: _Reach, value: JSON | Missing, argument: Argument | None
) -> Edited | Lacks | Refused:
    if isinstance(value, str) and argument is not None:
        value = expand(argument, value)
    if value is None or value is MISSING:
        return Lacks(_nothing_there(reach))
    if not isinstance(value, dict) or (is_record(value) and not isinstance(value["config"], dict)):
        return Lacks(_plain_there(reach, value))
    entry = record_entry(value) if is_record(value) else None
    step, held = reach.left[0], inside(value)
    inner = entry.arguments.get(step) if entry is not None else None
    if step not in held and inner is None:
        if entry is not None and step in entry.elsewhere:
            return Lacks(_of_another_version(reach, entry, entry.elsewhere[step]))
        return Lacks(_unknown(reach, value, held.keys() | _arguments(entry)))
    found = held.get(step, MISSING)
    new = _edit(reach.into(), found, inner) if len(reach.left) > 1 else _last(reach, inner, found)
    if isinstance(new, (Lacks, Refused)):
        return new
    return Edited(with_inside(value, _with_item(held, step, new)))


@dataclass(frozen=True)
class _LeftOut:
    """The part goes away: the class takes its default."""


def _last(
    reach: _Reach, argument: Argument | None, found: JSON | Missing
) -> Edited | _LeftOut | Refused:
    setting = reach.setting
    if setting.value is None:
        if argument is not None and argument.required:
            return Refused((
                Problem(
                    "no-default",
                    f"'{setting.attribute}' has no default to go back to",
                    setting.key_source,
                    "set it to a value",
                ),
            ))  # fmt: skip
        return _LeftOut()
    if argument is None:
        return Edited(setting.value.data)
    problems = tuple(check_value(argument, setting.value, setting.attribute))
    if errors_among(problems):
        return Refused(problems)
    return Edited(expand(argument, setting.value.data))


def _with_item(held: object, step: str, new: Edited | _LeftOut) -> dict[str, JSON]:
    assert isinstance(held, dict)
    if isinstance(new, _LeftOut):
        return {key: item for key, item in held.items() if key != step}
    return {**held, step: new.value}


def _arguments(entry: Entry | None) -> set[str]:
    return set(entry.arguments) if entry is not None else set()


def _nothing_there(reach: _Reach) -> Problem:
    rest = ".".join(reach.left)
    data = reach.setting.data
    shown = "…" if data is MISSING else json.dumps(data, ensure_ascii=False)
    whole = "{class: …, " if not reach.so_far.endswith("regularizer") else "{"
    return Problem(
        "reaches-into-nothing",
        f"'{reach.so_far}' of {reach.owner} is null: there is no '{rest}' in it to set",
        reach.setting.key_source,
        f"set the whole object: {reach.so_far}: {whole}{rest}: {shown}}}",
    )


def _plain_there(reach: _Reach, value: JSON) -> Problem:
    shown = cut(json.dumps(value, ensure_ascii=False))
    return Problem(
        "reaches-into-nothing",
        f"'{reach.so_far}' of {reach.owner} is {shown}: there is no '{'.'.join(reach.left)}' in it",
        reach.setting.key_source,
        f"set the whole of '{reach.so_far}'",
    )


def _of_another_version(reach: _Reach, entry: Entry, span: Span) -> Problem:
    return Problem(
        code_of(span, "unknown-attribute"),
        f"{_whose(reach)} is {entry.class_name}, which takes '{reach.left[0]}' {told(span)}",
        reach.setting.key_source,
        help_of(span),
    )


def _whose(reach: _Reach) -> str:
    return reach.owner if reach.so_far == "optimizer" else f"'{reach.so_far}' of {reach.owner}"


def _unknown(reach: _Reach, value: dict[str, JSON], known: set[str]) -> Problem:
    step = reach.left[0]
    what = str(value["class_name"]) if is_record(value) else "mapping"
    return Problem(
        "unknown-attribute",
        f"{_whose(reach)} ({what}) has no '{step}'",
        reach.setting.key_source,
        did_you_mean(step, known, "attributes"),
    )
