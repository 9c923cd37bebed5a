"""What differs in an archive's small members: its metadata, and files such as vocabularies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kover.diffing.attributes import mapping_changes
from kover.diffing.model_diff import AssetChange, AttributeChange
from kover.values import JSON

if TYPE_CHECKING:
    from kover.archive.reader import Archive

_OWN = frozenset({"config.json", "metadata.json", "model.weights.h5"})
_DATES = frozenset({"date_saved"})
_READ_AT_MOST = 8 << 20


def compare_metadata(
    before: Mapping[str, JSON], after: Mapping[str, JSON]
) -> tuple[AttributeChange, ...]:
    """What `metadata.json` tells differently, dates aside."""
    ones = {key: value for key, value in before.items() if key not in _DATES}
    others = {key: value for key, value in after.items() if key not in _DATES}
    return mapping_changes(ones, others)


def compare_assets(before: Archive, after: Archive) -> tuple[AssetChange, ...]:
    """The members beside config, metadata and weights, by name."""
    ones, others = _names(before), _names(after)
    changes: list[AssetChange] = []
    for name in sorted(ones | others):
        if name not in others:
            changes.append(AssetChange(name, "removed"))
        elif name not in ones:
            changes.append(AssetChange(name, "added"))
        elif not _equal(before, after, name):
            changes.append(AssetChange(name, "changed", _detail(before, after, name)))
    return tuple(changes)


def _names(archive: Archive) -> set[str]:
    return {member.name for member in archive.members if not member.name.endswith("/")} - _OWN


def _equal(before: Archive, after: Archive, name: str) -> bool:
    one, other = before.member(name), after.member(name)
    return (one.size, one.crc) == (other.size, other.crc)


def _detail(before: Archive, after: Archive, name: str) -> str:
    """Which lines of a text came and went; a vocabulary has a token on each."""
    texts = [_text(archive, name) for archive in (before, after)]
    if texts[0] is None or texts[1] is None:
        return f"{before.member(name).size:,} → {after.member(name).size:,} bytes"
    old, new = (Counter(text.splitlines()) for text in texts if text is not None)
    added, removed = (new - old).total(), (old - new).total()
    if not added and not removed:
        return "the same lines in another order"
    return f"{old.total():,} → {new.total():,} lines: {added:,} added, {removed:,} removed"


def _text(archive: Archive, name: str) -> str | None:
    if archive.member(name).size > _READ_AT_MOST:
        return None
    try:
        text = archive.read(name, _READ_AT_MOST).decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
