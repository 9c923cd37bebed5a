"""What several versions of Keras have, as one: the newest, and where the others differ.

Every version's own lines can be had back from the merged ones (`kover.catalogue.versions`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kover.catalogue.versions import entry_as_of, is_in, minor_of, short_as_of

Facts = Mapping[str, Any]
Line = dict[str, Any]
Key = tuple[str, str]
_MARKS = ("since", "until", "was")


def merged(facts: Sequence[Facts]) -> dict[str, Any]:
    """The data of `keras.json`, from what each version's own run has found.

    Args:
        facts: one of each minor version, the oldest first.
    """
    versions = [_minor(each["keras"]) for each in facts]
    newest = facts[-1]
    for each in facts:
        for key in ("dtypes", "compile"):
            assert each[key] == newest[key], f"'{key}' of Keras {each['keras']} is another"
    lines = [{(line["kind"], line["class"]): line for line in each["entries"]} for each in facts]
    keys = sorted({key for known in lines for key in known})
    entries = {key: _merged_entry([known.get(key) for known in lines], versions) for key in keys}
    _drop_what_only_the_defaults_of_others_say(entries, versions)
    header = {"keras": newest["keras"], "versions": versions}
    rest = {key: newest[key] for key in ("dtypes", "compile")}
    return {**header, **rest, "entries": list(entries.values())}


def facts_of(data: Mapping[str, Any], minor: str) -> list[Line]:
    """The lines of one version, out of merged ones; in the form of `comparable`."""
    number = minor_of(minor)
    assert number is not None
    lines = {(line["kind"], line["class"]): line for line in data["entries"]}
    return [
        comparable(entry_as_of(line, number), lines, minor)
        for line in data["entries"]
        if is_in(line, number)
    ]


def comparable(line: Mapping[str, Any], lines: Mapping[Key, Line], minor: str) -> Line:
    """A line without what does not count: the order of a config, and marks of versions.

    Args:
        line: of a version.
        lines: merged ones, which tell what the objects among the defaults have in that version.
        minor: the version.
    """
    found = {key: value for key, value in line.items() if key not in _MARKS}
    if "config" in found:
        found["config"] = sorted(found["config"])
    if "arguments" in found:
        found["arguments"] = {
            name: _pruned(argument, lines, minor) for name, argument in found["arguments"].items()
        }
    return found


def _pruned(argument: Mapping[str, Any], lines: Mapping[Key, Line], minor: str) -> Line:
    number, default = minor_of(minor), argument.get("default")
    found = {key: value for key, value in argument.items() if key not in _MARKS}
    if isinstance(default, dict) and number is not None:
        of = lines.get((argument["kind"], str(default.get("class"))), {})
        found["default"] = short_as_of(default, of, number)
    return found


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _span(present: Sequence[object], versions: Sequence[str], what: object) -> Line:
    """`since` and `until`, where not all versions have it."""
    having = [at for at, thing in enumerate(present) if thing is not None]
    first, last = having[0], having[-1]
    assert having == list(range(first, last + 1)), f"{what} went and came back"
    found = {} if first == 0 else {"since": versions[first]}
    return found | ({} if last == len(versions) - 1 else {"until": versions[last]})


def _merged_entry(present: Sequence[Line | None], versions: Sequence[str]) -> Line:
    newest = next(line for line in reversed(present) if line is not None)
    merged_line = {**newest, **_span(present, versions, newest["class"])}
    having = [(line, version) for line, version in zip(present, versions, strict=True) if line]
    names = sorted({name for line in present if line for name in line.get("arguments", {})})
    if names:
        merged_line["arguments"] = {
            name: _merged_argument(
                [line["arguments"].get(name) for line, _ in having],
                [version for _, version in having],
                name,
            )
            for name in names
        }
    if "config" in newest:
        others = [key for line in present if line for key in line["config"]]
        merged_line["config"] = list(dict.fromkeys([*newest["config"], *others]))
    was = []
    for line, version in _older(present, versions):
        derived = entry_as_of({**merged_line, "was": was}, minor_of(version) or (0, 0))
        differing = _differing(derived, line)
        if differing:
            known = dict(was[0][1]) if was else {}
            was.insert(0, [version, known | differing])
    return merged_line | ({"was": was} if was else {})


def _differing(derived: Line, line: Line) -> Line:
    """The fields in which a version is another; null where it has none."""
    fields = (derived.keys() | line.keys()) - {"arguments"}
    found = {}
    for field in sorted(fields):
        one, other = derived.get(field), line.get(field)
        if field == "config" and one is not None and other is not None:
            one, other = sorted(one), sorted(other)
        if one != other:
            found[field] = line.get(field)
    return found


def _older(present: Sequence[Any], versions: Sequence[str]) -> Iterator[tuple[Any, str]]:
    """What the versions before the newest have, the newest of them first."""
    having = [(thing, version) for thing, version in zip(present, versions, strict=True) if thing]
    yield from reversed(having[:-1])


def _merged_argument(present: Sequence[Line | None], versions: Sequence[str], name: str) -> Line:
    newest = next(data for data in reversed(present) if data is not None)
    was: list[list[Any]] = []
    current = newest
    for data, version in _older(present, versions):
        if data != current:
            was.insert(0, [version, data])
            current = data
    return {**newest, **_span(present, versions, name), **({"was": was} if was else {})}


def _drop_what_only_the_defaults_of_others_say(
    entries: Mapping[Key, Line], versions: Sequence[str]
) -> None:
    """A default object that has a new setting is the same default, if that is all."""
    for line in entries.values():
        for argument in line.get("arguments", {}).values():
            was = argument.get("was")
            if was and all(
                _same_but_for_versions(argument, older, last, entries) for last, older in was
            ):
                del argument["was"]


def _same_but_for_versions(
    newest: Line, older: Line, last: str, entries: Mapping[Key, Line]
) -> bool:
    return _pruned(newest, entries, last) == _pruned(older, entries, last)
