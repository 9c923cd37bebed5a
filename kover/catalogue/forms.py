"""The ways to write an object in a spec, read into one form.

A name (`relu`), `{class: L2, l2: 0.1}`, `{l2: 0.1}` for a regularizer, and Keras' own
`{class_name: L2, config: {l2: 0.1}}`. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kover.catalogue.loading import Catalogue, catalogue
from kover.catalogue.model import OBJECT_KINDS, Entry
from kover.catalogue.records import is_custom_name
from kover.catalogue.versions import Span
from kover.spec.document import Path
from kover.values import JSON

CLASS_KEYS = ("class", "class_name")
_SHORTHAND = {
    frozenset({"l1"}): "L1",
    frozenset({"l2"}): "L2",
    frozenset({"l1", "l2"}): "L1L2",
}


@dataclass(frozen=True)
class ObjectForm:
    """An object as written.

    Attributes:
        name: the class, function or registered name; None when the value names none.
        name_path: where the name stands within the value.
        entry: what the catalogue knows by that name; None for custom and unknown objects.
        arguments: as written, by name.
        arguments_path: the path within the value under which the arguments stand.
        given: the record as the user gave it, for custom objects.
    """

    name: str | None
    name_path: Path = ()
    entry: Entry | None = None
    arguments: Mapping[str, JSON] = field(default_factory=dict)
    arguments_path: Path = ()
    given: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def is_custom(self) -> bool:
        """Whether the object is a registered custom one, which only Keras can judge."""
        if self.entry is not None or self.name is None:
            return False
        return is_custom_name(self.name) or bool(self.given.get("registered_name"))


def is_object_kind(kind: str) -> bool:
    """Whether an argument of that kind takes an object (or the name of one)."""
    return kind in OBJECT_KINDS or kind == "learning_rate"


def names_an_object(data: JSON) -> bool:
    """Whether a mapping says which class it is of; else it maps something (output names)."""
    return isinstance(data, dict) and any(isinstance(data.get(key), str) for key in CLASS_KEYS)


def read_object(kind: str, data: str | dict[str, JSON]) -> ObjectForm:
    """The object that `data` stands for where an object of that kind is expected."""
    if isinstance(data, str):
        return ObjectForm(data, (), find(kind, data))
    if isinstance(data.get("class_name"), str):
        return _keras_form(kind, data)
    if isinstance(data.get("class"), str):
        name = str(data["class"])
        rest = {key: value for key, value in data.items() if key != "class"}
        return ObjectForm(name, ("class",), find(kind, name), rest)
    shorthand = _SHORTHAND.get(frozenset(data)) if kind == "regularizer" else None
    if shorthand:
        return ObjectForm(shorthand, (), find(kind, shorthand), data)
    return ObjectForm(None, (), None, data)


def _keras_form(kind: str, data: dict[str, JSON]) -> ObjectForm:
    config = data.get("config")
    if data["class_name"] == "function":
        name = str(config)
        return ObjectForm(name, ("config",), find(kind, name), given=data)
    name = str(data["class_name"])
    arguments = config if isinstance(config, dict) else {}
    entry = None
    if data.get("registered_name") in (None, name):
        entry = catalogue().entry_for_record({**data, "config": {}}, kind) or find(kind, name)
    if entry is not None and entry.kind not in accepted_kinds(kind):
        entry = None
    return ObjectForm(name, ("class_name",), entry, arguments, ("config",), data)


def accepted_kinds(kind: str) -> tuple[str, ...]:
    """The kinds of entry that fit an argument of that kind, the usual one first."""
    if kind == "learning_rate":
        return ("schedule",)
    if kind == "activation":  # Keras takes a layer such as LeakyReLU as an activation
        return ("activation", "layer")
    return (kind,)


def find(kind: str, name: str, known: Catalogue | None = None) -> Entry | None:
    """The entry that fits an argument of that kind by that name."""
    source = known or catalogue()
    for candidate in accepted_kinds(kind):
        entry = source.entry(candidate, name)
        if entry is not None:
            return entry
    return None


def elsewhere(kind: str, name: str) -> Span | None:
    """The versions of Keras that have what fits by that name, where this one has nothing."""
    spans = (catalogue().elsewhere(candidate, name) for candidate in accepted_kinds(kind))
    return next(filter(None, spans), None)
