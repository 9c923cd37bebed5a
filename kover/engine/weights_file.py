"""A new `model.weights.h5`: patched where it only differs in a few numbers, else written anew.

Values are streamed: an array is never held whole unless it is fresh. The layout of a file written
anew is that of Keras' own writer, so Keras cannot tell the difference.

Source: keras 3.15 `saving.saving_lib.H5IOStore` (groups, `name` and `dtype` attributes).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kover.archive.weights import StoredArray, WeightsFile
from kover.archive.writer import Patched
from kover.engine.twin import TwinArray
from kover.engine.weight_plan import ArrayPlan, WeightPlan

_PATCHED_BYTES = 1 << 20
_NUMPY_CODES = {
    "float64": "f8", "float32": "f4", "float16": "f2",
    "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1",
    "uint64": "u8", "uint32": "u4", "uint16": "u2", "uint8": "u1",
    "bool": "b1", "bfloat16": "bfloat16",
}  # fmt: skip

FreshValue = Callable[[TwinArray, int], Any]


def patches(
    plan: WeightPlan, stored: Mapping[str, StoredArray], fresh: FreshValue
) -> Patched | None:
    """The few bytes that differ, or None where the layout changes or they are not few."""
    replaced: list[tuple[int, bytes]] = []
    moved = [d for d in plan.dropped if d.reason not in {"re-created", "set by the spec"}]
    total = 0
    if moved:
        return None
    for each in plan.arrays:
        if each.action == "copy" and each.source == each.array.places[0]:
            continue
        olds = [stored.get(place) for place in each.array.places]
        if each.action != "fresh" or not all(old and _fits(old, each) for old in olds):
            return None
        total += sum(old.size_bytes for old in olds if old)
        if total > _PATCHED_BYTES:
            return None
        data = fresh(each.fresh_from, each.seed).tobytes()
        replaced.extend((old.h5_offset, data) for old in olds if old and old.h5_offset is not None)
    return Patched(tuple(replaced))


def _fits(old: StoredArray, plan: ArrayPlan) -> bool:
    return (
        old.h5_offset is not None
        and old.shape == plan.array.shape
        and old.dtype.lstrip("<|") == _NUMPY_CODES.get(plan.array.dtype)
    )


class WeightsWriter:
    """Writes a whole new weights file.

    Args:
        weights: the old file.
        fresh: gives the value of an array that is not copied.
    """

    def __init__(self, weights: WeightsFile, fresh: FreshValue) -> None:
        self._weights = weights
        self._fresh = fresh
        self._copies: list[tuple[Any, StoredArray]] = []

    def write(self, target: Path, plan: WeightPlan, names: Mapping[str, str]) -> None:
        """Write `target`; what it holds is overwritten.

        Args:
            target: where to.
            plan: what each array is made from.
            names: HDF5 group to the name that Keras writes beside it, in storing order.
        """
        import h5py

        with h5py.File(target, "w", locking=False) as file:
            for group, name in names.items():
                if name:
                    file.require_group(f"{group}/vars" if group else "vars").attrs["name"] = name
            for each in plan.arrays:
                for place in each.array.places:
                    self._write(file, place, each)
            for place in plan.extras:
                if place not in file:
                    self._copy(file, place, place)
            offsets = [(dataset.id.get_offset(), array) for dataset, array in self._copies]
        _fill(target, offsets, self._weights)

    def _write(self, file: Any, place: str, plan: ArrayPlan) -> None:
        if plan.action == "copy" and plan.source is not None:
            self._copy(file, place, plan.source)
            return
        is_fresh = plan.action == "fresh"
        value = self._fresh(plan.fresh_from, plan.seed) if is_fresh else _cast(plan, self._weights)
        code = _NUMPY_CODES.get(plan.array.dtype, value.dtype.str)
        dataset = _reserve(file, place, value.shape, code)
        dataset[...] = value

    def _copy(self, file: Any, place: str, source: str) -> None:
        array = self._weights.arrays[source]
        self._copies.append((_reserve(file, place, array.shape, array.dtype), array))


def _reserve(file: Any, place: str, shape: tuple[int, ...], code: str) -> Any:
    """A dataset with room for an array, which is filled in later.

    Copied and fresh arrays get the same, so that a file written anew has the same bytes whichever
    they are: applying a spec twice gives what applying it once gave.
    """
    import h5py

    is_bfloat16 = code == "bfloat16"
    kind = _numpy_dtype(code)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    creation.set_obj_track_times(False)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    space = h5py.h5s.create_simple(shape) if shape else h5py.h5s.create(h5py.h5s.SCALAR)
    dataset = h5py.Dataset(
        h5py.h5d.create(
            file.id, place.encode(), h5py.h5t.py_create(kind, logical=True), space, creation, links
        )
    )
    if is_bfloat16:
        dataset.attrs["dtype"] = "bfloat16"
    return dataset


def _numpy_dtype(code: str) -> Any:
    import ml_dtypes
    import numpy as np

    return np.dtype(ml_dtypes.bfloat16 if code == "bfloat16" else code)


def _cast(plan: ArrayPlan, weights: WeightsFile) -> Any:
    import numpy as np

    assert plan.source is not None
    old = weights.arrays[plan.source]
    raw = b"".join(weights.chunks(old))
    values = np.frombuffer(raw, dtype=_numpy_dtype(old.dtype)).reshape(old.shape)
    return values.astype(_numpy_dtype(_NUMPY_CODES[plan.array.dtype]))


def _fill(
    target: Path, offsets: list[tuple[int | None, StoredArray]], weights: WeightsFile
) -> None:
    """Write the bytes of copied arrays into the room reserved for them."""
    with target.open("r+b") as file:
        for offset, array in offsets:
            if offset is None:  # an empty array has no room and no bytes
                continue
            position = offset
            for chunk in weights.chunks(array):
                position += os.pwrite(file.fileno(), chunk, position)
