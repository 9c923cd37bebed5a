"""Weights files that are broken, hostile or odd: rows D1 to D8."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from corpus.base import Corpus

Fill = Callable[[Any], None]
_KERNEL = "layers/dense/vars/0"


def add_weights(corpus: Corpus) -> None:
    """All of them."""
    secret = corpus.folder / "secret.bin"
    secret.write_bytes(b"SECRET-OF-ANOTHER-FILE " * 4000)

    def changed(name: str, row: str, verdict: str, fill: Fill, **options: Any) -> None:
        corpus.weights(f"h5_{name}", row, verdict, _changed(corpus, fill, options))

    for part in (_links, _structure, _sizes, _types, _extra, _sound):
        part(changed, str(secret), str(corpus.folder / "fifo"))
    _bytes(corpus)


def _changed(corpus: Corpus, fill: Fill, options: dict[str, Any]) -> bytes:
    """The base weights after `fill`; `options` for the new file."""
    buffer = io.BytesIO()
    sound = io.BytesIO(corpus.members["model.weights.h5"])
    with h5py.File(sound, "r") as old, h5py.File(buffer, "w", **options) as file:
        for name in old:
            old.copy(name, file)
        fill(file)
    return buffer.getvalue()


def _put(file: Any, name: str, *args: Any, **options: Any) -> None:
    if name in file:
        del file[name]
    file.create_dataset(name, *args, **options)


def _links(changed: Any, secret: str, fifo: str) -> None:
    def link(target: Any, name: str = _KERNEL) -> Fill:
        def fill(file: Any) -> None:
            if name in file:
                del file[name]
            file[name] = target(file) if callable(target) else target

        return fill

    def external(file: Any) -> None:
        del file[_KERNEL]
        file.create_dataset(_KERNEL, (4, 3), "f4", external=[(secret, 0, 48)])

    def virtual(file: Any) -> None:
        del file[_KERNEL]
        layout = h5py.VirtualLayout((4, 3), "f4")
        layout[:] = h5py.VirtualSource(secret, "x", (4, 3))
        file.create_virtual_dataset(_KERNEL, layout)

    def virtual_self(file: Any) -> None:
        layout = h5py.VirtualLayout((4, 3), "f4")
        layout[:] = h5py.VirtualSource(".", _KERNEL, (4, 3))
        file.create_virtual_dataset("layers/dense/vars/9", layout)

    def loop(file: Any) -> None:
        file["layers/a"] = h5py.SoftLink("/layers/b")
        file["layers/b"] = h5py.SoftLink("/layers/a")

    def cycle(file: Any) -> None:
        file["layers/dense/again"] = file["layers"]

    changed("external_link", "D1", "weights", link(h5py.ExternalLink(secret, "/x")))
    changed("external_link_fifo", "D1", "weights", link(h5py.ExternalLink(fifo, "/x")))
    group = link(h5py.ExternalLink("/dev/zero", "/"), "layers/dense")
    changed("external_link_group", "D1", "weights", group)
    changed("external_link_optimizer", "D1", "weights",
            link(h5py.ExternalLink(secret, "/"), "optimizer/vars"))  # fmt: skip
    changed("external_storage", "D1", "weights", external)
    changed("virtual", "D1", "weights", virtual)
    changed("virtual_self", "D1", "weights", virtual_self)
    changed("soft_link", "D1", "weights", link(h5py.SoftLink("/optimizer/vars/1")))
    changed("soft_dangling", "D1", "weights", link(h5py.SoftLink("/nobody")))
    changed("soft_loop", "D1", "weights", loop)
    changed("hard_cycle", "D2", "weights", cycle)
    changed("hard_twice", "D2", "weights", link(lambda file: file["layers/dense_1/vars/0"]))


def _structure(changed: Any, *_: str) -> None:
    changed("deep", "D2", "weights", lambda f: f.create_group("layers/" + "/".join("g" * 400)))

    def many(file: Any) -> None:
        for number in range(3000):
            file.create_group(f"layers/g{number}")

    changed("many_groups", "D2", "odd", many)

    def group_for_array(file: Any) -> None:
        del file[_KERNEL]
        file.create_group(_KERNEL)

    def array_for_group(file: Any) -> None:
        del file["layers/dense"]
        file["layers/dense"] = np.ones(3, "f4")

    changed("group_for_array", "D4", "odd", group_for_array)
    changed("array_for_group", "D4", "odd", array_for_group)
    changed("committed_type", "D4", "weights", lambda f: f.__setitem__("t", np.dtype("f4")))
    changed("long_name", "D4", "weights", lambda f: f.create_group("n" * 5000))
    changed("escape_name", "D4", "odd", lambda f: f.create_group("layers/\x1b[2J\u202e"))
    escape = {"data": np.ones(3, "f4")}
    changed("escape_array", "D4", "odd",
            lambda f: f.create_dataset("layers/dense/vars/\x1b[31m\n", **escape))  # fmt: skip

    def attribute(file: Any) -> None:
        file["layers/dense/vars"].attrs["name"] = "\x1b]0;x\x07" + "y" * 4000

    changed("escape_attribute", "D4", "odd", attribute)


def _sizes(changed: Any, *_: str) -> None:
    def chunk_bomb(file: Any) -> None:
        zeros = np.zeros((2000, 10_000), "f4")
        _put(file, _KERNEL, data=zeros, chunks=zeros.shape, compression="gzip")

    for name, options in {
        "shape_huge": {"shape": (1 << 40,)},
        "shape_gib": {"shape": (1 << 30,)},
        "shape_chunked": {"shape": (1 << 40,), "chunks": (1024,), "compression": "gzip"},
        "shape_overflow": {"shape": (1 << 31, 1 << 31), "chunks": (16, 16)},
    }.items():
        changed(name, "D3", "weights",
                lambda f, options=options: _put(f, _KERNEL, dtype="f4", **options))  # fmt: skip
    changed("gzip_chunk_bomb", "D3", "odd", chunk_bomb)
    changed("shape_other", "D3", "odd", lambda f: _put(f, _KERNEL, data=np.ones((5, 5), "f4")))
    changed("shape_scalar", "D3", "odd", lambda f: _put(f, _KERNEL, data=np.float32(1)))
    changed("shape_empty", "D3", "odd", lambda f: _put(f, _KERNEL, data=np.ones((0, 3), "f4")))


def _types(changed: Any, *_: str) -> None:
    for name, dtype, verdict in (
        ("text", h5py.string_dtype(), "weights"),
        ("bytes", "S4", "weights"),
        ("compound", np.dtype([("a", "f4")]), "weights"),
        ("ragged", h5py.vlen_dtype("f4"), "weights"),
        ("reference", h5py.ref_dtype, "weights"),
        ("opaque", "V16", "weights"),
        ("array", np.dtype(("f4", (3,))), "weights"),
        ("enum", h5py.enum_dtype({"A": 1}), "odd"),
        ("bool", "?", "odd"),
        ("int", "i8", "odd"),
        ("double", "f8", "odd"),
        ("complex", "c8", "odd"),
        ("half", "f2", "odd"),
        ("be", ">f4", "odd"),
    ):
        changed(f"dtype_{name}", "D4", verdict,
                lambda f, dtype=dtype: _put(f, _KERNEL, shape=(4, 3), dtype=dtype))  # fmt: skip
    changed("null_space", "D4", "weights", lambda f: _put(f, _KERNEL, data=h5py.Empty("f4")))

    def unknown_filter(file: Any) -> None:
        del file[_KERNEL]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4, 3))
        plist.set_filter(32999, h5py.h5z.FLAG_OPTIONAL, (1,))
        space = h5py.h5s.create_simple((4, 3))
        h5py.h5d.create(file.id, _KERNEL.encode(), h5py.h5t.IEEE_F32LE, space, plist)

    changed("filter_unknown", "D6", "weights", unknown_filter)


def _extra(changed: Any, *_: str) -> None:
    ones = np.ones((2, 2), "f4")
    changed("missing_bias", "D5", "odd", lambda f: f.__delitem__("layers/dense/vars/1"))
    changed("missing_layer", "D5", "odd", lambda f: f.__delitem__("layers/dense_1"))
    changed("missing_all", "D5", "odd", lambda f: f.__delitem__("layers"))
    changed("extra_variable", "D5", "odd", lambda f: _put(f, "layers/dense/vars/2", data=ones))
    changed("extra_layer", "H10", "odd", lambda f: _put(f, "layers/spare/vars/0", data=ones))
    changed("no_optimizer", "D5", "odd", lambda f: f.__delitem__("optimizer"))
    changed("optimizer_cut", "D5", "odd", lambda f: f.__delitem__("optimizer/vars/3"))
    rate = "optimizer/vars/1"
    changed("rate_inf", "D8", "odd", lambda f: _put(f, rate, data=np.float32("-inf")))
    changed("rate_nan", "D8", "odd", lambda f: _put(f, rate, data=np.float32("nan")))
    changed("rate_vector", "D5", "odd", lambda f: _put(f, rate, data=ones))
    changed("rate_integer", "D5", "odd", lambda f: _put(f, rate, data=np.int64(1)))
    changed("rate_double", "D8", "odd", lambda f: _put(f, rate, data=np.float64(0.01)))


def _sound(changed: Any, *_: str) -> None:
    def filled(value: float) -> Fill:
        return lambda f: _put(f, _KERNEL, data=np.full((4, 3), value, "f4"))

    changed("nan", "D8", "ok", filled(np.nan))
    changed("inf", "D8", "ok", filled(np.inf))
    changed("gzip", "D8", "ok",
            lambda f: _put(f, _KERNEL, data=np.ones((4, 3), "f4"), compression="gzip"))  # fmt: skip
    changed("ok_same", "D8", "ok", lambda _: None)
    changed("latest", "D8", "ok", lambda _: None, libver="latest")
    changed("userblock", "D8", "odd", lambda _: None, userblock_size=512)

    def bfloat16(file: Any) -> None:
        _put(file, _KERNEL, data=np.zeros((4, 3), "V2"))
        file[_KERNEL].attrs["dtype"] = "bfloat16"

    changed("bfloat16", "D8", "ok", bfloat16)


def _bytes(corpus: Corpus) -> None:
    sound = corpus.members["model.weights.h5"]
    for name, data in {
        "empty": b"",
        "text": b"no weights",
        "zip": corpus.base,
        "signature": sound[:8],
        "half": sound[: len(sound) // 2],
        "cut": sound[:-8],
        "superblock": sound[:8] + b"\x09" + sound[9:],
        "end_lie": sound[:40] + struct.pack("<Q", 1 << 60) + sound[48:],
        "root_lie": sound[:64] + struct.pack("<Q", 1 << 60) + sound[72:],
        "nulls": bytes(4096),
    }.items():
        corpus.weights(f"h5_bytes_{name}", "D7", "weights", data)
    chance = random.Random(5)
    for number in range(12):
        damaged = bytearray(sound)
        for _ in range(1 + number):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        corpus.weights(f"h5_random_{number}", "D7", "odd", bytes(damaged))
