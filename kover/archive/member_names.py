"""Which member names an archive may have.

A name that two readers could understand differently, or that points outside a folder it might
be extracted to, is refused rather than guessed at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from kover.archive.limits import Limits
from kover.archive.refusal import quoted, refused

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_name(name: str, name_bytes: bytes, path: str, limits: Limits) -> None:
    """Refuse a name that is unsafe on any system.

    Raises:
        InputError: `unsafe-member`.
    """
    fault = _fault(name, name_bytes, limits)
    if fault:
        raise refused(
            "unsafe-member",
            f"the archive has a member named {quoted(name)}: {fault}",
            path,
            name if name and "\0" not in name else None,
            "Keras writes no such names; take the model from a source you trust",
        )


def _fault(name: str, name_bytes: bytes, limits: Limits) -> str | None:
    parts = name.removesuffix("/").split("/")
    faults = (
        (not name, "the name is empty"),
        (
            len(name_bytes) > limits.member_name_bytes,
            f"the name is longer than {limits.member_name_bytes} bytes",
        ),
        (_CONTROL.search(name), "the name has control characters"),
        ("\\" in name, "the name has a backslash"),
        (name.startswith("/"), "the name is an absolute path"),
        (_DRIVE.match(name), "the name begins with a drive"),
        (".." in parts, "the name leaves its folder"),
        ("." in parts or "" in parts, "the name has an empty part"),
    )
    return next((text for bad, text in faults if bad), None)


def check_unambiguous(names: Iterable[str], path: str) -> None:
    """Refuse two members that are one on some system, or a file that is a folder as well.

    Raises:
        InputError: `ambiguous-member`.
    """
    seen: dict[str, str] = {}
    listed = tuple(names)
    for name in listed:
        key = _folded(name)
        if key in seen:
            raise _ambiguous(name, seen[key], path)
        seen[key] = name
    files = {key: name for key, name in seen.items() if not name.endswith("/")}
    for key, name in seen.items():
        parts = key.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder in files and files[folder] != name:
                raise _ambiguous(name, files[folder], path)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.removesuffix("/")).casefold()


def _ambiguous(name: str, other: str, path: str) -> Exception:
    same = (
        f"two members named {quoted(name)}"
        if name == other
        else f"{quoted(other)} and {quoted(name)}"
    )
    return refused(
        "ambiguous-member",
        f"the archive has {same}: which of them counts depends on the reader",
        path,
        name,
        "save the model again with Keras",
    )
