"""Where the learning rate of each optimizer stands in the weights file, second copies included.

Source: keras 3.15 `optimizers.base_optimizer.BaseOptimizer.__init__`: the rate is an optimizer's
second variable, after the iteration count. A `LossScaleOptimizer` and a `MultiOptimizer` store
the variables of those inside once more, after their own: `.variables` of both classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from kover.archive.weights import StoredArray, WeightsFile
from kover.modelconfig.optimizers import stored_optimizers
from kover.values import JSON, as_mapping


def rate_places(optimizer: JSON, arrays: Mapping[str, StoredArray]) -> dict[str, list[StoredArray]]:
    """The arrays of each rate that is a number, by what a plan calls the optimizer.

    The first is the one that a load reads last.

    Args:
        optimizer: its record in the config.
        arrays: of the weights file, by HDF5 path.
    """
    layout = _Layout(optimizer, arrays)
    found = {}
    for each in stored_optimizers(optimizer):
        rate = as_mapping(each.record.get("config")).get("learning_rate")
        if isinstance(rate, (int, float)) and not isinstance(rate, bool):
            own = _after_a_count(arrays, each.group, 1)
            if own is not None:
                found[each.attribute] = [own, *layout.copies(each.group)]
    return found


def stored_rates(optimizer: JSON, weights: WeightsFile | None) -> dict[str, float]:
    """The rates that Keras would load, by what a plan calls the optimizers."""
    if weights is None:
        return {}
    return {
        name: float(weights.read_scalar(places[0]))
        for name, places in rate_places(optimizer, weights.arrays).items()
    }


class _Layout:
    """Which variables of an optimizer are copies of those of optimizers inside it."""

    def __init__(self, optimizer: JSON, arrays: Mapping[str, StoredArray]) -> None:
        self.arrays = arrays
        self.counts = Counter(path.rpartition("/vars/")[0] for path in arrays)
        self.inside: dict[str, list[str]] = {}
        for each in stored_optimizers(optimizer):
            held = self.inside.setdefault(_holder(each.group), [])
            if each.group not in held:
                held.append(each.group)

    def copies(self, group: str) -> Iterator[StoredArray]:
        """The copies of the second variable of a group, from the inside out."""
        number = 1
        while (holder := _holder(group)) in self.counts and holder:
            held = self.inside[holder]
            before = held[: held.index(group)]
            own = self.counts[holder] - sum(self.counts[each] for each in held)
            number += own + sum(self.counts[each] for each in before)
            array = _after_a_count(self.arrays, holder, number) if own >= 0 else None
            if array is None:
                return
            yield array
            group = holder


def _holder(group: str) -> str:
    """The group of the optimizer around: `optimizer` for `optimizer/optimizers/adam`."""
    around, _, last = group.rpartition("/")
    return around if last == "inner_optimizer" else around.removesuffix("/optimizers")


def _after_a_count(
    arrays: Mapping[str, StoredArray], group: str, number: int
) -> StoredArray | None:
    """The number stored there, if an iteration count is before it."""
    iteration = arrays.get(f"{group}/vars/{number - 1}")
    rate = arrays.get(f"{group}/vars/{number}")
    if iteration is None or rate is None or iteration.shape or rate.shape:
        return None
    fits = iteration.dtype[1] in "iu" and rate.dtype in {"<f4", "<f8"}
    return rate if fits and rate.h5_offset is not None else None
