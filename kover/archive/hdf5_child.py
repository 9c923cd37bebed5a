"""The process that reads HDF5, started by `hdf5_process` as a script of its own.

libhdf5 can crash or hang on a damaged or hostile file, so it runs here, with limits on memory,
time and output, and the parent takes nothing but lines of JSON and raw bytes from it. Nothing of
kover is imported. The file is a range of an inherited descriptor, so it is read in place.

    list: one line per array, then {"listed": true}; only then, because they are what libhdf5
          trips over most, the attributes; then {"done": true}
    read: the raw bytes of one array
"""

from __future__ import annotations

import io
import json
import math
import os
import resource
import sys
from collections.abc import Iterator
from typing import Any

NUMERIC_KINDS = "fiubc"
OPAQUE_SIZES = (1, 2)
FILTERS = {1, 2, 3, 6, 32000}  # deflate, shuffle, fletcher32, scaleoffset, lzf
NAME_CAP = 1024
SLAB_BYTES = 8 << 20


class RefusedError(Exception):
    """The file is not one that is read any further: code, path inside, message, limit or not."""


class Window(io.RawIOBase):
    """A range of a file as a file of its own."""

    def __init__(self, fd: int, offset: int, length: int) -> None:
        self.fd = fd
        self.offset = offset
        self.length = length
        self.position = 0

    def readable(self) -> bool:
        """As any file."""
        return True

    def seekable(self) -> bool:
        """As any file."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As any file."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.length}[whence]
        self.position = max(0, start + offset)
        return self.position

    def tell(self) -> int:
        """As any file."""
        return self.position

    def readinto(self, buffer: Any) -> int:
        """As any file."""
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self.length - self.position))
        done = 0
        while done < wanted:
            count = os.preadv(self.fd, [view[done:wanted]], self.offset + self.position + done)
            if count == 0:
                break
            done += count
        view[done:] = bytes(len(view) - done)  # libhdf5 takes no notice of short reads
        self.position += done
        return done


def restrict(memory_bytes: int, seconds: int) -> None:
    """Cap what this process may use from here on."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 (no pathlib here)
        used = int(statm.read().split()[0]) * resource.getpagesize()
    for kind, value in (
        (resource.RLIMIT_AS, used + memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        cap = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (cap, cap))


def say(**line: Any) -> None:
    """Print one line for the parent."""
    sys.stdout.write(json.dumps(line) + "\n")


def walk(h5py: Any, root: Any, depth_cap: int, count_cap: int) -> Iterator[tuple[str, Any]]:
    """Every group and dataset that hard links lead to, each once, by h5py's low-level API.

    That takes a third of the time of the other one, for the same look at each object. Soft and
    external links are never followed: an external one opens another file.
    """
    seen = {address(h5py, root)}
    pending = [("", root, 0)]
    while pending:
        path, group, depth = pending.pop()
        yield path, group
        if depth >= depth_cap:
            deep = f"groups are nested more than {depth_cap} deep"
            raise RefusedError("unsafe-weights", path, deep, "hdf5-depth")
        if len(group) + len(seen) > count_cap + 1:
            many = f"it holds more than {count_cap} objects"
            raise RefusedError("unsafe-weights", path, many, "hdf5-objects")
        for raw in group:
            name = raw.decode("utf-8", "backslashreplace")
            inner = f"{path}/{name}" if path else name
            if len(name) > NAME_CAP:
                raise RefusedError("unsafe-weights", path, "a name is too long")
            item = linked(h5py, group, raw, inner)
            where = address(h5py, item)
            if where in seen:
                raise RefusedError("unsafe-weights", inner, "one object is linked from two places")
            seen.add(where)
            if isinstance(item, h5py.h5g.GroupID):
                pending.append((inner, item, depth + 1))
            elif isinstance(item, h5py.h5d.DatasetID):
                yield inner, item
            else:
                raise RefusedError("broken-weights", inner, "it is neither a group nor an array")


def linked(h5py: Any, group: Any, name: bytes, path: str) -> Any:
    """The object behind a hard link, the only kind that is followed."""
    kind = group.links.get_info(name).type
    if kind != h5py.h5l.TYPE_HARD:
        soft = kind == h5py.h5l.TYPE_SOFT
        text = "a soft link" if soft else "an external link"
        raise RefusedError("unsafe-weights", path, f"it is {text}, which may lead anywhere")
    return h5py.h5o.open(group, name)


def address(h5py: Any, item: Any) -> tuple[int, int]:
    """What tells one object of the file from another."""
    info = h5py.h5o.get_info(item)
    return (info.fileno, info.addr)


def check_dataset(h5py: Any, path: str, dataset: Any) -> Any:
    """Refuse data that lies elsewhere, needs a plugin, or is not plain numbers.

    Returns:
        How the dataset is laid out: its creation property list.
    """
    plist = dataset.get_create_plist()
    if plist.get_layout() not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED):
        raise RefusedError(
            "unsafe-weights", path, "it is a virtual array, put together from others"
        )
    if plist.get_external_count():
        raise RefusedError("unsafe-weights", path, "its data is in another file")
    for index in range(plist.get_nfilters()):
        number = plist.get_filter(index)[0]
        if number not in FILTERS:
            raise RefusedError(
                "unsafe-weights", path, f"it is compressed by the unknown filter {number}"
            )
    if dataset.get_space().get_simple_extent_type() not in (h5py.h5s.SCALAR, h5py.h5s.SIMPLE):
        raise RefusedError("broken-weights", path, "it has no shape")
    dtype = dataset.dtype
    plain = dtype.subdtype is None and dtype.metadata is None
    if not plain or (
        dtype.kind not in NUMERIC_KINDS and not (dtype.kind == "V" and opaque(h5py, dataset))
    ):
        raise RefusedError("broken-weights", path, f"it holds {dtype}, which is no numeric type")
    if dtype.itemsize * math.prod(dataset.shape) >= 1 << 62:
        raise RefusedError("unsafe-weights", path, "its shape is beyond all bounds")
    return plist


