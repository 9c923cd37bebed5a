"""A registered custom class, in the way of a user's own code: its variables have no names."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("shop")
class Scale(keras.layers.Layer):
    """Multiplies by a trained vector and adds another."""

    def __init__(self, limit: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.limit = limit

    def build(self, shape: tuple[int, ...]) -> None:
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones")
        self.offset = self.add_weight(shape=(shape[-1],), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        return keras.ops.clip(inputs * self.factor + self.offset, -self.limit, self.limit)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "limit": self.limit}
