"""Archives, sound and hostile, made with zipfile, h5py and struct."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

CONFIG = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": []}}).encode()
METADATA = json.dumps({"keras_version": "3.15.1"}).encode()

MakeArchive = Callable[..., Path]
MakeHdf5 = Callable[[Callable[[Any], None]], bytes]


def hdf5(fill: Callable[[Any], None], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        fill(file)
    return buffer.getvalue()


def plain_weights(file: Any) -> None:
    for number in range(12):
        file[f"layers/dense/vars/{number}"] = np.full((2, 3), number, dtype="f4")
    file["layers/dense/vars"].attrs["name"] = "my_dense"
    file["optimizer/vars/0"] = np.int64(5)
    file["optimizer/vars/1"] = np.float32(0.25)


@pytest.fixture
def make_hdf5() -> MakeHdf5:
    """Bytes of an HDF5 file, filled by a function."""
    return hdf5


@pytest.fixture(scope="session")
def weights_bytes() -> bytes:
    return hdf5(plain_weights)


@pytest.fixture
def make_archive(tmp_path: Path, weights_bytes: bytes) -> MakeArchive:
    """Write an archive; members given by keyword or as pairs replace the usual three."""

    def make(
        members: Iterable[tuple[str | zipfile.ZipInfo, bytes]] | None = None,
        *,
        name: str = "model.keras",
        config: bytes = CONFIG,
        metadata: bytes = METADATA,
        weights: bytes = weights_bytes,
        compression: int = zipfile.ZIP_STORED,
        extra: Iterable[tuple[str | zipfile.ZipInfo, bytes]] = (),
        comment: bytes = b"",
    ) -> Path:
        path = tmp_path / name
        usual = (
            ("metadata.json", metadata),
            ("config.json", config),
            ("model.weights.h5", weights),
        )
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.comment = comment
            for member, data in (*(usual if members is None else members), *extra):
                info = member
                if isinstance(member, str):
                    info = zipfile.ZipInfo(member)
                    info.compress_type = compression
                archive.writestr(info, data)
        return path

    return make