def opaque(h5py: Any, dataset: Any) -> bool:
    """Whether the type is one or two bytes without a meaning: how bfloat16 is stored."""
    kind = dataset.get_type().get_class()
    return bool(kind == h5py.h5t.OPAQUE and dataset.dtype.itemsize in OPAQUE_SIZES)


def describe(h5py: Any, path: str, dataset: Any) -> None:
    """One line about a dataset."""
    plist = check_dataset(h5py, path, dataset)
    layout, dtype = plist.get_layout(), dataset.dtype
    chunk = math.prod(plist.get_chunk()) * dtype.itemsize if layout == h5py.h5d.CHUNKED else 0
    say(
        array=path,
        shape=list(dataset.shape),
        dtype=dtype.str,
        offset=dataset.get_offset() if layout == h5py.h5d.CONTIGUOUS else None,
        stored=dataset.get_storage_size(),
        chunk=chunk,
    )


def list_arrays(h5py: Any, file: Any, options: dict[str, Any]) -> None:
    """List the arrays, then the attributes that matter."""
    groups, marked = [], []
    for path, item in walk(h5py, file.id, options["depth"], options["objects"]):
        if isinstance(item, h5py.h5d.DatasetID):
            describe(h5py, path, item)
            if item.dtype.kind == "V":
                marked.append((path, item))
        elif path.replace("\\", "/").rsplit("/", 1)[-1] == "vars":
            groups.append((path, item))
    say(listed=True)
    sys.stdout.flush()
    for path, item in marked:
        say(mark=path, text=text_attribute(h5py, item, b"dtype"))
    for path, item in groups:
        text = text_attribute(h5py, item, b"name")
        if text is not None:
            say(group=path, text=text)
    say(done=True)


def text_attribute(h5py: Any, item: Any, name: bytes) -> str | None:
    """A string attribute, or None where there is none of that name and kind."""
    if not h5py.h5a.exists(item, name):
        return None
    attribute = h5py.h5a.open(item, name)
    if attribute.get_type().get_class() != h5py.h5t.STRING or attribute.shape != ():
        return None
    if attribute.get_storage_size() > 4 * NAME_CAP:
        return None
    high = h5py.Dataset if isinstance(item, h5py.h5d.DatasetID) else h5py.Group
    value = high(item).attrs[name.decode()]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text[:NAME_CAP]


def write_array(h5py: Any, file: Any, path: str) -> None:
    """Write the raw bytes of one array to stdout."""
    item = file.id
    for name in path.split("/"):
        item = linked(h5py, item, name.encode(), path)
    check_dataset(h5py, path, item)
    sys.stdout.flush()
    for piece in slabs(h5py.Dataset(item), ()):
        view = memoryview(piece)
        while view:
            view = view[os.write(1, view) :]


def slabs(dataset: Any, fixed: tuple[int, ...]) -> Iterator[bytes]:
    """The bytes of `dataset[fixed]` in order, in pieces of a few megabytes."""
    shape = dataset.shape[len(fixed) :]
    size = dataset.dtype.itemsize * math.prod(shape)
    if size == 0:
        return
    if not shape or size <= SLAB_BYTES:
        yield dataset[fixed].tobytes()
        return
    row = size // shape[0]
    if row > SLAB_BYTES:
        for index in range(shape[0]):
            yield from slabs(dataset, (*fixed, index))
        return
    step = SLAB_BYTES // row
    if dataset.chunks and dataset.chunks[len(fixed)] < step:
        step -= step % dataset.chunks[len(fixed)]
    for start in range(0, shape[0], step):
        yield dataset[(*fixed, slice(start, start + step))].tobytes()


def main(arguments: list[str]) -> int:
    """Do what the one argument, a JSON object, says."""
    options = json.loads(arguments[0])
    import h5py

    restrict(options["memory"], options["cpu_s"])
    window = Window(options["fd"], options["offset"], options["length"])
    try:
        # Closed before the interpreter ends: an open file over a Python object may crash it.
        with h5py.File(window, "r") as file:
            if options["mode"] == "read":
                write_array(h5py, file, options["path"])
            else:
                list_arrays(h5py, file, options)
    except RefusedError as exc:
        code, path, message, *limit = exc.args
        say(refused=code, path=path, message=message, limit=limit[0] if limit else None)
    except BrokenPipeError:
        return 0
    except MemoryError:
        much = "it asks for too much memory"
        say(refused="unsafe-weights", path=None, message=much, limit="hdf5-memory")
    except Exception as exc:  # noqa: BLE001 (libhdf5 raises a dozen classes for damaged files)
        message = " ".join(str(exc).split()).strip("'\"")[:200]
        say(refused="broken-weights", path=None, message=f"the HDF5 library says '{message}'")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
