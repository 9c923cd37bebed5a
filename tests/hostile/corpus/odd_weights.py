"""Weights files of forms that Keras never writes, or with bytes changed where it hurts: row D."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from corpus.base import Corpus

_KERNEL = "layers/dense/vars/0"


def add_odd_weights(corpus: Corpus) -> None:
    """All of them."""

    def changed(name: str, row: str, verdict: str, fill: Any, **options: Any) -> None:
        buffer = io.BytesIO()
        sound = io.BytesIO(corpus.members["model.weights.h5"])
        with h5py.File(sound, "r") as old, h5py.File(buffer, "w", **options) as file:
            for each in old:
                old.copy(each, file)
            fill(file)
        corpus.weights(f"odd_h5_{name}", row, verdict, buffer.getvalue())

    for part in (_forms, _shapes, _names, _attributes):
        part(changed)
    _surgery(corpus)


def _put(file: Any, *args: Any, name: str = _KERNEL, **options: Any) -> None:
    if name in file:
        del file[name]
    file.create_dataset(name, *args, **options)


def _forms(changed: Callable[..., None]) -> None:
    ones = np.ones((4, 3), "f4")
    for name, options in {
        "v108": {"libver": ("v108", "v108")},
        "v110": {"libver": ("v110", "v110")},
        "v112": {"libver": ("v112", "v112")},
        "pages": {"fs_strategy": "page", "fs_persist": True},
        "fsm": {"fs_strategy": "fsm", "fs_persist": True},
        "tracked": {"track_order": True},
    }.items():
        # What h5py writes into memory with pages ends before the last of them.
        changed(name, "D8", "odd" if "fs_strategy" in options else "ok", lambda _: None, **options)
    changed("userblock_zip", "D8", "odd", lambda _: None, userblock_size=1024)
    for name, options in {
        "lzf": {"compression": "lzf"},
        "shuffled": {"compression": "gzip", "shuffle": True},
        "checked": {"fletcher32": True},
        "growing": {"maxshape": (None, None)},
        "one_by_one": {"chunks": (1, 1)},
        "larger_chunk": {"chunks": (64, 64), "maxshape": (None, None)},
        "scaled": {"scaleoffset": 3},
    }.items():
        verdict = "odd" if name == "scaled" else "ok"
        changed(name, "D8", verdict, lambda f, options=options: _put(f, data=ones, **options))

    def compact(file: Any) -> None:
        del file[_KERNEL]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((4, 3))
        h5py.h5d.create(file.id, _KERNEL.encode(), h5py.h5t.IEEE_F32LE, space, plist)

    changed("compact", "D8", "ok", compact)
    changed("nothing_stored", "D8", "odd", lambda f: _put(f, shape=(4, 3), dtype="f4"))
    fill = {"shape": (4, 3), "dtype": "f4", "chunks": (2, 3), "fillvalue": np.nan}
    changed("fill_value", "D8", "odd", lambda f: _put(f, **fill))
    holes = {"shape": (4000, 4000), "dtype": "f4", "chunks": (64, 64)}
    changed("holes", "D3", "odd", lambda f: _put(f, **holes))


def _shapes(changed: Callable[..., None]) -> None:
    for name, shape in {
        "rank_32": (1,) * 32,
        "zero_many": (0,) * 8,
        "zero_huge": (0, 1 << 40),
        "long": (1, 12),
        "turned": (3, 4),
        "scalar_like": (1,),
    }.items():
        changed(f"shape_{name}", "D3", "odd",
                lambda f, shape=shape: _put(f, shape=shape, dtype="f4"))  # fmt: skip
    types: dict[str, Any] = {
        "nested": np.dtype([("a", [("b", "f4", (3,))])]),
        "region": h5py.regionref_dtype,
        "ragged_text": h5py.vlen_dtype(h5py.string_dtype()),
        "fixed_utf8": h5py.string_dtype("utf-8", 8),
        "opaque_1": "V1",
        "opaque_2": "V2",
        "wide_float": np.longdouble,
        "wide_complex": "c16",
        "int128": "V16",
        "enum_odd": h5py.enum_dtype({"\x1b[31m": 1, "b": 2}, "i8"),
        "date": h5py.opaque_dtype("M8[ns]"),
    }
    for name, dtype in types.items():
        changed(f"type_{name}", "D4", "odd",
                lambda f, dtype=dtype: _put(f, shape=(4, 3), dtype=dtype))  # fmt: skip
    changed("named_type", "D4", "weights", lambda f: f["layers"].__setitem__("t", np.dtype("f4")))

    def own_type(file: Any) -> None:
        file["kind"] = np.dtype("f4")
        _put(file, shape=(4, 3), dtype=file["kind"])

    changed("shared_type", "D4", "weights", own_type)


def _names(changed: Callable[..., None]) -> None:
    for name, path in {
        "dot": "layers/dense/./vars/7",
        "backslash": "layers\\dense\\vars\\0",
        "unicode": "layers/\u202e/vars/0",
        "spaces": "layers/ /vars/ ",
        "number_long": "layers/dense/vars/" + "9" * 900,
        "vars_vars": "vars/vars/vars/0",
        "dunder": "__proto__/vars/0",
        "newline": "layers/a\nb/vars/0",
        "utf8_long": "layers/" + "é" * 500 + "/vars/0",
        "zero_padded": "layers/dense/vars/00",
        "minus": "layers/dense/vars/-1",
    }.items():
        changed(f"name_{name}", "D4", "odd", lambda f, path=path: _put(f, data=[1.0], name=path))

    def bytes_name(file: Any) -> None:
        space = h5py.h5s.create(h5py.h5s.SCALAR)
        h5py.h5d.create(file["layers"].id, b"\xff\xfe\x80", h5py.h5t.IEEE_F32LE, space)

    changed("name_bytes", "D4", "odd", bytes_name)

    def many(file: Any) -> None:
        for number in range(20_000):
            file.create_group(f"g{number}")

    changed("groups_20k", "D2", "odd", many, libver="latest")


def _attributes(changed: Callable[..., None]) -> None:
    def named(value: Any, dtype: Any = None) -> Callable[[Any], None]:
        def fill(file: Any) -> None:
            attributes = file["layers/dense/vars"].attrs
            del attributes["name"]
            attributes.create("name", value, dtype=dtype)

        return fill

    for name, fill in {
        "number": named(3),
        "list": named(["a", "b"], h5py.string_dtype()),
        "empty": named(h5py.Empty("S1")),
        "bytes": named(np.bytes_(b"\xff\xfe")),
        "nul": named(np.bytes_(b"a\0b")),
        "long": named("x" * 60_000),
        "compound": named(np.zeros(1, [("a", "f4")])),
        "other": named("dense_b"),
        "escape": named("\x1b]0;x\x07\u202e"),
    }.items():
        changed(f"attribute_{name}", "D4", "odd", fill)

    def reference(file: Any) -> None:
        file["layers/dense/vars"].attrs["name"] = file["layers"].ref
        file.attrs["root"] = file["optimizer"].ref

    def many(file: Any) -> None:
        for number in range(3000):
            file["layers/dense/vars"].attrs[f"a{number}"] = number

    def marked(file: Any) -> None:
        _put(file, data=np.zeros((4, 3), "V2"))
        file[_KERNEL].attrs["dtype"] = "os.system"

    changed("attribute_reference", "D4", "odd", reference)
    changed("attributes_3000", "D4", "odd", many, libver="latest")
    changed("mark_unknown", "D4", "odd", marked)


def _surgery(corpus: Corpus) -> None:
    """Single fields of the file's own structures, and pairs of bytes at random."""
    sound = corpus.members["model.weights.h5"]
    for signature in (b"TREE", b"HEAP", b"SNOD"):
        places = [at for at in range(len(sound)) if sound[at : at + 4] == signature]
        for number, at in enumerate(places[:3]):
            for offset, value in ((4, 0xFF), (6, 0xFFFF), (8, (1 << 64) - 1), (16, 1 << 40),
                                  (24, 8), (32, at)):  # fmt: skip
                data = bytearray(sound)
                form = {4: "<B", 6: "<H"}.get(offset, "<Q")
                struct.pack_into(form, data, at + offset, value)
                label = signature.decode().lower()
                corpus.weights(f"odd_h5_{label}_{number}_{offset}", "D7", "odd", bytes(data))
    for place in (8, 9, 10, 11, 12, 13, 14, 16, 18, 20, 24, 32, 40, 48, 56, 64, 72, 80):
        data = bytearray(sound)
        data[place] ^= 0xFF
        corpus.weights(f"odd_h5_head_{place}", "D7", "odd", bytes(data))
    chance = random.Random(17)
    for number in range(16):
        data = bytearray(sound)
        at = chance.randrange(96, len(data) - 8)
        data[at : at + 8] = chance.choice([bytes(8), b"\xff" * 8, chance.randbytes(8)])
        corpus.weights(f"odd_h5_eight_{number}", "D7", "odd", bytes(data))
