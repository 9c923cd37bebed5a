"""The optimizer's stored variables: which are rates, counters and slots, and what became of them.

Source: keras 3.15 `Optimizer.save_own_variables` stores `variables` in order: the iteration
count, the learning rate unless it is a schedule, then the slots. `LossScaleOptimizer` and
`MultiOptimizer` store their inner optimizers' variables twice: with their own, and below
`inner_optimizer/` or `optimizers/<name>/`, which is what a load reads last.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping

from kover.archive.weights import StoredArray
from kover.diffing.measure import Stored, is_zero
from kover.diffing.model_diff import OptimizerStateDiff
from kover.diffing.stored import StoredModel
from kover.diffing.weights import Files
from kover.modelconfig.optimizers import StoredOptimizer
from kover.values import as_mapping

_ROOT = "optimizer"


def stored_rate(model: StoredModel, optimizer: StoredOptimizer) -> float | None:
    """The learning rate that loading takes from the weights file, None if it takes none."""
    rate = as_mapping(optimizer.record.get("config")).get("learning_rate")
    if model.weights is None or isinstance(rate, bool) or not isinstance(rate, (int, float)):
        return None
    if any(path.startswith(f"{optimizer.group}/inner_optimizer/") for path in model.optimizer):
        return None  # state of a loss scaling that the config does not name: a load skips it all
    counter = model.optimizer.get(f"{optimizer.group}/vars/0")
    stored = model.optimizer.get(f"{optimizer.group}/vars/1")
    if counter is None or stored is None or not _is_count(counter) or not _is_number(stored):
        return None
    return float(model.weights.read_scalar(stored))


def _is_count(array: StoredArray) -> bool:
    return array.shape == () and array.dtype[1:2] in ("i", "u")


def _is_number(array: StoredArray) -> bool:
    return array.shape == () and (array.dtype[1:2] == "f" or array.dtype == "bfloat16")


def slots(model: StoredModel) -> dict[str, StoredArray]:
    """The slots, each once: neither counters nor rates nor second copies."""
    groups = {path.rpartition("/vars/")[0] for path in model.optimizer}
    around = {group for group in groups if any(each.startswith(f"{group}/") for each in groups)}
    return {
        path: array
        for path, array in model.optimizer.items()
        if path.rpartition("/vars/")[0] not in around and not _is_head(array)
    }


def _is_head(array: StoredArray) -> bool:
    return array.shape == () and array.path.rpartition("/")[2] in _HEAD


_HEAD = frozenset({"0", "1"})


def iterations(model: StoredModel) -> int | None:
    """The step counter, None where nothing is stored; that around a loss scale stays 0."""
    inner = model.optimizer.get(f"{_ROOT}/inner_optimizer/vars/0")
    array = inner or model.optimizer.get(f"{_ROOT}/vars/0")
    if array is None or model.weights is None or not _is_count(array):
        return None
    return int(model.weights.read_scalar(array))


def compare_optimizer_state(
    before: StoredModel, after: StoredModel, files: Files
) -> OptimizerStateDiff | None:
    """Count what became of the slots.

    The same layout on both sides pairs them by position. Otherwise nothing but equal contents
    tells which slot is which, so those count as kept and the others as dropped and added.
    """
    if not before.optimizer and not after.optimizer:
        return None
    ones, others = slots(before), slots(after)
    counts = (iterations(before), iterations(after))
    if _layout(ones) == _layout(others):
        return _paired(ones, others, counts, files)
    kept = _equal_contents(before, after, ones, others, files)
    return OptimizerStateDiff(
        kept=kept, dropped=len(ones) - kept, added=len(others) - kept, iterations=counts
    )


def _layout(found: Mapping[str, StoredArray]) -> list[tuple[str, tuple[int, ...], str]]:
    return [(path, array.shape, array.dtype) for path, array in found.items()]


def _paired(
    ones: Mapping[str, StoredArray],
    others: Mapping[str, StoredArray],
    counts: tuple[int | None, int | None],
    files: Files,
) -> OptimizerStateDiff:
    kept = reset = changed = 0
    for path, one in ones.items():
        if files.same(one, others[path]):
            kept += 1
        elif is_zero(files.pair(one, others[path])[1]):
            reset += 1
        else:
            changed += 1
    return OptimizerStateDiff(kept=kept, reset=reset, changed=changed, iterations=counts)


def _equal_contents(
    before: StoredModel,
    after: StoredModel,
    ones: Mapping[str, StoredArray],
    others: Mapping[str, StoredArray],
    files: Files,
) -> int:
    """How many slots on both sides have equal contents, each counted once."""
    shapes = {(array.shape, array.dtype) for array in ones.values()} & {
        (array.shape, array.dtype) for array in others.values()
    }
    old = Counter(_contents(before, ones, shapes))
    new = Counter(_contents(after, others, shapes))
    return (old & new).total()


def _contents(
    model: StoredModel,
    found: Mapping[str, StoredArray],
    shapes: set[tuple[tuple[int, ...], str]],
) -> Iterator[tuple[tuple[int, ...], str, bytes]]:
    """Shape, dtype and digest of the slots whose kind is there on both sides."""
    for array in found.values():
        if model.weights is not None and (array.shape, array.dtype) in shapes:
            hasher = hashlib.blake2b(digest_size=16)
            for piece in Stored(model.weights, array).chunks():
                hasher.update(piece)
            yield array.shape, array.dtype, hasher.digest()
