"""What layers keep in files of their own, vocabularies: do they still fit the edited layers?

Building a model does not read them, loading it does.

Source: keras 3.15 `saving.saving_lib._load_state` and `layers.preprocessing.index_lookup
.IndexLookup.load_assets`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from kover.archive.reader import Archive
from kover.engine.identity import owner_of_group
from kover.engine.refusals import reason
from kover.engine.twin import Twin
from kover.planning.plan import Plan
from kover.problems import Problem

_FOLDER = "assets/"


def refused_assets(plan: Plan, new: Twin, archive: Archive) -> tuple[Problem, ...]:
    """A problem for each changed layer that does not take its files any more."""
    files: dict[str, list[str]] = {}
    paths = {node.path: node for node in new.tree.layers}
    for member in archive.members:
        group, _, name = member.name.removeprefix(_FOLDER).rpartition("/")
        if member.name.startswith(_FOLDER) and name:
            layer, part = owner_of_group(group, new.group_names, paths)
            if not part:
                files.setdefault(layer, []).append(member.name)
    problems = []
    for layer in dict.fromkeys(change.layer for change in plan.changes):
        if layer in files and layer in new.layers:
            error = _refused(new.layers[layer], files[layer], archive)
            if error is not None:
                sources = plan.blame(layer)
                problems.append(
                    Problem(
                        "keras-refuses-layer",
                        f"Keras cannot load the vocabulary of '{layer}': {reason(error)}",
                        sources[0],
                        "set `vocabulary` as well, or leave what decides its form as it is",
                        related=sources[1:4],
                    )
                )
    return tuple(problems)


def _refused(layer: object, members: list[str], archive: Archive) -> Exception | None:
    load = getattr(layer, "load_assets", None)
    if load is None:
        return None
    with tempfile.TemporaryDirectory(prefix="kover-") as folder:
        for member in members:
            Path(folder, member.rpartition("/")[2]).write_bytes(archive.read(member))
        try:
            load(folder)
        except Exception as error:  # noqa: BLE001  (whatever Keras raises is the answer)
            return error
    return None
