"""The arrays of a weights file: where each lies, and its bytes, without h5py or numpy.

A child process lists the HDF5 file. An array that lies in one piece is then read straight from
the archive; the others, chunked or compressed, are decoded by another child.
"""

from __future__ import annotations

import math
import os
import re
import struct
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kover.archive.content import content_chunks
from kover.archive.hdf5_process import Listing, Range, list_hdf5, read_hdf5
from kover.archive.limits import Limits, limits_in_force, raise_it, size_text
from kover.archive.refusal import refused
from kover.archive.source_file import SourceFile
from kover.archive.zip_structure import Member
from kover.problems import Problem
from kover.source import Source

BFLOAT16 = "bfloat16"
_DIGITS = re.compile("([0-9]+)")
_FORMATS = {"f2": "e", "f4": "f", "f8": "d", "b1": "?"} | {
    f"{kind}{size}": letter.upper() if kind == "u" else letter
    for kind in "iu"
    for size, letter in ((1, "b"), (2, "h"), (4, "i"), (8, "q"))
}


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array of the weights file.

    Attributes:
        path: its HDF5 path, with `/` between the parts.
        raw_path: the same as the file has it (archives saved on Windows have backslashes).
        shape: its shape.
        dtype: as numpy writes it (`<f4`, `|b1`), or `bfloat16`.
        size_bytes: of its values.
        offset: where its values begin in the archive; None if they are not one plain range.
        h5_offset: the same in the HDF5 file; known for a deflated weights member as well.
    """

    path: str
    raw_path: str
    shape: tuple[int, ...]
    dtype: str
    size_bytes: int
    offset: int | None
    h5_offset: int | None


class WeightsFile:
    """The arrays of one HDF5 file.

    Attributes:
        path: the file as the user named it.
        arrays: by path, `vars/2` before `vars/10`.
        names: layer name by path of the group that holds `vars`, '' where the file has none.
        warnings: what is odd and does not stop a command.
    """

    def __init__(self, where: Range, archived: bool, listing: Listing, limits: Limits) -> None:
        self.path = where.path
        self._where = where
        self._limits = limits
        self._owned: SourceFile | None = None
        self.arrays: Mapping[str, StoredArray] = MappingProxyType(
            _arrays(listing, where, archived, limits)
        )
        self.names: Mapping[str, str] = MappingProxyType(_names(self.arrays, listing))
        self.warnings = _warnings(listing, where)

    def __enter__(self) -> WeightsFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def own(self, file: SourceFile) -> None:
        """Close `file` together with this one."""
        self._owned = file

    def close(self) -> None:
        """Close what was opened for these weights alone."""
        if self._owned is not None:
            self._owned.close()

    def chunks(self, array: StoredArray, size: int = 1 << 20) -> Iterator[bytes]:
        """The values of `array` as raw bytes, in pieces of at most `size`.

        Raises:
            InputError: `broken-weights`, `unsafe-weights`, `input-changed`.
        """
        if array.h5_offset is None:
            pieces = read_hdf5(self._where, array.raw_path, array.size_bytes, self._limits)
            for piece in pieces if array.size_bytes else ():
                for start in range(0, len(piece), size):
                    yield piece[start : start + size]
            return
        start = self._where.offset + array.h5_offset
        end = start + array.size_bytes
        while start < end:
            piece = os.pread(self._where.fd, min(size, end - start), start)
            if not piece:
                raise refused("input-changed", "the file was changed while it was read", self.path)
            start += len(piece)
            yield piece

    def read(self, array: StoredArray) -> bytes:
        """All bytes of a small array."""
        return b"".join(self.chunks(array))

    def read_scalar(self, array: StoredArray) -> float | int:
        """The one number that `array` holds, such as a rate or an iteration count.

        Raises:
            InputError: `broken-weights` if it holds more than one, or a complex one.
        """
        form = "H" if array.dtype == BFLOAT16 else _FORMATS.get(array.dtype[1:])
        if math.prod(array.shape) != 1 or form is None:
            raise refused(
                "broken-weights",
                f"a single number was expected, not {array.dtype} of shape {array.shape}",
                self.path,
                array.path,
            )
        order = ">" if array.dtype[0] == ">" else "<"
        data = self.read(array)
        if array.dtype == BFLOAT16:
            data, form, order = b"\0\0" + data, "f", "<"
        value: float | int = struct.unpack(order + form, data)[0]
        return value


def list_member_weights(file: SourceFile, member: Member, limits: Limits) -> WeightsFile:
    """List the weights member of an archive, in place if it is stored.

    Raises:
        InputError: `broken-weights`, `unsafe-weights`, `damaged-member`.
    """
    if member.is_stored:
        where = Range(file.fd, member.data_offset, member.size, file.path, member.name)
        return WeightsFile(where, True, list_hdf5(where, limits), limits)
    with tempfile.TemporaryFile() as inflated:
        for piece in content_chunks(file, member):
            inflated.write(piece)
        inflated.flush()
        copy = SourceFile(file.path, os.dup(inflated.fileno()))
    try:
        where = Range(copy.fd, 0, member.size, file.path, member.name)
        weights = WeightsFile(where, False, list_hdf5(where, limits), limits)
    except BaseException:
        copy.close()
        raise
    weights.own(copy)
    return weights


def open_weights(path: str | os.PathLike[str], limits: Limits | None = None) -> WeightsFile:
    """Open a bare `.weights.h5` file.

    Raises:
        InputError: `not-found`, `not-a-file`, `broken-weights`, `unsafe-weights`.
    """
    limits = limits or limits_in_force()
    file = SourceFile.open(path)
    try:
        where = Range(file.fd, 0, file.size, file.path, None)
        weights = WeightsFile(where, True, list_hdf5(where, limits), limits)
    except BaseException:
        file.close()
        raise
    weights.own(file)
    return weights


def natural_key(path: str) -> tuple[tuple[str | int, ...], ...]:
    """A sort key that puts `vars/2` before `vars/10`."""
    return tuple(
        tuple(int(part) if index % 2 else part for index, part in enumerate(_DIGITS.split(name)))
        for name in path.split("/")
    )


def _arrays(
    listing: Listing, where: Range, archived: bool, limits: Limits
) -> dict[str, StoredArray]:
    found: dict[str, StoredArray] = {}
    for line in listing.arrays:
        array = _array(line, listing, where.offset if archived else None)
        _check_size(array, line, where, limits)
        if array.path in found:
            raise _unsafe(array, where, "two arrays have the same path")
        found[array.path] = array
    _check_apart(found, where)
    total = sum(array.size_bytes for array in found.values())
    cap = limits.inflation_floor_bytes + limits.hdf5_ratio * where.length
    if total > cap:
        raise refused(
            "unsafe-weights",
            f"the arrays take {size_text(total)}, more than the limit of {size_text(cap)}",
            where.path,
            where.inside,
            raise_it("inflated-size", total),
        )
    return {path: found[path] for path in sorted(found, key=natural_key)}


def _array(line: dict[str, object], listing: Listing, base: int | None) -> StoredArray:
    raw_path, offset, listed_shape = str(line["array"]), line["offset"], line["shape"]
    shape = tuple(map(int, listed_shape)) if isinstance(listed_shape, list) else ()
    dtype = str(line["dtype"])
    itemsize = int(dtype[2:])
    h5_offset = offset if isinstance(offset, int) else None
    if dtype == "|V2" and listing.marks.get(raw_path) == BFLOAT16:
        dtype = BFLOAT16
    return StoredArray(
        path=raw_path.replace("\\", "/"),
        raw_path=raw_path,
        shape=shape,
        dtype=dtype,
        size_bytes=itemsize * math.prod(shape),
        offset=None if base is None or h5_offset is None else base + h5_offset,
        h5_offset=h5_offset,
    )


def _check_size(array: StoredArray, line: dict[str, object], where: Range, limits: Limits) -> None:
    """Refuse a shape that the stored bytes do not bear out."""
    stored, chunk = int(str(line["stored"])), int(str(line["chunk"]))
    if array.h5_offset is not None:
        inside = 0 <= array.h5_offset <= where.length - array.size_bytes
        if not inside or stored != array.size_bytes:
            raise _unsafe(array, where, "its values do not lie within the file")
    cap = max(limits.inflation_floor_bytes, limits.hdf5_ratio * min(stored, where.length))
    if array.size_bytes > cap or chunk > max(cap, array.size_bytes):
        most = max(array.size_bytes, chunk)
        why = f"it takes {size_text(most)}, of which {size_text(stored)} are stored"
        raise _unsafe(array, where, why, raise_it("inflated-size", most))


def _check_apart(arrays: Mapping[str, StoredArray], where: Range) -> None:
    """Refuse arrays that share bytes: changing one would change the other."""
    placed = [
        (array.h5_offset, array.size_bytes, array)
        for array in arrays.values()
        if array.h5_offset is not None and array.size_bytes
    ]
    placed.sort(key=lambda item: item[0])
    end = 0
    for start, size, array in placed:
        if start < end:
            raise _unsafe(array, where, "its values overlap those of another array")
        end = start + size


def _unsafe(array: StoredArray, where: Range, why: str, help: str | None = None) -> Exception:
    inside = f"{where.inside}/{array.path}" if where.inside else array.path
    message = f"the weights file is refused: {why}"
    return refused("unsafe-weights", message, where.path, inside, help)


def _names(arrays: Mapping[str, StoredArray], listing: Listing) -> dict[str, str]:
    """The layer's name for every group that holds variables."""
    groups = (path.rsplit("/", 1)[0] for path in arrays if "/" in path)
    names = {
        group.removesuffix("vars").rstrip("/"): ""
        for group in groups
        if group.rsplit("/", 1)[-1] == "vars"
    }
    if listing.complete:
        for raw, text in listing.names.items():
            names[raw.replace("\\", "/").removesuffix("vars").rstrip("/")] = text
    return names


def _warnings(listing: Listing, where: Range) -> tuple[Problem, ...]:
    if listing.complete:
        return ()
    return (
        Problem(
            "unreadable-attributes",
            "the attributes of the weights file cannot be read: the layers' names are unknown, "
            "and which arrays are bfloat16",
            Source(where.path, inside=where.inside),
            "nothing is lost: kover goes by the arrays' places",
            "warning",
        ),
    )
