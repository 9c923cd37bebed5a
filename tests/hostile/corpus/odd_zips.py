"""Archives that two readers could read in two ways, and other odd containers: rows A1 to A11.

Each is built record by record, so that the local headers, the directory and its end can lie
apart from each other.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, field, replace

from corpus.base import Corpus

UTF8 = 0x800
DESCRIPTOR = 0x8


@dataclass(frozen=True)
class Entry:
    """A member, as its local header and its entry of the directory tell of it.

    Attributes:
        local: what the local header says instead.
        central: what the directory says instead.
        after: bytes after the content, such as a data descriptor.
    """

    name: bytes
    data: bytes
    flags: int = 0
    method: int = 0
    extra: bytes = b""
    external: int = 0o600 << 16
    needed: int = 20
    comment: bytes = b""
    local: dict[str, object] = field(default_factory=dict)
    central: dict[str, object] = field(default_factory=dict)
    after: bytes = b""

    def stored(self) -> bytes:
        """The content as it is written."""
        if self.method != 8:
            return self.data
        packer = zlib.compressobj(9, wbits=-15)
        return packer.compress(self.data) + packer.flush()

    def facts(self, offset: int, where: dict[str, object]) -> dict[str, object]:
        """Every field, those of `where` in place of the true ones."""
        told = {"name": self.name, "flags": self.flags, "method": self.method, "extra": self.extra,
                "needed": self.needed, "crc": zlib.crc32(self.data), "size": len(self.data),
                "stored": len(self.stored()), "offset": offset, "disk": 0,
                "external": self.external}  # fmt: skip
        return {**told, **where}


def built(entries: list[Entry], comment: bytes = b"", end: dict[str, int] | None = None) -> bytes:
    """The zip file of these entries."""
    body, directory = bytearray(), bytearray()
    for entry in entries:
        told = entry.facts(len(body), entry.central)
        directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 0x314, told["needed"], told["flags"],
            told["method"], 0, 33, told["crc"], told["stored"], told["size"], len(told["name"]),
            len(told["extra"]), len(entry.comment), told["disk"], 0, told["external"],
            told["offset"],
        ) + told["name"] + told["extra"] + entry.comment  # fmt: skip
        told = entry.facts(len(body), entry.local)
        body += struct.pack(
            "<4sHHHHHIIIHH", b"PK\x03\x04", told["needed"], told["flags"], told["method"], 0, 33,
            told["crc"], told["stored"], told["size"], len(told["name"]), len(told["extra"]),
        ) + told["name"] + told["extra"] + entry.stored() + entry.after  # fmt: skip
    facts = {"count": len(entries), "size": len(directory), "offset": len(body), **(end or {})}
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, facts["count"], facts["count"],
                       facts["size"], facts["offset"], len(comment))  # fmt: skip
    return bytes(body + directory + tail + comment)


def add_odd_zips(corpus: Corpus) -> None:
    """All of them."""
    usual = [Entry(name.encode(), data) for name, data in corpus.members.items()]
    for part in (_extra_fields, _descriptors, _headers, _names, _placing, _contents):
        part(corpus, usual)


def _with(usual: list[Entry], name: str, **changes: object) -> list[Entry]:
    return [replace(e, **changes) if e.name == name.encode() else e for e in usual]


def _extra_fields(corpus: Corpus, usual: list[Entry]) -> None:
    def wide(*numbers: int) -> bytes:
        return struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers)

    def path(name: bytes) -> bytes:
        data = struct.pack("<BI", 1, zlib.crc32(b"config.json")) + name
        return struct.pack("<HH", 0x7075, len(data)) + data

    size = len(corpus.members["config.json"])
    aes = struct.pack("<HHHHBH", 0x9901, 7, 2, 0x4541, 3, 0)
    for name, changes, verdict in (
        ("zip64_needless_true", {"extra": wide(size, size)}, "ok"),
        ("zip64_needless_lie", {"extra": wide(size + 1, 1 << 40)}, "refused"),
        ("zip64_local_lie", {"local": {"extra": wide(1, 1)}}, "refused"),
        ("zip64_offset_lie", {"central": {"extra": wide(7), "offset": 0xFFFFFFFF}}, "refused"),
        ("zip64_sizes_at_most", {"extra": wide(size, size), "needed": 45, "local": {
            "size": 0xFFFFFFFF, "stored": 0xFFFFFFFF}, "central": {
            "size": 0xFFFFFFFF, "stored": 0xFFFFFFFF}}, "ok"),
        ("unicode_path_lie", {"extra": path(b"other.json")}, "refused"),
        ("unicode_path_local_lie", {"local": {"extra": path(b"../CANARY")}}, "refused"),
        ("unicode_path_true", {"extra": path(b"config.json")}, "ok"),
        ("aes_local_only", {"local": {"extra": aes}}, "refused"),
        ("aes", {"extra": aes, "method": 99}, "refused"),
        ("extra_cut", {"extra": b"\x01\0\xff\xff"}, "refused"),
        ("extra_padding", {"local": {"extra": bytes(3)}}, "ok"),
        ("extra_64k", {"extra": struct.pack("<HH", 0xCAFE, 60_000) + bytes(60_000)}, "ok"),
        ("unix_link", {"extra": struct.pack("<HHIIHH", 0x756E, 12, 0, 0xA1FF, 11, 0)}, "odd"),
        ("comment_64k", {"comment": b"\x1b[2J" * 15_000}, "ok"),
    ):  # fmt: skip
        corpus.model(f"odd_{name}", "A9", verdict, built(_with(usual, "config.json", **changes)))


def _descriptors(corpus: Corpus, usual: list[Entry]) -> None:
    data = corpus.members["config.json"]
    crc, size = zlib.crc32(data), len(data)
    unknown = {"crc": 0, "size": 0, "stored": 0}
    for name, after, verdict in (
        ("true", struct.pack("<4sIII", b"PK\x07\x08", crc, size, size), "ok"),
        ("no_signature", struct.pack("<III", crc, size, size), "ok"),
        ("wide", struct.pack("<4sIQQ", b"PK\x07\x08", crc, size, size), "ok"),
        ("lie", struct.pack("<4sIII", b"PK\x07\x08", crc, size + 1, size), "refused"),
        ("crc_lie", struct.pack("<4sIII", b"PK\x07\x08", crc ^ 1, size, size), "refused"),
        ("missing", b"", "refused"),
        ("twice", 2 * struct.pack("<4sIII", b"PK\x07\x08", crc, size, size), "refused"),
        ("cut", struct.pack("<4sII", b"PK\x07\x08", crc, size), "refused"),
    ):
        changes = {"flags": DESCRIPTOR, "local": unknown, "after": after}
        archive = built(_with(usual, "config.json", **changes))
        corpus.model(f"odd_descriptor_{name}", "A9", verdict, archive)
    hidden = {"after": struct.pack("<4sIII", b"PK\x07\x08", crc, size, size)}
    corpus.model("odd_descriptor_no_flag", "A9", "refused",
                 built(_with(usual, "config.json", **hidden)))  # fmt: skip


def _headers(corpus: Corpus, usual: list[Entry]) -> None:
    for name, changes in {
        "name_differs": {"local": {"name": b"config.jsoN"}},
        "flag_differs": {"local": {"flags": 1}},
        "utf8_differs": {"local": {"flags": UTF8}},
        "crc_differs": {"local": {"crc": 1}},
        "stored_differs": {"local": {"stored": 3}},
        "method_differs": {"central": {"method": 8}},
        "disk": {"central": {"disk": 0xFFFF}},
        "link": {"external": 0o120777 << 16},
        "directory_mode": {"external": (0o040777 << 16) | 0x10},
        "inflate_needs_more": {"method": 8, "central": {"stored": 10}, "local": {"stored": 10}},
        "method_deflate64": {"method": 9},
        "method_zstd": {"method": 93},
        "method_imploded": {"method": 6},
        "central_encrypted": {"flags": 0x1, "local": {"flags": 0}},
        "masked": {"flags": 0x2000},
    }.items():
        archive = built(_with(usual, "config.json", **changes))
        corpus.model(f"odd_header_{name}", "A9", "refused", archive)


def _names(corpus: Corpus, usual: list[Entry]) -> None:
    for name, members, verdict in (
        ("kelvin", ["assets/K", "assets/\u212a"], "refused"),
        ("long_s", ["assets/s", "assets/\u017f"], "refused"),
        ("sharp_s", ["assets/ss", "assets/ß"], "refused"),
        ("decomposed", ["assets/é", "assets/é"], "refused"),
        ("hangul", ["assets/가", "assets/가"], "refused"),
        ("file_and_folder", ["assets/a", "assets/a/b"], "refused"),
        ("folder_twice", ["assets/a/", "assets/a"], "refused"),
        ("config_folder", ["config.json/"], "refused"),
        ("bidi", ["assets/a\u202eb"], "odd"),
        ("zero_width", ["assets/a", "assets/a\u200b"], "odd"),
        ("trailing_dot", ["config.json."], "odd"),
        ("trailing_space", ["config.json "], "odd"),
        ("stream", ["config.json::$DATA"], "odd"),
        ("device", ["assets/CON", "assets/nul.txt"], "odd"),
        ("home", ["~/.bashrc"], "odd"),
        ("variable", ["assets/$HOME", "assets/%PATH%"], "odd"),
        ("dash", ["-rf"], "odd"),
        ("deep", ["a/" * 120 + "b"], "odd"),
        ("surrogates", ["assets/\ud800"], "refused"),
        ("nul", ["assets/a\0b"], "refused"),
        ("dots_folder", ["assets/..../x", "assets/...", "..."], "odd"),
        ("encoded_dots", ["assets/%2e%2e/%2e%2e/x"], "odd"),
        ("wide_slash", ["assets/..\uff0f..\uff0fx", "assets/..\u2215x"], "odd"),
        ("hidden_weights", ["Model.weights.h5"], "refused"),
    ):
        more = [Entry(each.encode("utf-8", "surrogatepass"), b"x" * (not each.endswith("/")), UTF8)
                for each in members]  # fmt: skip
        corpus.model(f"odd_member_{name}", "A6", verdict, built([*usual, *more]))
    latin = Entry(b"assets/\x80\xff\xe9", b"x")  # no flag: code page 437
    corpus.model("odd_member_cp437", "A6", "odd", built([*usual, latin]))
    twins = [Entry(b"assets/\x82", b"x"), Entry("assets/é".encode(), b"x", UTF8)]
    corpus.model("odd_member_two_charsets", "A5", "refused", built([*usual, *twins]))


def _placing(corpus: Corpus, usual: list[Entry]) -> None:
    whole = built(usual)
    inner = Entry(b"assets/inner.zip", whole)
    corpus.model("odd_nested", "A9", "ok", built([*usual, inner]))
    last = Entry(b"assets/inner.zip", whole[:-2] + struct.pack("<H", 400))
    corpus.model("odd_nested_longer_comment", "A9", "odd", built([*usual, last]))
    corpus.model("odd_nested_in_comment", "A9", "refused", built(usual, whole[:30_000]))
    corpus.model("odd_directory_first", "A9", "refused", built(usual, end={"offset": 0}))
    corpus.model("odd_count_zero", "A9", "refused", built(usual, end={"count": 0}))
    corpus.model("odd_count_most", "A9", "refused", built(usual, end={"count": 0xFFFF}))
    corpus.model("odd_size_most", "A9", "refused", built(usual, end={"size": 0xFFFFFFFF}))
    corpus.model("odd_offset_most", "A9", "refused", built(usual, end={"offset": 0xFFFFFFFF}))
    shared = {"central": {"offset": 0}}
    corpus.model("odd_one_for_all", "A9", "refused",
                 built([usual[0], *[replace(each, **shared) for each in usual[1:]]]))  # fmt: skip
    corpus.model("odd_reordered", "A9", "ok", built(list(reversed(usual))))
    gap = [replace(usual[0], after=b"hidden" * 9), *usual[1:]]
    corpus.model("odd_gap", "A9", "refused", built(gap))
    hidden = replace(usual[0], name=b"hidden", after=b"")
    local = built([hidden])[: 30 + 6 + len(hidden.data)]
    corpus.model("odd_hidden_member", "A9", "refused",
                 built([replace(usual[0], after=local), *usual[1:]]))  # fmt: skip
    for name, size in {
        "local_header": 15,
        "name": 33,
        "first_content": 60,
        "between": 30 + len(usual[0].name) + len(usual[0].data),
        "end_record": len(whole) - 10,
        "end_signature": len(whole) - 20,
    }.items():
        corpus.model(f"odd_cut_{name}", "A2", "refused", whole[:size])
    corpus.model("odd_sparse", "A1", "refused", whole[:100] + bytes(5 << 20))
    corpus.model("odd_spanned", "A9", "refused", b"PK\x07\x08" + whole)
    corpus.model("odd_signature_flood", "A9", "refused", b"PK\x05\x06" * 300_000)
    corpus.model("odd_header_flood", "A9", "refused", b"PK\x03\x04" * 300_000)


def _contents(corpus: Corpus, usual: list[Entry]) -> None:
    def deflated(name: str, stored: bytes, size: int, crc: int = 0) -> bytes:
        said = {"method": 8, "size": size, "stored": len(stored), "crc": crc}
        return built([*usual, Entry(name.encode(), stored, local=said, central=said)])

    text = b"words " * 1000
    packer = zlib.compressobj(9, wbits=-15)
    sound = packer.compress(text) + packer.flush()
    crc = zlib.crc32(text)
    for name, stored, size, checksum, verdict in (
        ("true", sound, len(text), crc, "ok"),
        ("more_after", sound + b"more", len(text), crc, "refused"),
        ("two_streams", sound + sound, len(text), crc, "refused"),
        ("longer", sound, len(text) + 1, crc, "refused"),
        ("shorter", sound, len(text) - 1, crc, "refused"),
        ("zlib_header", zlib.compress(text), len(text), crc, "refused"),
        ("cut", sound[:-3], len(text), crc, "refused"),
        ("nothing", b"", 5, 0, "refused"),
        ("empty_true", b"\x03\0", 0, 0, "ok"),
        ("empty_blocks", b"\0\0\0\xff\xff" * 50_000 + b"\x03\0", 0, 0, "ok"),
        ("reserved_block", b"\x07", 4, 0, "refused"),
    ):
        data = deflated("assets/words.txt", stored, size, checksum)
        corpus.model(f"odd_deflate_{name}", "A10", verdict, data)
    matroska = built([*usual, Entry(b"assets/a.zip", _zip_in_zip(12))])
    corpus.model("odd_zip_in_zip", "A10", "ok", matroska)
    quiet = [replace(each, method=8) for each in usual]
    corpus.model("odd_all_deflated", "A11", "ok", built(quiet))


def _zip_in_zip(depth: int) -> bytes:
    data = bytes(1 << 20)
    for _ in range(depth):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("a.zip"), data)
        data = buffer.getvalue()
    return data
