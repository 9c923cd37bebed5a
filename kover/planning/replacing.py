"""`replace`: a layer of another class in the place of the one that is there.

What both classes take is carried over, as far as it means the same: an argument of the same name
and kind, with a value that the new class takes. A value that is the old class's default was not
chosen, so that the new class's own default takes its place (a ReLU's `negative_slope` of 0 does
not make a LeakyReLU without a slope). Name, `trainable` and `dtype` always stay.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kover.catalogue import Argument, Entry
from kover.catalogue.checking import check_arguments, check_value, value_faults
from kover.catalogue.expansion import expand_arguments
from kover.catalogue.forms import ObjectForm, read_object
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.layer_classes import layer_entry
from kover.planning.layer_edits import LayerEdits, Write, class_of
from kover.planning.meaning import same_as_default, same_meaning
from kover.problems import Problem, errors_among
from kover.source import Source
from kover.spec.document import Value
from kover.values import JSON, MISSING

_LAYER = Argument("replace", "layer")
_ALWAYS = ("name", "trainable", "dtype")
_NUMBERS = frozenset({"int", "float", "number", "numbers"})


@dataclass(frozen=True)
class NewClass:
    """The class that a `replace` asks for, and what it gives it.

    Attributes:
        value: as written.
        form: the same, read.
        given: the arguments in Keras' form.
    """

    value: Value
    form: ObjectForm
    given: Mapping[str, JSON]

    def of(self, node: LayerNode) -> LayerNode:
        """The layer, of that class."""
        entry, name = self.form.entry, str(self.form.name)
        if entry is not None:
            return replace(
                node, class_name=entry.class_name, module=entry.module, registered_name=None
            )
        return replace(node, class_name=name.rpartition(">")[2], module=None, registered_name=name)

    @property
    def source(self) -> Source:
        """The place of the class's name."""
        return self.value.source(*self.form.name_path)

    def source_of(self, argument: str) -> Source:
        """The place of an argument that is given, or of the whole."""
        return self.value.source(*([argument] if argument in self.given else []))


def read_new_class(value: Value) -> NewClass | tuple[Problem, ...]:
    """The class and its arguments, or what is wrong with them whatever the layer."""
    assert isinstance(value.data, (str, dict))
    form = read_object("layer", value.data)
    if form.entry is None and not form.is_custom:
        return tuple(check_value(_LAYER, value, "replace"))
    problems = list(_structural(value, form))
    if form.entry is None:
        return tuple(problems) or NewClass(value, form, copy.deepcopy(dict(form.arguments)))
    if isinstance(value.data, dict):
        problems += check_arguments(form.entry, value, "replace", ("class", *_ALWAYS[:1]))
    if errors_among(problems):
        return tuple(problems)
    return NewClass(value, form, expand_arguments(form.entry, form.arguments))


def _structural(value: Value, form: ObjectForm) -> list[Problem]:
    """What would change the model's structure, or its wiring."""
    found = []
    if "name" in form.arguments:
        message, help = "'replace' keeps the layer's name", "write `rename: …` beside it"
        found.append(Problem("structural-change", message, value.key_source("name"), help))
    arguments = form.entry.arguments if form.entry is not None else {}
    holding = [name for name, argument in arguments.items() if argument.kind == "layer"]
    first_or_whole = _is_whole_model(form) or form.name == "InputLayer"
    if first_or_whole or any(name in form.arguments for name in holding):
        found.append(
            Problem(
                "structural-change",
                f"{form.name} cannot take the place of a layer"
                if first_or_whole
                else f"replace would add layers: '{form.name}' holds one",
                value.source(*form.name_path),
                "adding or replacing layers that hold others would change the model's structure",
            )
        )
    return found


def _is_whole_model(form: ObjectForm) -> bool:
    return form.entry is not None and form.entry.class_name in ("Functional", "Sequential", "Model")


