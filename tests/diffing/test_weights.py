"""Measuring arrays: dtypes, odd numbers, pieces."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kover.diffing.compare import diff
from kover.diffing.measure import dtype_name
from kover.diffing.model_diff import ArrayChange, WeightsDiff


@pytest.fixture
def compared(write_model: Any, tmp_path: Path) -> Any:
    """Compare two models of one Dense by its kernel."""

    def compare(before: Any, after: Any) -> WeightsDiff:
        config = {"name": "a", "trainable": True, "units": 2, "use_bias": False}
        layer = {"module": "keras.layers", "class_name": "Dense", "config": config}
        model = {
            "module": "keras",
            "class_name": "Sequential",
            "config": {"name": "n", "layers": [layer]},
        }
        paths = [
            write_model(tmp_path / f"{number}.keras", model, {"layers/dense/vars/0": values})
            for number, values in enumerate((before, after))
        ]
        found = diff(*paths).weights
        assert found is not None
        return found

    return compare


def only(found: WeightsDiff) -> ArrayChange:
    assert (found.compared, found.equal, len(found.changed)) == (1, 0, 1)
    return found.changed[0]


def test_measures_are_those_of_the_whole_array(compared: Any) -> None:
    random = np.random.default_rng(0)
    before = random.normal(size=(700, 301)).astype("float32")  # more than one piece
    after = before.copy()
    after[650:, :] += 0.5
    change = only(compared(before, after))
    apart = after.astype(float) - before.astype(float)
    assert change.max_abs == pytest.approx(abs(apart).max())
    assert change.rel_l2 == pytest.approx(np.linalg.norm(apart) / np.linalg.norm(before))
    assert change.share == pytest.approx(50 / 700)
    assert (change.layer, change.variable, change.shape) == ("a", "kernel", (700, 301))


def test_numbers_that_are_not_finite_are_counted_apart(compared: Any) -> None:
    before = np.array([[1, math.nan, math.inf, 2]], "float32")
    after = np.array([[1, math.nan, 5, math.nan]], "float32")
    change = only(compared(before, after))
    assert (change.max_abs, change.share) == (0, 0.5)
    assert (change.nonfinite_before.nan, change.nonfinite_before.inf) == (1, 1)
    assert (change.nonfinite_after.nan, change.nonfinite_after.inf) == (2, 0)


def test_from_nothing_there_is_no_relative_change(compared: Any) -> None:
    change = only(compared(np.zeros((2, 2), "float32"), np.ones((2, 2), "float32")))
    assert (change.max_abs, change.rel_l2, change.share) == (1, None, 1)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "int64", "bool", "complex64"])
def test_every_numeric_dtype_is_measured(compared: Any, dtype: str) -> None:
    change = only(compared(np.zeros((2, 2), dtype), np.ones((2, 2), dtype)))
    assert (change.max_abs, change.dtype) == (1, dtype)


def test_bfloat16_is_measured(compared: Any) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    before, after = (np.array([[1.0, x]], ml_dtypes.bfloat16) for x in (2.0, 3.0))
    opaque = [values.view("V2") for values in (before, after)]
    change = only(compared(*opaque))
    assert (change.max_abs, change.dtype) == (1, "bfloat16")


def test_byte_order_alone_is_no_change(compared: Any) -> None:
    values = np.array([[1, 2]], "<f4")
    found = compared(values, values.astype(">f4"))
    assert (found.compared, found.equal) == (1, 1)


def test_another_shape_is_not_measured(compared: Any) -> None:
    change = only(compared(np.zeros((2, 2), "float32"), np.zeros((2, 3), "float32")))
    assert (change.shape_before, change.shape, change.max_abs) == ((2, 2), (2, 3), None)


def test_another_dtype_is_not_measured(compared: Any) -> None:
    change = only(compared(np.zeros((2, 2), "float32"), np.zeros((2, 2), "float16")))
    assert (change.dtype_before, change.dtype, change.max_abs) == ("float32", "float16", None)


@pytest.mark.parametrize(
    ("dtype", "name"), [("<f4", "float32"), ("|b1", "bool"), ("|i1", "int8"), ("<c8", "complex64")]
)
def test_dtypes_have_keras_names(dtype: str, name: str) -> None:
    assert dtype_name(dtype) == name
