"""Archives for comparing, written from plain JSON without Keras."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[..., Path]


@pytest.fixture(scope="session")
def write_model() -> Write:
    """Write an archive: its config, and its arrays as nested lists by HDF5 path."""

    def write(
        path: Path,
        config: dict[str, Any],
        weights: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        files: dict[str, bytes] | None = None,
    ) -> Path:
        members = {
            "metadata.json": json.dumps(metadata or {"keras_version": "3.15.1"}).encode(),
            "config.json": json.dumps(config).encode(),
            **({"model.weights.h5": _hdf5(weights)} if weights is not None else {}),
            **(files or {}),
        }
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in members.items():
                archive.writestr(zipfile.ZipInfo(member), data)
        return path

    return write


def _hdf5(weights: dict[str, Any]) -> bytes:
    import h5py
    import numpy as np

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, given in weights.items():
            dtype = "int64" if isinstance(given, int) else "float32"
            values = given if isinstance(given, np.ndarray) else np.array(given, dtype)
            dataset = file.create_dataset(path, data=values)
            if values.dtype == "V2":
                dataset.attrs["dtype"] = "bfloat16"  # as Keras marks it
    return buffer.getvalue()
