"""Two open archives -> a `ModelDiff`. Keras is not needed, and nothing is written.

Both archives are read to their end once (a damaged one is refused). Where the weights members
are bit-equal, no array is read a second time and numpy stays out of the process.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from kover.archive.same_content import Place, same_range
from kover.diffing.compile import compare_compile, compare_rates, idle_rates
from kover.diffing.members import compare_assets, compare_metadata
from kover.diffing.model_diff import ArchiveFacts, Effective, ModelDiff
from kover.diffing.optimizer_state import compare_optimizer_state
from kover.diffing.outline import outline
from kover.diffing.pairing import Side
from kover.diffing.stored import StoredModel, stored_model
from kover.diffing.trees import compare_trees
from kover.diffing.weights import Files, compare_weights
from kover.errors import InputError
from kover.modelconfig.dangers import danger_warnings
from kover.modelconfig.tree import read_tree
from kover.problems import Problem, sorted_problems

if TYPE_CHECKING:
    import os

    from kover.archive.reader import Archive
    from kover.archive.weights import WeightsFile
    from kover.modelconfig.nodes import ModelTree

_WEIGHTS = "model.weights.h5"


def diff(
    before: str | os.PathLike[str], after: str | os.PathLike[str], weights: bool = True
) -> ModelDiff:
    """What differs between two `.keras` files.

    Args:
        before: path of the one archive.
        after: path of the other.
        weights: compare the stored arrays and the optimizer's state as well.

    Raises:
        InputError: one of them cannot be read, is damaged or unsafe.
    """
    from kover.archive.reader import open_archive

    with open_archive(before) as one, open_archive(after) as other:
        return compare_archives(one, other, weights)


def compare_archives(  # noqa: PLR0913  (each is a question of its own)
    before: Archive,
    after: Archive,
    weights: bool = True,
    *,
    digests: bool = True,
    histograms: bool = False,
    renamed: Mapping[str, str] | None = None,
) -> ModelDiff:
    """What differs between two open archives.

    Args:
        before: the one.
        after: the other.
        weights: compare the stored arrays and the optimizer's state as well.
        digests: tell the sha256 of both files, which costs another pass.
        histograms: sort the changes of each array by size.
        renamed: path before to path after, where a plan says so.

    Raises:
        InputError: damaged members, broken configs or weights.
    """
    trees = read_tree(before.config, before.path), read_tree(after.config, after.path)
    files, problems = _read(before, after, needed=weights, digests=digests)
    files = replace(files, histograms=histograms)
    one = stored_model(trees[0], files.before)
    other = stored_model(trees[1], files.after)
    found = compare_trees(_side(one, weights), _side(other, weights), renamed)
    paths = found.pairing.after
    return ModelDiff(
        before=archive_facts(before, trees[0], digests),
        after=archive_facts(after, trees[1], digests),
        layers=found.layers,
        model=found.model,
        compile=compare_compile(one, other),
        metadata=compare_metadata(before.metadata, after.metadata),
        weights=compare_weights(one, other, paths, files) if weights else None,
        optimizer_state=compare_optimizer_state(one, other, files) if weights else None,
        assets=compare_assets(before, after),
        effective=Effective(
            trainable_parameters=(one.trainable_parameters(), other.trainable_parameters()),
            parameters=(one.parameters(), other.parameters()),
            learning_rates=compare_rates(one, other),
        ),
        config_patch=found.patch,
        outline=outline(*trees, found.pairing),
        warnings=sorted_problems(
            (
                *before.warnings,
                *after.warnings,
                *trees[0].warnings,
                *trees[1].warnings,
                *danger_warnings(before.config, before.path),
                *danger_warnings(after.config, after.path),
                *idle_rates(one, before.path),
                *idle_rates(other, after.path),
                *problems,
            )
        ),
    )


def _side(model: StoredModel, weights: bool) -> Side:
    return Side(model.tree, model.digest) if weights else Side(model.tree)


def _read(
    before: Archive, after: Archive, *, needed: bool, digests: bool
) -> tuple[Files, tuple[Problem, ...]]:
    """Read both archives to their end, and list their weights meanwhile."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        listing = pool.submit(before.weights)
        if digests:
            before.hash_ahead()
            if before.check_if_same(after):
                return _files(listing, listing, equal=True, needed=needed)
            after.hash_ahead()
        alike = _look_alike(before, after)
        other_listing = listing if alike else pool.submit(after.weights)
        crcs = _common_crcs(before, after, 1 if digests else 2) if alike else {}
        if alike and not crcs:
            other_listing = pool.submit(after.weights)
        checks = [
            pool.submit(archive.check if digests else archive.check_members, crcs)
            for archive in (before, after)
        ]
        for each in checks:
            each.result()
        return _files(listing, other_listing, equal=bool(crcs), needed=needed)


def _files(
    before: Future[WeightsFile | None],
    after: Future[WeightsFile | None],
    *,
    equal: bool,
    needed: bool,
) -> tuple[Files, tuple[Problem, ...]]:
    """The listed weights; where nobody needs them, unreadable ones are a warning."""
    try:
        return Files(before.result(), after.result(), equal), ()
    except InputError as exc:
        if needed:
            raise
        return Files(None, None), tuple(_as_warning(problem) for problem in exc.problems)


def _as_warning(problem: Problem) -> Problem:
    return Problem(
        problem.code,
        f"{problem.message}; learning rates are those of the config",
        problem.source,
        problem.help,
        "warning",
    )


def _look_alike(before: Archive, after: Archive) -> bool:
    """Whether the weights may be the same bytes, going by what the directories say."""
    if _WEIGHTS not in before or _WEIGHTS not in after:
        return False
    one, other = before.member(_WEIGHTS), after.member(_WEIGHTS)
    if not (one.is_stored and other.is_stored):
        return False
    return (one.stored_size, one.crc) == (other.stored_size, other.crc)


def _common_crcs(before: Archive, after: Archive, threads: int) -> dict[str, int]:
    """The CRC of both weights members by their name, if they are the same bytes."""
    one, other = before.member(_WEIGHTS), after.member(_WEIGHTS)
    places = Place(before.file, one.data_offset), Place(after.file, other.data_offset)
    crc = same_range(*places, one.stored_size, threads)
    return {} if crc is None else {_WEIGHTS: crc}


def archive_facts(archive: Archive, tree: ModelTree, digests: bool = False) -> ArchiveFacts:
    """What an archive is, in a line."""
    version = archive.metadata.get("keras_version")
    return ArchiveFacts(
        path=archive.path,
        sha256=archive.sha256 if digests else None,
        keras_version=version if isinstance(version, str) else None,
        size_bytes=archive.file.size,
        name=tree.name,
        class_name=tree.class_name,
        layer_count=len(tree.layers),
    )
