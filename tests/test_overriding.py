"""A model in memory, overridden in a training script: `kover.override`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def trained() -> Any:
    import keras
    import numpy as np

    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.Input((4,)),
        keras.layers.Dense(6, name="hidden", activation="relu"),
        keras.layers.Dropout(0.0, name="dropout"),
        keras.layers.Lambda(lambda x: x * 2, name="twice"),
        keras.layers.Dense(2, name="head"),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 2)), epochs=3, verbose=0)
    return model


def test_a_new_model_has_the_overrides_and_the_old_one_is_untouched(trained: Any) -> None:
    import kover

    before = [weight.copy() for weight in trained.get_weights()]
    reports: list[Any] = []
    spec = {
        "version": 1,
        "parameters": {"rate": 0.1},
        "overrides": [
            {"layers": "dropout", "set": {"rate": "${rate}"}},
            {"layers": "hidden", "set": {"kernel_regularizer": {"l2": 0.01}}},
        ],
    }
    new = kover.override(trained, spec, parameters={"rate": 0.4}, on_report=reports.append)
    assert new is not trained
    assert new.get_layer("dropout").rate == 0.4
    assert len(new.losses) == 1
    assert trained.get_layer("dropout").rate == 0.0
    assert trained.losses == []
    for one, other, old in zip(new.get_weights(), trained.get_weights(), before, strict=True):
        assert one.tobytes() == other.tobytes() == old.tobytes()
    assert int(new.optimizer.iterations) == int(trained.optimizer.iterations) == 3
    assert [change.layer for change in reports[0].diff.layers] == ["hidden", "dropout"]


def test_state_follows_by_name_and_training_goes_on(trained: Any, tmp_path: Path) -> None:
    import numpy as np

    import kover

    spec = tmp_path / "freeze.yaml"
    spec.write_text("version: 1\noverrides: [{layers: hidden, set: {trainable: false}}]\n")
    new = kover.override(trained, [spec], verify="train")
    # Where the model was built its own name stands before the layers'; a loaded one has it not.
    slots = {
        v.path.split("/", 1)[1].removeprefix(f"{trained.name}_"): v.numpy()
        for v in trained.optimizer.variables
    }
    kept = {v.path.split("/", 1)[1]: v.numpy() for v in new.optimizer.variables}
    assert "head_kernel_momentum" in kept
    assert "hidden_kernel_momentum" not in kept
    for name, value in kept.items():
        assert value.tobytes() == slots[name].tobytes()
    frozen = new.get_layer("hidden").get_weights()
    new.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    for one, other in zip(frozen, new.get_layer("hidden").get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_spec_that_does_not_fit_is_refused(trained: Any) -> None:
    import kover
    from kover.errors import AnswerIsNo

    with pytest.raises(AnswerIsNo) as refused:
        kover.override(
            trained, {"version": 1, "overrides": [{"layers": "haed", "unset": ["name"]}]}
        )
    assert refused.value.problems[0].code == "unknown-layer"
    assert "head" in str(refused.value.problems[0].help)