class ClassReplacer:
    """Replaces the classes of layers, in the edits made so far."""

    def __init__(self, tree: ModelTree, edits: LayerEdits) -> None:
        self.tree = tree
        self.edits = edits

    def replace(self, node: LayerNode, new_class: NewClass) -> tuple[Problem, ...]:
        """Write the new class and its attributes, or say what is in the way."""
        old, new = self.edits.node(node), new_class.of(node)
        config = self.edits.config(node)
        after = _new_config(new_class, old, new, config)
        problems = (*self._in_the_way(node, new_class, after), *_missing(new_class, old, after))
        if problems:
            return problems
        self.edits.replace(new, new_class.source)
        for name in dict.fromkeys((*config, *after)):
            value = after.get(name, MISSING)
            given = name in new_class.given
            if given or not same_meaning(config.get(name, MISSING), value):
                source = new_class.source_of(name)
                self.edits.put(new, Write((name,), value, source, implied=not given))
        return ()

    def _in_the_way(
        self, node: LayerNode, new_class: NewClass, after: Mapping[str, JSON]
    ) -> list[Problem]:
        """The model's structure: inputs, nested models, layers held where they would go."""
        if node.class_name == "InputLayer" or node.is_model:
            what = "a nested model" if node.is_model else "where a model begins"
            message, help = f"'{node.path}' is {what} and cannot be replaced", "select other layers"
            return [Problem("structural-change", message, new_class.source, help)]
        lost = [
            child.path
            for child in self.tree.children(node.path)
            for key in [str(child.pointer[len(node.config_pointer)])]
            if key in new_class.given or key not in after
        ]
        if not lost:
            return []
        return [
            Problem(
                "structural-change",
                f"'{node.path}' holds the layer '{lost[0]}', for which "
                f"{class_of(new_class.of(node))} has no place",
                new_class.source,
                "a layer is replaced with those that it holds only where they stay as they are",
            )
        ]


def _new_config(
    new_class: NewClass, old: LayerNode, new: LayerNode, config: Mapping[str, JSON]
) -> dict[str, JSON]:
    """The whole config of the new layer, as its class would write it."""
    entry, kept = new_class.form.entry, _carried(old, new, config)
    if entry is None or class_of(old) == class_of(new):
        return {**kept, **new_class.given}
    found: dict[str, JSON] = {}
    for name in entry.config_keys:
        argument = entry.arguments.get(name)
        if name in new_class.given:
            found[name] = new_class.given[name]
        elif name in kept:
            found[name] = kept[name]
        elif name == "name":
            found[name] = old.name
        elif argument is not None and argument.default is not MISSING:
            found[name] = copy.deepcopy(argument.default)
    rest = {
        name: value
        for name, value in kept.items()
        if name not in found and not same_as_default(value, entry.arguments.get(name))
    }
    return {**found, **rest, **new_class.given}


def _carried(old: LayerNode, new: LayerNode, config: Mapping[str, JSON]) -> dict[str, JSON]:
    """What the new layer has from the old one."""
    if class_of(old) == class_of(new):
        return dict(config)
    before, after = layer_entry(old), layer_entry(new)
    if after is None:
        return {name: config[name] for name in _ALWAYS if name in config}
    found = {}
    for name, value in config.items():
        argument = after.arguments.get(name)
        if argument is None or not argument.saved:
            continue
        if name in _ALWAYS or _means_the_same(value, _argument(before, name), argument):
            found[name] = value
    return found


def _argument(entry: Entry | None, name: str) -> Argument | None:
    return entry.arguments.get(name) if entry is not None else None


def _means_the_same(value: JSON, old: Argument | None, new: Argument) -> bool:
    """Whether the value of an argument is one that was chosen, and fits that of the new class."""
    if old is None or not (old.kind == new.kind or {old.kind, new.kind} <= _NUMBERS):
        return False
    if same_as_default(value, old) and not new.required:
        return False
    return not list(value_faults(new, value))


def _missing(new_class: NewClass, old: LayerNode, after: Mapping[str, JSON]) -> list[Problem]:
    """What the class asks for, and neither the spec nor the old layer has."""
    entry = new_class.form.entry
    if entry is None:
        return []
    return [
        Problem(
            "missing-argument",
            f"replace is {entry.class_name}, which needs '{name}'",
            new_class.source,
            "adding layers would change the model's structure"
            if argument.kind == "layer"
            else f"'{old.path}' ({old.class_name}) has none that fits: give `{name}: …`",
        )
        for name, argument in entry.arguments.items()
        if argument.required and name not in after
    ]
