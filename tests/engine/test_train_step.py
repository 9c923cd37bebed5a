"""The training step of `--verify train` makes targets that fit each output's loss."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.keras


@pytest.mark.parametrize("keys", [("kind", "size"), ("first", "second")])
def test_losses_may_go_by_the_keys_of_the_outputs_or_by_layers(keys: tuple[str, str]) -> None:
    """After a rename the layers are called otherwise, and the keys of the outputs are not."""
    import keras
    import numpy as np

    from kover.engine.train_step import check_step

    inputs = keras.Input((4,))
    outputs: dict[str, Any] = {
        "kind": keras.layers.Dense(3, activation="softmax", name="first")(inputs),
        "size": keras.layers.Dense(1, name="second")(inputs),
    }
    model = keras.Model(inputs, outputs if keys[0] == "kind" else list(outputs.values()))
    losses = dict(zip(keys, ("sparse_categorical_crossentropy", "mse"), strict=True))
    model.compile("adam", losses)
    batch = np.ones((2, 4), "float32")
    made = [np.asarray(each) for each in keras.tree.flatten(model(batch))]
    checks = check_step(model, batch, made)
    assert [check for check in checks if not check.ok] == []
    assert len(checks) >= 3
