"""What a file that is no archive looks like, so that the message can say it."""

from __future__ import annotations

from kover.archive.refusal import refused
from kover.errors import InputError

_HELP = "kover reads .keras archives, as model.save('model.keras') writes them"
_HDF5_HELP = (
    "load it with Keras and save it as .keras; a .weights.h5 file holds no model, only its weights"
)
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (.h5)", _HDF5_HELP),
    (b"\x1f\x8b", "a gzip file", "decompress it first"),
    (b"BZh", "a bzip2 file", "decompress it first"),
    (b"\xfd7zXZ\0", "an xz file", "decompress it first"),
    (b"\x28\xb5\x2f\xfd", "a zstandard file", "decompress it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip file", "unpack it first"),
    (
        b"version https://git-lfs.github.com/spec/",
        "a git LFS pointer, not the model itself",
        "run `git lfs pull` where the file comes from",
    ),
    (b"\x93NUMPY", "a NumPy array", _HELP),
    (b"\x80\x04\x95", "a pickle", _HELP),
    (b"PK", "a damaged or empty zip file", "take the file from where it came from again"),
)
_MARKUP = (b"<!doctype", b"<html", b"<?xml")


def not_an_archive(head: bytes, path: str) -> InputError:
    """The error for a file that begins with `head`."""
    what, help = _described(head)
    return refused(
        "not-an-archive", f"this is no .keras archive: it looks like {what}", path, None, help
    )


def _described(head: bytes) -> tuple[str, str]:
    if not head:
        return "an empty file", "the save or download did not happen; do it again"
    for signature, what, help in _SIGNATURES:
        if head.startswith(signature):
            return what, help
    guesses = (
        (not head.strip(b"\0"), "a file of zero bytes", "the save or download did not finish"),
        (
            head.lstrip().lower().startswith(_MARKUP),
            "a web page",
            "the download gave a page instead of the file; check the address",
        ),
        (_is_text(head), "text", _HELP),
        (b"PK\x03\x04" in head, "a zip file with something put before it", _HELP),
    )
    other = ("binary data of an unknown kind", _HELP)
    return next(((what, help) for fits, what, help in guesses if fits), other)


def _is_text(head: bytes) -> bool:
    try:
        text = head[:-4].decode("utf-8") if len(head) == 4096 else head.decode("utf-8")
    except UnicodeDecodeError as exc:
        if exc.start < len(head) - 8:
            return False
        text = head[: exc.start].decode("utf-8")
    return all(character.isprintable() or character in "\r\n\t\f" for character in text)
