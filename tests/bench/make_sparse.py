"""Make a model of many gigabytes that takes almost no disk: make_sparse.py TARGET GIGABYTES.

Dense layers whose weights are zeros. The file has holes where they stand, so that it is as long as
a real one, and every program that reads it reads all of that.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from make_large import Config, Variant, chain, groups

LAYERS = 10
PIECE = 1 << 20


class Holes(io.FileIO):
    """A file in which runs of zeros are not written but left out."""

    def write(self, data: Any, /) -> int:
        """Write, or go ahead as far."""
        view = bytes(data)
        if view.count(0) < len(view):
            return super().write(view)
        self.seek(len(view), os.SEEK_CUR)
        return len(view)


def model(gigabytes: float) -> Config:
    """The config."""
    width = round(math.sqrt(gigabytes * 1e9 / 4 / LAYERS))
    return chain("sparse", LAYERS + 1, Variant(width=width, block=("Dense",)))


def write_weights(target: Path, config: Config) -> None:
    """The weights file, in which nothing but the places of the arrays is written."""
    import h5py

    plain = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plain.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plain.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    with h5py.File(target, "w") as file:
        file.create_group("vars").attrs["name"] = config["config"]["name"]
        for group, name, shapes in groups(config):
            stored = file.create_group(f"{group}/vars")
            stored.attrs["name"] = name
            for number, shape in enumerate(shapes):
                space = h5py.h5s.create_simple(shape)
                place = str(number).encode()
                h5py.h5d.create(stored.id, place, h5py.h5t.IEEE_F32LE, space, plain)


def write(target: Path, gigabytes: float) -> None:
    """Write the archive."""
    config = model(gigabytes)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        weights = Path(folder) / "model.weights.h5"
        write_weights(weights, config)
        with Holes(target, "w") as file, zipfile.ZipFile(file, "w") as archive:
            archive.writestr(zipfile.ZipInfo("metadata.json"), b'{"keras_version": "3.15.1"}')
            archive.writestr(zipfile.ZipInfo("config.json"), json.dumps(config))
            member = zipfile.ZipInfo("model.weights.h5")
            with (
                archive.open(member, "w", force_zip64=True) as inside,
                weights.open("rb", buffering=0) as source,
            ):
                while piece := source.read(PIECE):
                    inside.write(piece)


if __name__ == "__main__":
    write(Path(sys.argv[1]), float(sys.argv[2]))
