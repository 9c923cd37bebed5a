"""Which versions of Keras have a class or an argument, and what it was in the older ones.

`keras.json` says what the newest Keras has; `since`, `until` and `was` tell where that does not
hold for every version. Versions are minor ones (`3.13`); pure functions over the data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kover.values import JSON

Minor = tuple[int, int]
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\D|$)")  # int() refuses thousands of digits
_MARKS = ("since", "until", "was")


@dataclass(frozen=True, slots=True)
class Span:
    """The versions that have something: from `since` up to `until`; None where there is no end."""

    since: str | None = None
    until: str | None = None

    def lacks(self, version: str | None) -> bool:
        """Whether a version is too old; one that is not known is not."""
        minor = minor_of(version)
        return self.since is not None and minor is not None and minor < _read(self.since)

    @property
    def words(self) -> str:
        """`from Keras 3.13 on`, `up to Keras 3.11`, or nothing."""
        since = f"from Keras {self.since} on" if self.since else ""
        until = f"up to Keras {self.until}" if self.until else ""
        return " ".join(filter(None, (since, until)))


ALWAYS = Span()
"""All versions that kover knows."""


def minor_of(version: str | None) -> Minor | None:
    """`(3, 13)` for `3.13.2`; None for what is no version."""
    found = _VERSION.match(version or "")
    return (int(found[1]), int(found[2])) if found else None


def _read(minor: str) -> Minor:
    major, _, rest = minor.partition(".")
    return int(major), int(rest)


def span_of(data: Mapping[str, Any]) -> Span:
    """The versions that an entry's line, or an argument's data, is for."""
    return Span(data.get("since"), data.get("until"))


def is_in(data: Mapping[str, Any], minor: Minor) -> bool:
    """Whether that version has it."""
    if "since" in data and minor < _read(data["since"]):
        return False
    return "until" not in data or minor <= _read(data["until"])


def argument_as_of(data: Mapping[str, Any], minor: Minor) -> Mapping[str, Any]:
    """What that version says of an argument that it has."""
    for last, older in data.get("was", ()):  # oldest first
        if minor <= _read(last):
            return dict(older)
    return data


def entry_as_of(line: Mapping[str, Any], minor: Minor) -> dict[str, Any]:
    """The line of an entry that the version has, as the version has it."""
    now = {key: value for key, value in line.items() if key not in _MARKS}
    arguments = line.get("arguments", {})
    if arguments:
        now["arguments"] = {
            name: argument_as_of(data, minor)
            for name, data in arguments.items()
            if is_in(data, minor)
        }
        unsaved = {
            name
            for name in arguments
            if name not in now["arguments"] or not now["arguments"][name].get("saved", True)
        }
        if "config" in now and unsaved:
            now["config"] = [key for key in now["config"] if key not in unsaved]
    for last, older in line.get("was", ()):
        if minor <= _read(last):
            now |= {key: value for key, value in older.items() if value is not None}
            return {key: value for key, value in now.items() if older.get(key, 0) is not None}
    return now


def short_as_of(
    short: Mapping[str, JSON], line: Mapping[str, Any], minor: Minor
) -> dict[str, JSON]:
    """A default such as `{"class": "HeNormal", "seed": null}` without what is too new for it."""
    arguments = line.get("arguments", {})
    return {
        name: value
        for name, value in short.items()
        if name not in arguments or is_in(arguments[name], minor)
    }
