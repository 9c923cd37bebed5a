"""Optimizers of the PyTorch backend get the names that all backends know; the rest stays."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kover.modelconfig.backend_optimizers import names_a_backend, with_public_optimizers
from kover.modelconfig.records import keras_package

TORCH = "keras.src.backend.torch.optimizers.torch_"


def record(class_name: str, module: str = "keras.optimizers", **config: Any) -> dict[str, Any]:
    of_torch = module != "keras.optimizers"
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": class_name if of_torch else None,
    }


def torch_adam(**config: Any) -> dict[str, Any]:
    return record("Adam", f"{TORCH}adam", **config)


def test_the_optimizer_gets_its_public_name_and_the_rest_stays() -> None:
    given = {"optimizer": torch_adam(learning_rate=0.01, name="adam"), "loss": "mse"}
    before = copy.deepcopy(given)
    assert names_a_backend(given)
    written = with_public_optimizers(given)
    assert written == {"optimizer": record("Adam", learning_rate=0.01, name="adam"), "loss": "mse"}
    assert given == before
    assert not names_a_backend(written)
    assert list(written) == ["optimizer", "loss"]


def test_optimizers_within_others_get_theirs() -> None:
    def wrapped(inner: dict[str, Any]) -> dict[str, Any]:
        groups = record("OptimizerMap", default_optimizer=inner, optimizer_map={"a/.*": inner})
        multi = record("MultiOptimizer", optimizer_map=groups)
        return {"optimizer": record("LossScaleOptimizer", inner_optimizer=multi)}

    given = wrapped(torch_adam(learning_rate=0.1))
    assert with_public_optimizers(given) == wrapped(record("Adam", learning_rate=0.1))


@pytest.mark.parametrize(
    "optimizer",
    [
        "adam",
        None,
        record("Adam", learning_rate=0.1),
        record("Mine", "my.keras.src.backend.torch.optimizers.x"),
        record("Dense", "keras.src.backend.torch.layers"),
    ],
)
def test_what_is_none_of_a_backend_stays(optimizer: Any) -> None:
    assert with_public_optimizers({"optimizer": optimizer}) == {"optimizer": optimizer}
    assert not names_a_backend({"optimizer": optimizer})


def test_a_model_without_an_optimizer_gets_none() -> None:
    assert with_public_optimizers({}) == {}


def test_only_a_backends_optimizers_are_optimizers() -> None:
    assert keras_package(f"{TORCH}adam") == "optimizers"
    assert keras_package("keras.src.backend.torch.core") == "backend"
    assert keras_package("keras.src.backend.optimizers") == "backend"
