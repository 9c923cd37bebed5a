"""One setting of an override and one layer: the value to write, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kover.catalogue import Argument, catalogue
from kover.catalogue.spans import code_of, help_of, told
from kover.catalogue.values import check_value, expand
from kover.catalogue.versions import Span
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.dotted import split_attribute
from kover.planning.layer_classes import (
    attribute_names,
    holds_layers,
    layer_argument,
    layer_entry,
    takes,
)
from kover.planning.layer_edits import LayerEdits, Write
from kover.planning.meaning import same_as_default
from kover.planning.nested_edits import edit_inside
from kover.planning.outcomes import Keeps, Lacks, Refused, Resolved
from kover.planning.plan import called
from kover.problems import Problem, errors_among
from kover.spec.document import Setting
from kover.suggest import did_you_mean
from kover.values import JSON, MISSING, Missing

_LISTED = 4


@dataclass(frozen=True)
class _Checked:
    """A value that was checked against an argument: in Keras' form, or what is wrong with it."""

    value: JSON
    problems: tuple[Problem, ...]


class SettingReader:
    """Resolves settings. A value is checked once for each kind of layer, not for each layer."""

    def __init__(self, tree: ModelTree, edits: LayerEdits) -> None:
        self.tree = tree
        self.edits = edits
        self._checked: dict[tuple[int, int], _Checked] = {}
        self._kept: list[tuple[Setting, Argument | None]] = []

    def resolve(self, setting: Setting, node: LayerNode) -> Resolved:
        """What `setting` means for the layer.

        Args:
            setting: from `set` or `unset`.
            node: the layer; of the class that it has by now, where it was replaced.
        """
        steps = split_attribute(self.edits.config(node), setting.attribute)
        name = steps[0]
        argument = layer_argument(node, name, self.edits.current(node, name))
        if name == "name":
            why = "a layer is renamed with `rename: …` beside `layers`, which all references follow"
            return Refused((_structural(setting, why),))
        if holds_layers(self.tree, node, name) or _is_layer(argument):
            return Refused((self._holds_layers(setting, node, steps),))
        if not takes(self.edits, node, name) or (name == "dtype" and _is_plain_model(node)):
            return self._lacks(setting, node, name)
        if len(steps) > 1:
            return self._inside(setting, node, steps, argument)
        if setting.value is None:
            return self._unset(setting, node, name)
        return self._whole(setting, node, name, argument)

    def _whole(
        self, setting: Setting, node: LayerNode, name: str, argument: Argument | None
    ) -> Resolved:
        checked = self.checked(setting, argument)
        if errors_among(checked.problems):
            if name == "dtype" and setting.data in catalogue().dtypes:
                return Refused(tuple(_other_layers(each, node) for each in checked.problems))
            return Refused(checked.problems)
        return Write((name,), checked.value, setting.value_source)

    def checked(self, setting: Setting, argument: Argument | None) -> _Checked:
        """The setting's value in Keras' form, with what is wrong with it."""
        key = (id(setting), id(argument))  # both live as long as this reader
        if key not in self._checked:
            self._checked[key] = _check(setting, argument)
            self._kept.append((setting, argument))
        return self._checked[key]

    def _unset(self, setting: Setting, node: LayerNode, name: str) -> Resolved:
        entry = layer_entry(node)
        argument = entry.arguments.get(name) if entry is not None else None
        if argument is not None and argument.required:
            return Refused((
                Problem(
                    "no-default",
                    f"'{name}' of a {node.class_name} has no default to go back to",
                    setting.key_source,
                    f"set it to a value: `set: {{{name}: …}}`",
                ),
            ))  # fmt: skip
        current = self.edits.current(node, name)
        write = Write((name,), MISSING, setting.value_source)
        if current is MISSING or same_as_default(current, argument):
            return Keeps(Write((name,), current, setting.value_source))
        return write

    def _inside(
        self, setting: Setting, node: LayerNode, steps: tuple[str, ...], argument: Argument | None
    ) -> Resolved:
        current: JSON | Missing = self.edits.current(node, steps[0])
        if current is MISSING and argument is not None and not argument.required:
            default = argument.default
            current = MISSING if default is MISSING else expand(argument, default)
        edited = edit_inside(setting, node, steps, current, argument)
        if isinstance(edited, (Lacks, Refused)):
            return edited
        return Write(steps, edited.value, setting.value_source)

    def _lacks(self, setting: Setting, node: LayerNode, name: str) -> Lacks:
        entry = layer_entry(node)
        if entry is not None and name in entry.elsewhere:
            return Lacks(_of_another_version(setting, node, name, entry.elsewhere[name]))
        below = self.tree.descendants(node.path)
        inner = [held.path for held in below if takes(self.edits, self.edits.node(held), name)]
        problem = Problem(
            "unknown-attribute",
            f"{called(node.path)} ({node.class_name}) has no attribute '{name}'",
            setting.key_source,
            f"set it on {_either(inner)}"
            if inner
            else did_you_mean(name, attribute_names(self.edits, node), "attributes"),
        )
        return Lacks(problem, bool(inner))

    def _holds_layers(self, setting: Setting, node: LayerNode, steps: tuple[str, ...]) -> Problem:
        inner = [below.path for below in self.tree.children(node.path)]
        return _structural(
            setting,
            f"select {_either(inner)} and set its attributes" if inner else
            "adding or replacing layers would change the model's structure",
            f"'{steps[0]}' of {called(node.path)} holds layers and cannot be set",
        )  # fmt: skip


def _of_another_version(setting: Setting, node: LayerNode, name: str, span: Span) -> Problem:
    return Problem(
        code_of(span, "unknown-attribute"),
        f"'{node.path}' is a {node.class_name}, which takes '{name}' {told(span)}",
        setting.key_source,
        help_of(span),
    )


def _other_layers(problem: Problem, node: LayerNode) -> Problem:
    """A policy of other layers than this one, which a wide selector is likely to have meant."""
    name = node.class_name
    help = f"the class {name} takes no such policy; to leave it out: `not: {{class: {name}}}`"
    return replace(problem, help=help)


def _is_plain_model(node: LayerNode) -> bool:
    """Whether it is a nested model of Keras' own, which loads no dtype but has its layers'.

    Source: keras 3.15 `models.sequential.Sequential.from_config`.
    """
    return node.is_model and node.class_name in {"Sequential", "Functional", "Model"}


def _check(setting: Setting, argument: Argument | None) -> _Checked:
    assert setting.value is not None
    if argument is None:
        return _Checked(setting.value.data, ())
    problems = tuple(check_value(argument, setting.value, setting.attribute))
    if errors_among(problems):
        return _Checked(None, problems)
    return _Checked(expand(argument, setting.value.data), problems)


def _is_layer(argument: Argument | None) -> bool:
    return argument is not None and argument.kind == "layer"


def _structural(setting: Setting, help: str, message: str | None = None) -> Problem:
    name = setting.attribute
    return Problem(
        "structural-change", message or f"'{name}' cannot be set", setting.key_source, help
    )


def _either(paths: Iterable[str]) -> str:
    listed = list(paths)
    text = " or ".join(f"'{path}'" for path in listed[:_LISTED])
    more = len(listed) - _LISTED
    return f"{text} (and {more} more)" if more > 0 else text
