"""The training step of `--verify train` makes targets that fit each output's loss."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.keras


ALL = 'overrides: [{layers: "**", set: {dtype: bfloat16}}]'

SMALL = "compile: {optimizer: {learning_rate: 1.0e-9}}"


@pytest.mark.parametrize(
    ("optimizer", "spec", "why", "advice"),
    [
        ("Adam", ALL, "`beta_2: 0.999` is 1 in bfloat16", "mixed_bfloat16"),
        (
            "SGD",
            f"{ALL}\n{SMALL}",
            "the step is too small for the precision of bfloat16",
            "a larger learning rate",
        ),
        (
            "SGD",
            "compile: {optimizer: {learning_rate: 0}}",
            "the learning rate is 0",
            "set another",
        ),
    ],
)
def test_a_model_that_cannot_move_is_refused_with_the_reason(
    optimizer: str, spec: str, why: str, advice: str, make_model: Any, refused: Any
) -> None:
    settings = {"class_name": optimizer, "config": {"learning_rate": 0.01}}
    path = make_model("sequential", optimizer=settings)
    [problem] = refused(path, spec, verify="train")
    assert problem.code == "verification-failed"
    assert f"0 of 6: {why}" in problem.message
    assert advice in problem.help
    assert "report" not in problem.help


def test_what_the_refusal_advises_lets_adam_move(make_model: Any, apply: Any) -> None:
    path = make_model("sequential", optimizer={"class_name": "Adam", "config": {}})
    smaller = f"{ALL}\ncompile: {{optimizer: {{beta_2: 0.99}}}}"
    mixed = "overrides: [{layers: {not: {class: InputLayer}}, set: {dtype: mixed_bfloat16}}]"
    for spec in (smaller, mixed):
        checks = apply(path, spec, verify="train").report.applied.verification.checks
        assert all(check.ok for check in checks)
        assert "trainable variables move" in {check.name for check in checks}


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
    made = [keras.ops.convert_to_numpy(each) for each in keras.tree.flatten(model(batch))]
    checks = check_step(model, batch, made)
    assert [check for check in checks if not check.ok] == []
    assert len(checks) >= 3
