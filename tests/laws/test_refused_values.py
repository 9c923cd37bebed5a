"""What the catalogue accepts and Keras refuses all the same, `apply` reports at its line.

Values are tried for every argument of every class: numbers, names, lists and objects of all kinds.
Most of what Keras refuses, the catalogue refuses before; the rest depends on another argument, or
on what only Keras can tell.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TRIED: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, -0.5, 0.0, 0.3, 1.0, 1.5, "relu", "valid", "same", "mean",
    "channels_first", "l2", "he_normal", "max_norm", "mixed_bfloat16", "float16", "auto", "zz",
    {"l2": 0.1}, {"class": "MaxNorm", "max_value": 3}, [1], [2, 2], [2, 2, 2], [0.1, 0.2],
    {"class": "PolynomialDecay", "initial_learning_rate": 1, "decay_steps": 3},
)  # fmt: skip


@pytest.fixture(scope="module")
def refused() -> Iterator[Any]:
    """The module that tries them."""
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    with pytest.MonkeyPatch.context() as patch:
        for folder in folders:
            patch.syspath_prepend(folder)
        from table_making import refused as module

        yield module
    for name in [name for name in sys.modules if name.startswith("table_making")]:
        del sys.modules[name]


@pytest.mark.keras
@pytest.mark.slow
def test_what_only_keras_refuses_is_reported_at_its_line(refused: Any, tmp_path: Path) -> None:
    wrong, counts = [], Counter[str]()
    for public, instance, values in refused.refused_values(TRIED):
        saved = refused.saved_model(public, tmp_path)
        assert saved is not None, public.name
        model, layer = saved
        for value in values:
            text, line = value.spec(layer, refused.arguments_around(value, instance))
            spec = tmp_path / "spec.yaml"
            spec.write_text(text, encoding="utf-8")
            outcome = refused.outcome(model, spec, line)
            counts[outcome] += 1
            if outcome not in EXPECTED:
                wrong.append((value, outcome))
    assert wrong == []
    assert counts["refused: keras-refuses-layer"] > 50
    assert counts["loads"] < 30  # the model's layer has other arguments with which it fits


EXPECTED = {"refused: keras-refuses-layer", "refused: keras-refuses-model", "loads"}
