"""The inverse of comparing: `patch(config(a), diff(a, b).config_patch) == config(b)`."""

from __future__ import annotations

from collections.abc import Mapping

from kover.diffing.model_diff import ConfigPatch, Pointer, RecordEdit
from kover.diffing.own_records import (
    LayerReference,
    Record,
    follow_names,
    map_references,
    own_record,
)
from kover.diffing.trees import moved_references
from kover.modelconfig.tree import read_tree
from kover.values import JSON, Missing


def patch(config: Mapping[str, JSON], changes: ConfigPatch) -> dict[str, JSON]:
    """The `config.json` after, from the one before.

    Args:
        config: the parsed `config.json` that the comparison started from; not modified.
        changes: the `config_patch` of a diff.

    Raises:
        KeyError: the patch belongs to another config.
    """
    before = read_tree(config)
    gone_to = {node.path: node.path for node in before.layers}
    gone_to.update({old: new for new, old in changes.origins.items()})

    def built(path: str, parent: str) -> Record:
        if path in changes.added:
            record = changes.added[path]
        else:
            node = before.node(changes.origins.get(path, path)) if path else None
            around = changes.names.get(parent, {})
            record = follow_names(
                own_record(before, node),
                changes.renamed.get(path),
                around if path else {},
                changes.names.get(path, {}),
            )
            record = moved_references(record, gone_to)
            record = _edited(record, changes.edits.get(path, ()))
        return _whole(record, path)

    def _whole(record: Record, path: str) -> Record:
        def resolve(reference: LayerReference) -> JSON:
            return built(reference.path, path)

        result = map_references(record, resolve)
        assert isinstance(result, dict)
        return result

    return built("", "")


def _edited(record: Record, edits: tuple[RecordEdit, ...]) -> Record:
    result = dict(record)
    config = result.get("config")
    if isinstance(config, dict):
        result["config"] = dict(config)
    for edit in edits:
        _put(result, edit.pointer, edit.after)
    return result


def _put(record: Record, pointer: Pointer, value: JSON | Missing) -> None:
    """Set or remove what `entries` names by `pointer`."""
    first = str(pointer[0])
    if len(pointer) == 1:
        target, key = record, first
    else:
        inner = record.get(first)
        if not isinstance(inner, dict):
            inner = record[first] = {}
        target, key = inner, str(pointer[1])
    if isinstance(value, Missing):
        target.pop(key, None)
    else:
        target[key] = value
