"""Files that are no archive, or one that lies: rows A1 to A11."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
import zlib

from corpus.base import Corpus, zipped

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"


def add_zips(corpus: Corpus) -> None:
    """All of them."""
    for part in (_no_zip, _cut, _flipped, _missing, _twice, _names, _kinds, _unsupported):
        part(corpus)
    _lies(corpus)
    _zip64(corpus)
    _bombs(corpus)
    _extras(corpus)


def _no_zip(corpus: Corpus) -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("config.json"), io.BytesIO())
    for name, data in {
        "not_zip_text": b"hello, I am a model\n",
        "not_zip_lfs": LFS,
        "not_zip_hdf5": corpus.members["model.weights.h5"],
        "not_zip_gzip": gzip.compress(b"model"),
        "not_zip_html": b"<!DOCTYPE html><html><body>404</body></html>",
        "not_zip_json": corpus.members["config.json"],
        "not_zip_pickle": b"\x80\x04]\x94.",
        "not_zip_tar": tar.getvalue(),
        "not_zip_png": b"\x89PNG\r\n\x1a\n" + bytes(40),
        "not_zip_elf": b"\x7fELF" + bytes(60),
        "not_zip_escape": b"\x1b]0;owned\x07\x1b[2J not a model",
        "empty": b"",
        "nulls": bytes(4096),
        "end_alone": b"PK\x05\x06" + bytes(18),
        "signature_alone": b"PK\x03\x04",
    }.items():
        corpus.model(name, "A1", "refused", data)


def _cut(corpus: Corpus) -> None:
    base = corpus.base
    directory = base.index(b"PK\x01\x02")
    for name, size in {
        "half": len(base) // 2,
        "tenth": len(base) // 10,
        "one_byte": len(base) - 1,
        "no_end": len(base) - 22,
        "no_directory": directory,
        "in_directory": directory + 30,
    }.items():
        corpus.model(f"trunc_{name}", "A2", "refused", base[:size])
    corpus.model("trunc_front", "A2", "refused", base[100:])
    partial = corpus.zip({"model.weights.h5": None})
    corpus.model("trunc_partial_save", "A4", "odd", partial)


def _flipped(corpus: Corpus) -> None:
    for name, member in {
        "config": "config.json",
        "weights": "model.weights.h5",
        "metadata": "metadata.json",
    }.items():
        data = corpus.members[member]
        whole = bytearray(corpus.base)
        at = whole.index(data[:64] if member != "metadata.json" else data) + len(data) // 2
        whole[at] ^= 0x10
        corpus.model(f"crc_{name}", "A3", "refused", bytes(whole))
    for name, marker in {"local": b"PK\x03\x04", "central": b"PK\x01\x02"}.items():
        whole = bytearray(corpus.base)
        whole[whole.index(marker) + (14 if name == "local" else 16)] ^= 0xFF
        corpus.model(f"crc_field_{name}", "A3", "refused", bytes(whole))
    deflated = bytearray(corpus.zip({}, zipfile.ZIP_DEFLATED))
    at = deflated.rindex(b"model.weights.h5", 0, deflated.index(b"PK\x01\x02")) + 200
    deflated[at] ^= 0x55
    corpus.model("crc_deflated", "A3", "refused", bytes(deflated))
    asset = corpus.zip({"assets/words.txt": b"one two three"}).replace(b"one two", b"one twO", 1)
    corpus.model("crc_asset", "A3", "refused", asset)


def _missing(corpus: Corpus) -> None:
    corpus.model("no_config", "A4", "refused", corpus.zip({"config.json": None}))
    corpus.model("no_weights", "A4", "odd", corpus.zip({"model.weights.h5": None}))
    corpus.model("no_metadata", "A4", "ok", corpus.zip({"metadata.json": None}))
    corpus.model("no_members", "A4", "refused", zipped([]))
    inside = [(f"model/{name}", data) for name, data in corpus.members.items()]
    corpus.model("nested_dir", "A4", "refused", zipped(inside))
    upper = [(name.upper(), data) for name, data in corpus.members.items()]
    corpus.model("case_names", "A4", "refused", zipped(upper))
    corpus.model("npz_weights", "A4", "odd", corpus.zip({"model.weights.npz": b"PK\x03\x04"}))
    corpus.model("empty_config", "A4", "refused", corpus.zip({"config.json": b""}))
    corpus.model("empty_metadata", "A4", "refused", corpus.zip({"metadata.json": b""}))
    big = b'{"keras_version": "3.15.1", "x": "' + b"x" * 70_000 + b'"}'
    corpus.model("metadata_large", "A4", "refused", corpus.zip({"metadata.json": big}))


def _twice(corpus: Corpus) -> None:
    usual = list(corpus.members.items())
    other = b'{"class_name": "Sequential", "config": {"layers": []}}'
    for name, member in {
        "config": "config.json",
        "case": "Config.json",
        "weights": "model.weights.h5",
        "metadata": "METADATA.JSON",
        "folder": "config.json/inner",
    }.items():
        corpus.model(f"dup_{name}", "A5", "refused", zipped([*usual, (member, other)]))
    swapped = zipped([*usual, ("config.json@.bak", other)]).replace(b"json@.bak", b"json\0.bak")
    corpus.model("dup_nul", "A5", "refused", swapped)
    both = [("assets/é", b"1"), ("assets/é", b"2")]
    corpus.model("dup_unicode_forms", "A5", "refused", zipped([*usual, *both]))


def _names(corpus: Corpus) -> None:
    for name, member in {
        "parent": "../CANARY_parent",
        "parent_deep": "assets/../../CANARY_deep",
        "absolute": "/tmp/CANARY_absolute",
        "drive": "C:/CANARY_drive",
        "unc": "//host/share/CANARY_unc",
        "backslash": "assets\\..\\..\\CANARY_backslash",
        "dot": "./CANARY_dot",
        "double_slash": "assets//CANARY_double",
        "escape": "assets/\x1b[2Jred",
        "newline": "assets/a\nb",
        "c1": "assets/\x9b31mred",
        "long": "a" * 300,
        "dots": "..",
    }.items():
        data = zipped([*corpus.members.items(), (member, b"canary")])
        corpus.model(f"name_{name}", "A6", "refused", data)
    empty = zipped([*corpus.members.items(), ("X", b"")])
    for marker, offset in ((b"PK\x03\x04", 26), (b"PK\x01\x02", 28)):
        at = empty.rindex(marker)
        size = 30 if offset == 26 else 46
        head = bytearray(empty[at : at + size])
        struct.pack_into("<H", head, offset, 0)
        empty = empty[:at] + bytes(head) + empty[at + size + 1 :]
    corpus.model("name_empty", "A6", "refused", empty)
    odd = zipped([*corpus.members.items(), ("assets/éé", b"")]).replace("é".encode(), b"\xff\xfe")
    corpus.model("name_undecodable", "A6", "refused", odd)


def _kinds(corpus: Corpus) -> None:
    for name, kind, verdict in (
        ("symlink_member", stat.S_IFLNK, "refused"),
        ("device_member", stat.S_IFBLK, "refused"),
        ("fifo_member", stat.S_IFIFO, "refused"),
        ("socket_member", stat.S_IFSOCK, "refused"),
        ("asset_exec", stat.S_IFREG | 0o6755, "ok"),
    ):
        info = zipfile.ZipInfo("assets/thing")
        info.external_attr = (kind | 0o777) << 16
        info.create_system = 3
        data = zipped([*corpus.members.items(), (info, b"/etc/passwd")])
        corpus.model(name, "A7", verdict, data)
    info = zipfile.ZipInfo("config.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    rest = [(n, d) for n, d in corpus.members.items() if n != "config.json"]
    corpus.model("symlink_config", "A7", "refused", zipped([*rest, (info, b"/etc/passwd")]))


def _patched(data: bytes, local: dict[int, int], central: dict[int, int], form: str) -> bytes:
    whole = bytearray(data)
    for marker, changes in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        at = whole.index(marker)
        for offset, value in changes.items():
            struct.pack_into(form, whole, at + offset, value)
    return bytes(whole)


def _unsupported(corpus: Corpus) -> None:
    base = corpus.base
    for name, local, central in (
        ("encrypted_flag", {6: 1}, {8: 1}),
        ("encrypted_strong", {6: 0x41}, {8: 0x41}),
        ("encrypted_headers", {6: 0x2000}, {8: 0x2000}),
        ("patched_data", {6: 0x20}, {8: 0x20}),
        ("method_99", {8: 99}, {10: 99}),
        ("method_bzip2", {8: 12}, {10: 12}),
        ("method_lzma", {8: 14}, {10: 14}),
        ("ver_needed", {4: 99}, {6: 99}),
    ):
        corpus.model(name, "A8", "refused", _patched(base, local, central, "<H"))


def _lies(corpus: Corpus) -> None:
    base = corpus.base
    for name, local, central, form in (
        ("size_lie_central", {}, {24: 10**6}, "<I"),
        ("size_lie_local", {22: 10**6}, {}, "<I"),
        ("size_lie_both", {22: 3_900_000_000}, {24: 3_900_000_000}, "<I"),
        ("stored_lie", {18: 5}, {20: 5}, "<I"),
        ("offset_lie", {}, {42: 7}, "<I"),
        ("offset_far_lie", {}, {42: 0xFFFFFFF0}, "<I"),
        ("method_lie", {8: 8}, {}, "<H"),
        ("method_both_lie", {8: 8}, {10: 8}, "<H"),
        ("name_length_lie", {26: 5}, {}, "<H"),
        ("extra_length_lie", {28: 0xFFFF}, {}, "<H"),
        ("disk_lie", {}, {34: 3}, "<H"),
    ):
        corpus.model(name, "A9", "refused", _patched(base, local, central, form))
    end = base.rindex(b"PK\x05\x06")
    for name, offset, value, form in (
        ("count_less", 8, 0x00020002, "<I"),
        ("count_more", 8, 0x00090009, "<I"),
        ("count_differs", 8, 1, "<H"),
        ("multi_disk", 4, 1, "<H"),
        ("directory_size_lie", 12, 10, "<I"),
        ("directory_offset_lie", 16, 10, "<I"),
        ("comment_length_lie", 20, 500, "<H"),
    ):
        whole = bytearray(base)
        struct.pack_into(form, whole, end + offset, value)
        corpus.model(name, "A9", "refused", bytes(whole))
    corpus.model("sfx_prefix", "A9", "refused", b"#!/bin/sh\ntouch CANARY_sfx\n" + base)
    corpus.model("trailing_bytes", "A9", "refused", base + b"more")
    corpus.model("two_zips", "A9", "refused", base + base)
    inner = base[end:]
    corpus.model("eocd_in_comment", "A9", "refused", zipped([], comment=inner) + base[:40])
    corpus.model("comment_end", "A9", "refused", base[:-2] + struct.pack("<H", 22) + inner)
    overlap = bytearray(base)
    second = overlap.index(b"PK\x01\x02", overlap.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", overlap, second + 42, 0)
    corpus.model("overlap", "A9", "refused", bytes(overlap))


def _zip64(corpus: Corpus) -> None:
    def extended(sizes: tuple[int, int], extra: bytes | None = None) -> bytes:
        data = b'{"keras_version": "3.15.1"}'
        wide = struct.pack("<HHQQ", 1, 16, *sizes) if extra is None else extra
        crc, most = zlib.crc32(data), 0xFFFFFFFF
        name = b"metadata.json"
        local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 45, 0, 0, 0, 33, crc, most, most,
                            len(name), len(wide)) + name + wide + data  # fmt: skip
        central = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 45, 45, 0, 0, 0, 33, crc,
                              most, most, len(name), len(wide), 0, 0, 0, 0, 0) + name + wide  # fmt: skip  # noqa: E501
        end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)
        return local + central + end

    corpus.model("zip64_huge_lie", "A9", "refused", extended((1 << 60, 1 << 60)))
    corpus.model("zip64_short", "A9", "refused", extended((0, 0), struct.pack("<HHQ", 1, 8, 27)))
    corpus.model("zip64_missing", "A9", "refused", extended((0, 0), b""))
    corpus.model("zip64_twice", "A9", "refused",
                 extended((0, 0), 2 * struct.pack("<HHQQ", 1, 16, 27, 27)))  # fmt: skip
    base = corpus.base
    at = base.rindex(b"PK\x05\x06")
    lie = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1 << 50, 1 << 50, 0, 0)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    corpus.model("zip64_end_lie", "A9", "refused", base[:at] + lie + locator + base[at:])


def _bombs(corpus: Corpus) -> None:
    ninety = bytes(90 << 20)
    for name, member in {
        "config": "config.json",
        "weights": "model.weights.h5",
        "asset": "assets/zeros",
    }.items():
        data = corpus.zip({member: ninety}, zipfile.ZIP_DEFLATED)
        corpus.model(f"bomb_{name}", "A10", "refused", data)
    many: dict[str, bytes | None] = {f"assets/{n}": bytes(9 << 20) for n in range(20)}
    corpus.model("bomb_sum", "A10", "refused", corpus.zip(many, zipfile.ZIP_DEFLATED))
    flood: dict[str, bytes | None] = {f"assets/{n}": b"" for n in range(10_001)}
    corpus.model("bomb_members", "A10", "refused", corpus.zip(flood))
    spaces = b" " * (40 << 20) + b"{}"
    bomb = corpus.zip({"config.json": spaces}, zipfile.ZIP_DEFLATED)
    corpus.model("bomb_spaces", "A10", "refused", bomb)


def _extras(corpus: Corpus) -> None:
    extra = {"assets/words.txt": b"a\nb\n", "notes/unknown.bin": os.urandom(64), "assets/": b""}
    corpus.model("asset_unknown", "A11", "ok", corpus.zip({**extra}))
    corpus.model("ok_comment", "A11", "ok", zipped([*corpus.members.items()], comment=b"a note"))
    corpus.model("ok_deflated", "A11", "ok", corpus.zip({}, zipfile.ZIP_DEFLATED))
    corpus.model("ok_base", "A11", "ok", corpus.base)
    corpus.model("asset_binary_vocabulary", "E1", "odd", corpus.zip({"assets/dense_a": b"\xff\0"}))
    corpus.model("asset_pickle", "E1", "ok", corpus.zip({"assets/a.pkl": b"\x80\x04c\nos\n."}))
    script = b"import os\nopen('CANARY_asset', 'w')\n"
    corpus.model("asset_script", "E1", "ok", corpus.zip({"assets/__init__.py": script}))
    clash = [*corpus.members.items(), ("assets/a", b"1"), ("assets/A", b"2")]
    corpus.model("asset_clash", "E1", "refused", zipped(clash))
