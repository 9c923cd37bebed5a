"""Random models, random specs: what was asked for holds, and nothing else changes.

`KOVER_RANDOM_MODELS=500` in the environment tries that many.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

SEEDS = range(int(os.environ.get("KOVER_RANDOM_MODELS", "25")))

pytestmark = pytest.mark.keras


def arrays(path: Path) -> dict[str, Any]:
    """Every stored array, by its place in the weights file."""
    import h5py

    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(visit)
    return found


def owners(path: Path) -> dict[str, str]:
    """The name of the layer whose each stored array is."""
    import h5py

    with ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        return {
            name: str(file[name.rpartition("/")[0]].attrs.get("name", "")) for name in arrays(path)
        }


def loaded(path: Path) -> Any:
    """What plain Keras makes of the file. A warning is a failure."""
    import keras

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return keras.models.load_model(path)


def live_layer(model: Any, path: str) -> Any:
    """The live layer at a path."""
    layer = model
    for name in path.split("/"):
        layer = next(each for each in layer._layers if each.name == name)
    return layer


def assert_holds(model: Any, path: str, attribute: str, value: Any) -> None:
    from keras.saving import serialize_keras_object
    from table_making.outcomes import is_what_was_asked, plain

    from kover.catalogue import catalogue

    layer = live_layer(model, path)
    if attribute == "trainable" and value is False:
        assert layer.trainable_variables == [], path
        return
    live = plain(serialize_keras_object(layer)["config"])[attribute]
    entry = catalogue().layer(type(layer).__name__)
    assert entry is not None
    assert is_what_was_asked(live, value, entry.arguments[attribute]), (path, attribute, live)


def same_array(one: Any, other: Any) -> bool:
    return bool(one.dtype == other.dtype and one.tobytes() == other.tobytes())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_spec_holds_and_changes_nothing_else(
    seed: int, random_model: Any, apply: Any, content: Any
) -> None:
    from random_making.specs import random_spec

    model = random_model(seed)
    wanted = random_spec(seed, model)
    result = apply(model, wanted.text())
    live = loaded(result)
    for path, values in wanted.settings:
        for attribute, value in values.items():
            assert_holds(live, path, attribute, value)
    before, after = arrays(model), arrays(result)
    if wanted.learning_rate is not None:
        rate = "optimizer/vars/1"
        assert float(live.optimizer.learning_rate) == pytest.approx(wanted.learning_rate)
        before[rate] = after[rate]
    steps = before.get("optimizer/vars/0", 0)
    if wanted.freezes or steps == 0:  # slots go or come: tests/engine looks at those
        before, after = (
            {k: v for k, v in each.items() if not k.startswith("optimizer/")}
            for each in (before, after)
        )
    assert before.keys() == after.keys()
    assert [name for name in before if not same_array(before[name], after[name])] == []
    assert content(apply(result, wanted.text())) == content(result)


@pytest.mark.parametrize("seed", SEEDS[: len(SEEDS) // 2])
def test_a_change_of_shapes_costs_the_layers_that_consent_and_no_other(
    seed: int, random_model: Any, apply: Callable[..., Path], content: Any
) -> None:
    from random_making.specs import structural_spec

    from kover.errors import KoverError

    model = random_model(seed)
    wanted = structural_spec(seed, model)
    assert wanted is not None
    with pytest.raises(KoverError) as refused:
        apply(model, wanted.text())
    (problem,) = refused.value.problems
    if problem.code == "keras-refuses-model":  # such as a sum of two shapes
        return
    assert problem.code == "needs-reinitialize"
    wanted.consents = re.findall(r"'([^']+)' \(", problem.message)
    result = apply(model, wanted.text())
    live = loaded(result)
    for path, values in wanted.settings:
        for attribute, value in values.items():
            assert_holds(live, path, attribute, value)
    given_up = {path.rpartition("/")[2] for path in wanted.consents}
    before, after = arrays(model), arrays(result)
    kept = [
        name
        for name, owner in owners(model).items()
        if owner not in given_up and not name.startswith("optimizer/")
    ]
    assert [name for name in kept if not same_array(before[name], after[name])] == []
    assert content(apply(result, wanted.text())) == content(result)
