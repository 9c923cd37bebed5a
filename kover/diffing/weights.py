"""Stored arrays before and after, paired by layer and variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kover.archive.weights import StoredArray, WeightsFile
from kover.diffing.measure import Stored, distance, dtype_name, same_bytes
from kover.diffing.model_diff import ArrayChange, ArrayFact, WeightsDiff
from kover.diffing.stored import Key, StoredModel


@dataclass(frozen=True)
class Files:
    """The two weights files.

    Attributes:
        equal: bit-equal, so that only one of them need be read.
        histograms: also sort the changes by size.
    """

    before: WeightsFile | None
    after: WeightsFile | None
    equal: bool = False
    histograms: bool = False

    def pair(self, one: StoredArray, other: StoredArray) -> tuple[Stored, Stored]:
        """Two arrays with their files."""
        if self.before is None or self.after is None:
            raise AssertionError("arrays come from files")
        return Stored(self.before, one), Stored(self.after, other)

    def same(self, one: StoredArray, other: StoredArray) -> bool:
        """Whether two arrays are of one kind and bit-equal."""
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        if self.equal and one.path == other.path:
            return True
        return same_bytes(*self.pair(one, other))


def compare_weights(
    before: StoredModel, after: StoredModel, paths_after: Mapping[str, str], files: Files
) -> WeightsDiff:
    """Compare all arrays outside the optimizer.

    Args:
        before: the arrays before.
        after: the arrays after.
        paths_after: layer path before -> after, of the layers that are paired.
        files: where the bytes are.
    """
    old, removed = _by_key_after(before, paths_after)
    changed: list[ArrayChange] = []
    added: list[ArrayFact] = []
    compared = 0
    for key, array in after.arrays.items():
        partner = old.pop(key, None)
        if partner is None:
            added.append(_fact(key, array))
            continue
        compared += 1
        if not files.same(partner, array):
            change = _change(key, partner, array, files)
            if change is not None:
                changed.append(change)
    removed += [_fact(key, array) for key, array in old.items()]
    return WeightsDiff(
        compared, compared - len(changed), tuple(changed), tuple(added), tuple(removed)
    )


def _by_key_after(
    before: StoredModel, paths_after: Mapping[str, str]
) -> tuple[dict[Key, StoredArray], list[ArrayFact]]:
    """The arrays before under the paths after, and those of layers that are gone."""
    found: dict[Key, StoredArray] = {}
    gone: list[ArrayFact] = []
    for key, array in before.arrays.items():
        path = paths_after.get(key[0]) if key[0] else ""
        if path is None:
            gone.append(_fact(key, array))
        else:
            found[(path, key[1])] = array
    return found, gone


def _fact(key: Key, array: StoredArray) -> ArrayFact:
    return ArrayFact(key[0] or None, key[1], array.shape, dtype_name(array.dtype))


def _change(key: Key, one: StoredArray, other: StoredArray, files: Files) -> ArrayChange | None:
    """How two arrays differ; None where only their byte order does."""
    layer, variable = key[0] or None, key[1]
    shape, dtype = other.shape, dtype_name(other.dtype)
    if one.shape != shape or dtype_name(one.dtype) != dtype:
        return ArrayChange(
            layer,
            variable,
            shape,
            dtype,
            shape_before=one.shape if one.shape != shape else None,
            dtype_before=dtype_name(one.dtype) if dtype_name(one.dtype) != dtype else None,
        )
    if dtype.startswith("|V"):  # bytes without a meaning: nothing to measure
        return ArrayChange(layer, variable, shape, dtype)
    found = distance(*files.pair(one, other), histogram=files.histograms)
    if one.dtype != other.dtype and found.share == 0:
        return None
    return ArrayChange(
        layer,
        variable,
        shape,
        dtype,
        max_abs=found.max_abs,
        rel_l2=found.rel_l2,
        share=found.share,
        nonfinite_before=found.before,
        nonfinite_after=found.after,
        histogram=found.histogram,
    )
