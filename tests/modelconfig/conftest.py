"""Small configs in the shapes that Keras writes."""

from __future__ import annotations

from typing import Any

import pytest


class Records:
    """Writes records as `keras.saving.serialize_keras_object` does."""

    def __call__(
        self, class_name: str, module: str | None = "keras.layers", /, **config: Any
    ) -> dict[str, Any]:
        return {
            "module": module,
            "class_name": class_name,
            "config": config,
            "registered_name": None,
        }

    def layer(self, class_name: str, name: str, **config: Any) -> dict[str, Any]:
        return self(class_name, name=name, trainable=True, dtype="float32", **config)

    def custom(self, class_name: str, name: str, **config: Any) -> dict[str, Any]:
        record = self(class_name, "pkg.mod", name=name, trainable=True, dtype="float32", **config)
        return {**record, "registered_name": f"pkg>{class_name}"}

    def sequential(self, name: str, *layers: Any, **config: Any) -> dict[str, Any]:
        return self("Sequential", "keras", name=name, layers=list(layers), **config)

    def functional(self, name: str, *layers: Any, **config: Any) -> dict[str, Any]:
        listed = [{"name": one["config"]["name"], "inbound_nodes": [], **one} for one in layers]
        wiring = {"input_layers": [["i", 0, 0]], "output_layers": ["o", 0, 0]}
        return self("Functional", "keras", name=name, layers=listed, **wiring, **config)


@pytest.fixture(scope="session")
def record() -> Records:
    return Records()
