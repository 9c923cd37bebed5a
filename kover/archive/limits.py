"""How much an archive may ask for before it is refused.

The numbers are far above what real models need and low enough that a hostile file cannot fill
memory or disk. Errors quote the limit that was passed, and the option that raises it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on what is read from an archive.

    Attributes:
        config_bytes: size of `config.json`, and of any other member read whole.
        metadata_bytes: size of `metadata.json`.
        json_values: values in a JSON document, counted before it is read.
        json_depth: nesting of a JSON document.
        layers: layers of a model.
        members: members of an archive.
        member_name_bytes: length of a member's name.
        checked_at_once_bytes: size of a file whose members are all read when it is opened.
        inflation_floor_bytes: what may be inflated whatever the stored size.
        inflation_ratio: inflated size over stored size of one member beyond that floor.
        inflation_times_file: what all members together may inflate to, in sizes of the file.
        hdf5_depth: nesting of HDF5 groups.
        hdf5_objects: groups and datasets of an HDF5 file.
        hdf5_ratio: size of an HDF5 array over its stored size, beyond the inflation floor.
        child_wall_s: time for listing the HDF5 file.
        child_attributes_s: time for reading its attributes.
        child_read_s: time for one piece of an array that has to be decoded.
        child_memory_bytes: memory of the process that reads HDF5, beyond what it starts with.
        child_output_bytes: text that the listing may produce.
    """

    config_bytes: int = 32 * MIB
    metadata_bytes: int = 64 * KIB
    json_values: int = 1_000_000
    json_depth: int = 100
    layers: int = 50_000
    members: int = 10_000
    member_name_bytes: int = 255
    checked_at_once_bytes: int = 16 * MIB
    inflation_floor_bytes: int = 64 * MIB
    inflation_ratio: int = 100
    inflation_times_file: int = 20
    hdf5_depth: int = 32
    hdf5_objects: int = 100_000
    hdf5_ratio: int = 1000
    child_wall_s: float = 60.0
    child_attributes_s: float = 10.0
    child_read_s: float = 60.0
    child_memory_bytes: int = GIB
    child_output_bytes: int = 64 * MIB


_AMOUNT = re.compile(r"([1-9][0-9]{0,14})(?:\s*([kmg])(i?)b)?", re.IGNORECASE)
_UNITS = {"k": 1, "m": 2, "g": 3}
# name of the option's limit -> the fields that it sets
RAISABLE: Mapping[str, tuple[str, ...]] = {
    "config-size": ("config_bytes",),
    "json-values": ("json_values",),
    "layers": ("layers",),
    "members": ("members",),
    "inflated-size": ("inflation_floor_bytes",),
    "hdf5-objects": ("hdf5_objects",),
    "hdf5-depth": ("hdf5_depth",),
    "hdf5-memory": ("child_memory_bytes",),
    "hdf5-seconds": ("child_wall_s", "child_read_s"),
}
_SIZES = frozenset({"config-size", "inflated-size", "hdf5-memory"})
_MOST = {"hdf5-seconds": 1_000_000}  # what the system's clocks take, in milliseconds
_MOST_OF_ALL = 1 << 50
_LISTED_BYTES = 1 << 9  # what the listing says of one HDF5 object
_in_force: ContextVar[Limits | None] = ContextVar("limits", default=None)


def limits_in_force() -> Limits:
    """The limits of archives that are opened without any given."""
    return _in_force.get() or Limits()


@contextmanager
def put_in_force(limits: Limits) -> Iterator[None]:
    """Within, `limits` hold for archives that are opened without any given."""
    token = _in_force.set(limits)
    try:
        yield
    finally:
        _in_force.reset(token)


def raised(given: Iterable[str], limits: Limits | None = None) -> Limits:
    """`limits` with others in place of some, each written `NAME=AMOUNT`: `config-size=64MB`.

    Raises:
        ValueError: if there is no limit of that name, or no such amount; says which there are.
    """
    found = limits or Limits()
    for text in given:
        name, _, amount = text.partition("=")
        if name not in RAISABLE:
            raise ValueError(f"there is no limit '{name}'; there are {', '.join(RAISABLE)}")
        number = _amount(amount, name)
        if number is None:
            example = "512MB" if name in _SIZES else "200000"
            raise ValueError(f"'{amount}' is no limit; write it as {name}={example}")
        found = replace(found, **dict.fromkeys(RAISABLE[name], number))
        if name == "hdf5-objects":
            room = max(found.child_output_bytes, _LISTED_BYTES * number)
            found = replace(found, child_output_bytes=room)
    return found


def _amount(text: str, name: str) -> int | None:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or (match[2] and name not in _SIZES):
        return None
    unit = int((1024 if match[3] else 1000) ** _UNITS.get((match[2] or "").lower(), 0))
    number = int(match[1]) * unit
    return number if number <= _MOST.get(name, _MOST_OF_ALL) else None


def raise_it(name: str, needed: int | None = None) -> str:
    """What to do about a file that is sound and beyond the limit of that name."""
    if needed is None:
        amount = "512MB" if name in _SIZES else "N"
    else:
        amount = f"{-(-needed // 1_000_000)}MB" if name in _SIZES else str(needed)
    return f"if you trust where it comes from, raise the limit: --limit {name}={amount}"


def size_text(size_bytes: int) -> str:
    """A byte count for people: `812 bytes`, `32.0 MiB`."""
    if size_bytes < KIB:
        return f"{size_bytes} bytes"
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"
