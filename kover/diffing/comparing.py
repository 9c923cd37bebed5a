"""Two files by their paths -> a report: archives, or bare weights files on either side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kover.diffing.model_diff import ArchiveFacts, ModelDiff
from kover.diffing.optimizer_state import compare_optimizer_state
from kover.diffing.report import Report
from kover.diffing.stored import OPTIMIZER, Key, StoredModel, stored_model
from kover.diffing.weights import Files, compare_weights
from kover.modelconfig.tree import ModelTree, read_tree
from kover.problems import sorted_problems
from kover.values import JSON

if TYPE_CHECKING:
    from kover.archive.reader import Archive
    from kover.archive.weights import StoredArray, WeightsFile

Advance = Callable[[int], None]
"""Told how many more bytes have been read."""

_HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Wanted:
    """How deep to compare: see `compare_archives`."""

    weights: bool = True
    digests: bool = False
    histograms: bool = False


@dataclass(frozen=True)
class Compared:
    """The report, and the two configs where both files are archives."""

    report: Report
    configs: tuple[dict[str, JSON], dict[str, JSON]] | None = None

    def trees(self) -> tuple[ModelTree, ModelTree] | None:
        """The two models, where both files are archives."""
        if self.configs is None:
            return None
        before, after = self.configs
        return read_tree(before), read_tree(after)


def compare_files(
    before: str | os.PathLike[str],
    after: str | os.PathLike[str],
    wanted: Wanted | None = None,
    advance: Advance | None = None,
) -> Compared:
    """What differs between two files.

    Args:
        before: a `.keras` archive, or a `.weights.h5` file.
        after: likewise.
        wanted: how deep to compare.
        advance: is told of the progress, from several threads.

    Raises:
        InputError: one of them cannot be read, is damaged or unsafe.
    """
    from kover.archive.reader import open_archive
    from kover.archive.weights import open_weights
    from kover.diffing.compare import compare_archives

    wanted = wanted or Wanted()
    with ExitStack() as opened:
        if not (_is_hdf5(before) or _is_hdf5(after)):
            one, other = (opened.enter_context(open_archive(path)) for path in (before, after))
            for archive in (one, other) if advance is not None else ():
                archive.file.advance = advance
            diff = compare_archives(
                one,
                other,
                wanted.weights,
                digests=wanted.digests,
                histograms=wanted.histograms,
            )
            return Compared(Report(diff), (one.config, other.config))
        one_side, other_side = (
            _weights_side(opened.enter_context(open_weights(path)), path)
            if _is_hdf5(path)
            else _archive_side(opened.enter_context(open_archive(path)))
            for path in (before, after)
        )
        return Compared(Report(_compare_sides(one_side, other_side, wanted)))


def _is_hdf5(path: str | os.PathLike[str]) -> bool:
    try:
        if not Path(path).is_file():
            return False  # opening an archive says what is wrong with it
        with Path(path).open("rb") as file:
            return file.read(len(_HDF5)) == _HDF5
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class _Side:
    facts: ArchiveFacts
    weights: WeightsFile | None
    tree: ModelTree | None
    archive: Archive | None = None


def _weights_side(weights: WeightsFile, path: str | os.PathLike[str]) -> _Side:
    name = os.fspath(path)
    facts = ArchiveFacts(name, size_bytes=Path(path).stat().st_size, class_name="weights file")
    return _Side(facts, weights, None)


def _archive_side(archive: Archive) -> _Side:
    from kover.diffing.compare import archive_facts

    tree = read_tree(archive.config, archive.path)
    archive.check()
    return _Side(archive_facts(archive, tree), archive.weights(), tree, archive)


def _compare_sides(one: _Side, other: _Side, wanted: Wanted) -> ModelDiff:
    """Arrays by their place in the file; the archive among the two tells their names."""
    tree = one.tree or other.tree
    old, new = (_stored(side.weights, tree) for side in (one, other))
    files = Files(one.weights, other.weights, histograms=wanted.histograms)
    same = {layer: layer for model in (old, new) for layer, _ in model.arrays}
    warnings = [
        warning
        for side in (one, other)
        for holder in (side.weights, side.archive)
        if holder is not None
        for warning in holder.warnings
    ]
    return ModelDiff(
        one.facts,
        other.facts,
        weights=compare_weights(old, new, same, files),
        optimizer_state=compare_optimizer_state(old, new, files),
        warnings=sorted_problems(warnings),
    )


def _stored(weights: WeightsFile | None, tree: ModelTree | None) -> StoredModel:
    if tree is not None:
        return stored_model(tree, weights)
    empty = read_tree({"class_name": "Weights", "config": {}})
    if weights is None:
        return StoredModel(empty, None, {}, {})
    arrays = dict(_by_group(weights))
    slots = {path: each for path, each in weights.arrays.items() if path.startswith(OPTIMIZER)}
    return StoredModel(empty, weights, arrays, slots)


def _by_group(weights: WeightsFile) -> Iterator[tuple[Key, StoredArray]]:
    """Arrays under the group that holds them: a layer, as far as the file tells."""
    for path, array in weights.arrays.items():
        if path.startswith(OPTIMIZER):
            continue
        group, _, variable = path.rpartition("/vars/")
        yield ((group, f"vars/{variable}") if group else ("", path)), array
