"""What kover writes is what Keras reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kover.archive.reader import open_archive
from kover.archive.writer import Patched, write_archive


@pytest.mark.keras
def test_keras_loads_an_archive_with_a_new_config_and_a_patched_rate(
    tiny_archive: Path, tmp_path: Path
) -> None:
    import keras

    with open_archive(tiny_archive) as archive:
        config: Any = archive.config
        config["config"]["layers"][1]["config"]["activation"] = "tanh"
        weights = archive.weights()
        assert weights is not None
        rate = weights.arrays["optimizer/vars/1"]
        assert rate.h5_offset is not None
        replace = {
            "config.json": json.dumps(config).encode(),
            "model.weights.h5": Patched([(rate.h5_offset, np.float32(0.5).tobytes())]),
        }
        write_archive(archive, tmp_path / "new.keras", replace, overwrite=False)
    old = keras.models.load_model(tiny_archive)
    new = keras.models.load_model(tmp_path / "new.keras")
    assert new.layers[0].activation is keras.activations.tanh
    assert float(new.optimizer.learning_rate) == 0.5
    for one, other in zip(old.weights, new.weights, strict=True):
        np.testing.assert_array_equal(one, other)
