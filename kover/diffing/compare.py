"""Two open archives -> a `ModelDiff`. Keras is not needed, and nothing is written.

Both archives are read to their end once (a damaged one is refused). Where the weights members
are bit-equal, no array is read a second time and numpy stays out of the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING

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
_PIECE = 1 << 16  # larger ones go back to the system after each use, which takes twice the time


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
    with ThreadPoolExecutor(max_workers=5) as pool:
        alike = _WEIGHTS in before and _WEIGHTS in after and _look_alike(before, after, _WEIGHTS)
        listing = pool.submit(before.weights)
        other_listing = listing if alike else pool.submit(after.weights)
        if digests:
            hashes = [pool.submit(before.check, split=True)]
            same = before.same_bytes_as(after)
            check = partial(after.check_as, before) if same else partial(after.check, split=True)
            hashes.append(pool.submit(check))
        else:
            same = False
            hashes = [
                pool.submit(_drain, archive, {_WEIGHTS} if alike else set())
                for archive in (before, after)
            ]
        equal = same or (alike and _same_content(before, after, _WEIGHTS, checked=digests))
        for each in hashes:
            each.result()
        if alike and not equal:
            other_listing = pool.submit(after.weights)
        return _files(listing, other_listing, equal=equal, needed=needed)


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


def _look_alike(before: Archive, after: Archive, name: str) -> bool:
    one, other = before.member(name), after.member(name)
    return (one.size, one.crc) == (other.size, other.crc)


def _same_content(before: Archive, after: Archive, name: str, *, checked: bool) -> bool:
    """Whether a member is bit-equal in both.

    Both are read to their end, and their CRCs are checked unless `checked` says that this is
    seen to elsewhere.
    """
    from kover.archive.content import content_chunks

    def pieces(archive: Archive) -> Iterator[bytes]:
        member = archive.member(name)
        if checked and member.is_stored:
            return archive.file.chunks(member.data_offset, member.size, _PIECE)
        return content_chunks(archive.file, member, _PIECE)

    equal = True
    for a, b in zip_longest(pieces(before), pieces(after)):
        equal = equal and a == b
    return equal


def _drain(archive: Archive, but: set[str]) -> None:
    """Read members to their end, so that their length and CRC are checked."""
    problems: list[Problem] = []
    for member in archive.members:
        if member.name not in but:
            try:
                for _ in archive.chunks(member.name):
                    pass
            except InputError as exc:
                problems += exc.problems
    if problems:
        raise InputError(problems)


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
