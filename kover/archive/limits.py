"""How much an archive may ask for before it is refused.

The numbers are far above what real models need and low enough that a hostile file cannot fill
memory or disk. Errors quote the limit that was passed.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on what is read from an archive.

    Attributes:
        config_bytes: size of `config.json`, and of any other member read whole.
        metadata_bytes: size of `metadata.json`.
        json_depth: nesting of a JSON document.
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
    json_depth: int = 100
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


def size_text(size_bytes: int) -> str:
    """A byte count for people: `812 bytes`, `32.0 MiB`."""
    if size_bytes < KIB:
        return f"{size_bytes} bytes"
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"
