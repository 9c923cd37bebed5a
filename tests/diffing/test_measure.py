"""How far apart two arrays are: the quick way and the careful way agree."""

from __future__ import annotations

from collections import Counter
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.archive.weights import open_weights
from kover.diffing.measure import Distance, Stored, distance

NUMBERS = st.one_of(
    st.floats(width=32),
    st.sampled_from([0.0, -0.0, 1e-45, -1e-30, 3e38, -3e38, float("nan"), float("inf"), 1.0]),
)


@given(pairs=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8))
def test_any_two_arrays_are_measured_as_numpy_would(
    pairs: list[tuple[float, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    one, other = (np.array(side, "float32") for side in zip(*pairs, strict=True))
    path = tmp_path_factory.getbasetemp() / "measured.weights.h5"
    with h5py.File(path, "w") as file:
        file["a"], file["b"] = one, other
    with open_weights(path) as weights:
        a, b = (Stored(weights, weights.arrays[name]) for name in "ab")
        found = distance(a, b, histogram=True)
    check(found, one.astype(float), other.astype(float))


def exponents(numbers: Any) -> dict[int, int]:
    return dict(Counter(np.frexp(numbers)[1].tolist()))


def check(found: Distance, one: Any, other: Any) -> None:
    finite = np.isfinite(one) & np.isfinite(other)
    apart = np.abs(other[finite] - one[finite])
    both_nan = np.isnan(one) & np.isnan(other)
    different = (one != other) & ~both_nan
    assert found.max_abs == pytest.approx(apart.max(initial=0.0), rel=1e-5)
    assert found.share == pytest.approx(different.mean())
    assert found.before.nan == np.isnan(one).sum()
    assert found.after.inf == np.isinf(other).sum()
    assert dict(found.histogram) in (  # by single precision the largest may be rounded up
        exponents(apart[apart > 0]),
        exponents(apart[apart > 0].astype("float32")),
    )
    norm = np.linalg.norm(one[finite])
    if norm > 0:
        assert found.rel_l2 == pytest.approx(np.linalg.norm(apart) / norm, rel=1e-4)
