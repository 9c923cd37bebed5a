"""Weights files of every form that HDF5 has for them, sound and not: what fuzzing begins with."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any


def hdf5_seeds() -> list[bytes]:
    """Small files: superblocks 0 to 3, layouts, filters, types, links, attributes."""
    return [
        _file(_plain),
        _file(_plain, libver="latest"),
        _file(_plain, libver=("v108", "v108")),
        _file(_plain, userblock_size=512),
        _file(_layouts),
        _file(_layouts, libver="latest"),
        _file(_types),
        _file(_links),
        _file(_attributes),
        _file(_attributes, libver="latest"),
    ]


def _file(fill: Callable[[Any], None], **options: Any) -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        fill(file)
    return buffer.getvalue()


def _plain(file: Any) -> None:
    group = file.create_group("layers/dense/vars")
    group.attrs["name"] = "dense_a"
    group.create_dataset("0", data=[[0.5, 1.0], [1.5, 2.0]], dtype="f4")
    group.create_dataset("1", data=[0.0, 1.0], dtype="f4")
    file.create_dataset("optimizer/vars/0", data=7, dtype="i8")


def _layouts(file: Any) -> None:
    for number, options in enumerate(
        (
            {"chunks": (2, 2)},
            {"chunks": (2, 2), "compression": "gzip"},
            {"chunks": (2, 2), "compression": "lzf", "shuffle": True},
            {"chunks": (2, 2), "fletcher32": True},
            {"chunks": (1, 3), "maxshape": (None, 3)},
            {"chunks": (1, 3), "maxshape": (None, None)},
            {"chunks": (4, 3), "compression": "gzip", "fillvalue": 3.0},
        )
    ):
        data = [[1.0, 2.0, 3.0]] * 4
        file.create_dataset(f"layers/dense/vars/{number}", data=data, dtype="f4", **options)
    file.create_dataset("layers/dense/vars/8", shape=(4, 3), dtype="f4")  # nothing is stored


def _types(file: Any) -> None:
    import h5py
    import numpy as np

    types: list[Any] = [
        "f2", ">f4", "f8", "c8", "i1", "u8", "?", "S3", "V2", "V7", h5py.string_dtype(),
        h5py.vlen_dtype("i4"), h5py.ref_dtype, h5py.enum_dtype({"a": 1}),
        np.dtype([("a", "f4"), ("b", "i2")]),
    ]  # fmt: skip
    for number, dtype in enumerate(types):
        file.create_dataset(f"layers/dense/vars/{number}", shape=(2,), dtype=dtype)
    file["layers/dense/vars/8"].attrs["dtype"] = "bfloat16"
    file["type"] = np.dtype("f4")


def _links(file: Any) -> None:
    import h5py

    _plain(file)
    file["layers/soft"] = h5py.SoftLink("/layers/dense")
    file["layers/outside"] = h5py.ExternalLink("other.h5", "/")
    file["layers/hard"] = file["layers/dense/vars"]
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource(".", "layers/dense/vars/1", (2,))
    file.create_virtual_dataset("layers/virtual", layout)


def _attributes(file: Any) -> None:
    import numpy as np

    for number in range(12):  # more than eight, so that they are stored in another way
        group = file.create_group(f"layers/dense_{number}/vars")
        group.attrs["name"] = np.bytes_(f"dense_{number}") if number % 2 else f"dense_{number}"
        array = group.create_dataset("0", data=np.zeros(2, "V2"))
        array.attrs["dtype"] = "bfloat16"
        for extra in range(number):
            array.attrs[f"more_{extra}"] = np.arange(extra)
