"""Loading `keras.json`: once, on first use, and an entry's dataclasses only when asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from kover.catalogue.installed import installed_keras
from kover.catalogue.model import Argument, Entry, Variable
from kover.catalogue.records import Reference, reference
from kover.catalogue.versions import (
    ALWAYS,
    Minor,
    Span,
    entry_as_of,
    is_in,
    minor_of,
    short_as_of,
    span_of,
)
from kover.values import JSON, MISSING, as_mapping

_DATA = Path(__file__).with_name("keras.json")
_DOCS = Path(__file__).with_name("keras_docs.json")
_BOUNDS = {
    "min": "minimum",
    "max": "maximum",
    "xmin": "exclusive_minimum",
    "xmax": "exclusive_maximum",
}


class Catalogue:
    """All entries of one version of Keras."""

    def __init__(self, data: Mapping[str, Any], running: str | None = None) -> None:
        """Make the catalogue of a version of Keras.

        Args:
            data: what `keras.json` holds, of every version that kover knows.
            running: the version; without it, the newest. One that is older or newer than all
                of them is taken for the oldest or the newest.
        """
        self.keras_version: str = data["keras"]
        self.versions: tuple[str, ...] = tuple(data["versions"])
        self.running = running
        self._minor = self._known_minor(running)
        self.dtypes: tuple[str, ...] = tuple(data["dtypes"])
        self._compile = data["compile"]
        self._lines: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._classes: dict[str, dict[str, str]] = {}
        self._entries: dict[tuple[str, str], Entry] = {}
        self._elsewhere: dict[tuple[str, str], Span] = {}
        for line in data["entries"]:
            self._add(line)

    def _known_minor(self, running: str | None) -> Minor:
        known = [minor for each in self.versions if (minor := minor_of(each)) is not None]
        return min(max(minor_of(running) or known[-1], known[0]), known[-1])

    def _add(self, line: Mapping[str, Any]) -> None:
        kind, class_name = line["kind"], line["class"]
        if not is_in(line, self._minor):
            names = {*line.get("names", ()), *line.get("others", ()), class_name}
            self._elsewhere |= {(kind, name): span_of(line) for name in names}
            return
        self._lines[kind, class_name] = line
        now = entry_as_of(line, self._minor) if "was" in line else line
        known = self._classes.setdefault(kind, {})
        for name in now.get("names", ()):
            known[name] = class_name  # what Keras' own get() makes of the name comes first
        for name in (*now.get("others", ()), class_name):
            known.setdefault(name, class_name)

    def entry(self, kind: str, name: str) -> Entry | None:
        """The entry of that kind that goes by `name` (class name, alias or identifier)."""
        known = self._classes.get(kind, {})
        class_name = known.get(name)
        if class_name is None and kind == "optimizer":  # Keras lowers the case of these alone
            class_name = known.get(name.lower())
        return None if class_name is None else self._entry(kind, class_name)

    def layer(self, class_name: str, registered_name: str | None = None) -> Entry | None:
        """The layer of that class, None for a custom class of the same name."""
        if registered_name not in {None, class_name}:
            return None
        return self.entry("layer", class_name)

    def names(self, kind: str) -> tuple[str, ...]:
        """Every name that an entry of that kind goes by, sorted."""
        if kind in {"dtype", "dtype_policy"}:
            return self.dtypes
        return tuple(sorted(self._classes.get(kind, ())))

    def class_names(self, kind: str) -> tuple[str, ...]:
        """The class (or function) name of each entry of that kind, sorted."""
        return tuple(sorted(name for known, name in self._lines if known == kind))

    def elsewhere(self, kind: str, name: str) -> Span | None:
        """The versions that have an entry of that kind and name, if this one has none."""
        return self._elsewhere.get((kind, name)) if self.entry(kind, name) is None else None

    def entry_for_record(self, record: JSON, kind: str | None = None) -> Entry | None:
        """The entry that a serialised record refers to, None for anything custom or unknown.

        Args:
            record: `{"module": …, "class_name": …, "config": …, "registered_name": …}`; the
                module may be that of an older Keras.
            kind: looked at where the record itself does not tell.
        """
        found = reference(as_mapping(record))
        return None if found is None else self._referred(found, kind)

    def _referred(self, found: Reference, kind: str | None) -> Entry | None:
        kinds = (found.kind,) if found.kind else (kind,) if kind else tuple(self._classes)
        for candidate in kinds:
            if (candidate, found.name) in self._lines:
                entry: Entry | None = self._entry(candidate, found.name)
            else:  # an alias, such as Convolution2D; functions have none in records
                entry = None if found.is_function else self.entry(candidate, found.name)
            if entry is not None and entry.is_function == found.is_function:
                return entry
        return None

    @cached_property
    def compile_arguments(self) -> Mapping[str, Argument]:
        """The arguments of `Model.compile`."""
        return {name: self._argument(name, data) for name, data in self._compile.items()}

    def documentation(self, entry: Entry, argument: str) -> str | None:
        """The first sentence that Keras' documentation says of the argument."""
        docs = _documentation()
        own = docs["own"].get(f"{entry.kind}/{entry.class_name}", {})
        text = own.get(argument, docs["shared"].get(argument))
        return text if argument in entry.arguments else None

    def _entry(self, kind: str, class_name: str) -> Entry:
        key = (kind, class_name)
        if key not in self._entries:
            self._entries[key] = self._built(self._lines[key])
        return self._entries[key]

    def _built(self, line: Mapping[str, Any]) -> Entry:
        now, every = entry_as_of(line, self._minor), line.get("arguments", {})
        identifiers = tuple(now.get("names", ()))
        names = {*identifiers, *now.get("others", ()), now["class"]}
        arguments = now.get("arguments", {})
        return Entry(
            now["kind"],
            now["class"],
            now["module"],
            tuple(sorted(names)),
            identifiers,
            now.get("function", False),
            {
                name: self._argument(name, data, span_of(every[name]))
                for name, data in arguments.items()
            },
            tuple(now.get("config", ())),
            tuple(Variable(*variable) for variable in now.get("variables", ())),
            span_of(line),
            {name: span_of(data) for name, data in every.items() if name not in arguments},
        )

    def _argument(self, name: str, data: Mapping[str, Any], span: Span = ALWAYS) -> Argument:
        default = data.get("default", MISSING)
        kind: str = data["kind"]
        return Argument(
            name,
            kind,
            self.record_of(kind, default) if isinstance(default, dict) else default,
            default is MISSING,
            data.get("null", False),
            **{field: data[key] for key, field in _BOUNDS.items() if key in data},
            choices=tuple(data.get("choices", ())),
            types=tuple(data.get("types", ())),
            items=data.get("items", ""),
            lengths=tuple(data.get("lengths", ())),
            length=data.get("length"),
            saved=data.get("saved", True),
            span=span,
        )

    def record_of(self, kind: str, short: Mapping[str, JSON]) -> JSON:
        """The record of a default that the data file holds as `{"class": …, …}`."""
        entry = self._lines.get((kind, str(short.get("class"))))
        if entry is None:
            return dict(short)
        config = short_as_of(short, entry, self._minor)
        del config["class"]
        return {
            "module": entry["module"],
            "class_name": entry["class"],
            "config": config,
            "registered_name": None,
        }


@cache
def catalogue() -> Catalogue:
    """The catalogue of the Keras that is installed; without one, of the newest."""
    return Catalogue(json.loads(_DATA.read_bytes()), installed_keras())


@cache
def _documentation() -> Mapping[str, Any]:
    data = json.loads(_DOCS.read_bytes())
    return {
        "shared": data["shared"],
        "own": {line["entry"]: line["docs"] for line in data["entries"]},
    }


def defaults_of(kind: str, class_name: str) -> Mapping[str, JSON]:
    """What `get_config` holds for the arguments left alone, by name; empty when unknown."""
    entry = catalogue().entry(kind, class_name)
    if entry is None:
        return {}
    return {
        name: argument.default
        for name, argument in entry.arguments.items()
        if argument.default is not MISSING
    }
