"""A `.keras` file, opened without Keras: its members, config, metadata and weights.

Opening reads the zip's structure and the two JSON members; `check` reads everything else once.
Neither h5py nor numpy is imported: the weights are listed by a child process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kover.archive.content import Hashing, check_contents, check_members, content_chunks
from kover.archive.json_text import check_layers, check_size, read_json_object
from kover.archive.limits import Limits, limits_in_force, raise_it
from kover.archive.refusal import quoted, refused
from kover.archive.same_content import same_file
from kover.archive.source_file import SourceFile
from kover.archive.zip_records import Record
from kover.archive.zip_structure import Member, read_structure
from kover.problems import Problem
from kover.source import Source
from kover.values import JSON

if TYPE_CHECKING:
    from kover.archive.weights import WeightsFile

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
NPZ_WEIGHTS = "model.weights.npz"


class Archive:
    """An open archive. Use it as a context manager, or call `close`.

    Attributes:
        path: as it was given.
        file: the open file.
        limits: what it may ask for.
        members: in file order.
        comment: the zip's comment.
        config_text: `config.json` as it stands in the archive.
        config: its value.
        metadata: the value of `metadata.json`, or {} where it is missing.
        warnings: what is odd and does not stop a command.
    """

    def __init__(self, file: SourceFile, limits: Limits) -> None:
        structure = read_structure(file.fd, file.size, file.path, limits)
        self.path = file.path
        self.file = file
        self.limits = limits
        self.members = structure.members
        self.comment = structure.comment
        self._by_name = {member.name: member for member in self.members}
        self._warnings: list[Problem] = []
        self._lock = threading.Lock()
        self._sha256: str | None = None
        self._hashing: Hashing | None = None
        self._weights: WeightsFile | None = None
        self.config_text = self._read_config()
        self.config = read_json_object(self.config_text, self.path, CONFIG, limits)
        check_layers(self.config, self.path, CONFIG, limits)
        self.metadata = self._read_metadata()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Archive({self.path!r})"

    def close(self) -> None:
        """Close the file, and what was made to read the weights."""
        if self._hashing is not None:
            self._hashing.stop()
        if self._weights is not None:
            self._weights.close()
        self.file.close()

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is odd and does not stop a command."""
        return tuple(self._warnings)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def member(self, name: str) -> Member:
        """The member called `name`.

        Raises:
            KeyError: if there is none; ask with `in` first.
        """
        return self._by_name[name]

    def member_of(self, record: Record) -> Member:
        """The member that an entry of the directory stands for."""
        return next(member for member in self.members if member.record is record)

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a member, piece by piece, its length and CRC checked at the end.

        Raises:
            InputError: `damaged-member`, `input-changed`.
        """
        return content_chunks(self.file, self.member(name))

    def read(self, name: str, limit: int | None = None) -> bytes:
        """The content of a small member.

        Raises:
            InputError: `archive-bomb` above `limit` (config_bytes), `damaged-member`.
        """
        member = self.member(name)
        if limit is None:
            help = raise_it("config-size", member.size)
            check_size(member.size, self.limits.config_bytes, self.path, name, help)
        else:
            check_size(member.size, limit, self.path, name)
        return b"".join(content_chunks(self.file, member))

    def hash_ahead(self) -> None:
        """Begin to hash the file, if it is large, for a `check` that will come.

        Other work goes on meanwhile; then `check` takes the CRCs in this process.
        """
        if self._hashing is None and self._sha256 is None:
            self._hashing = Hashing(self.file)

    def check(self, crcs: Mapping[str, int] | None = None) -> None:
        """Read every member to its end, and hash the file; a second call does nothing.

        May be called from another thread, while the first one does something else.

        Args:
            crcs: of stored members, by name, as far as they are known already.

        Raises:
            InputError: `damaged-member` for each that is, `input-changed`.
        """
        with self._lock:
            if self._sha256 is None:
                self._sha256 = check_contents(
                    self.file, self.members, hashing=self._hashing, crcs=crcs
                )

    def check_members(self, crcs: Mapping[str, int] | None = None) -> None:
        """Read every member to its end, without a hash of the file.

        Args:
            crcs: as for `check`.

        Raises:
            InputError: `damaged-member` for each that is, `input-changed`.
        """
        check_members(self.file, self.members, crcs)

    def check_if_same(self, other: Archive) -> bool:
        """`check` both, reading `other` once, if the files are equal byte for byte.

        Returns:
            Whether they are; where they differ, the rest is not read, and nothing is checked.

        Raises:
            InputError: as `check`; `unreadable`.
        """
        crcs = same_file(self.file, self.members, other.file)
        if crcs is None:
            return False
        self.check(crcs)
        other._sha256 = self._sha256
        return True

    def check_if_small(self) -> None:
        """Read every member to its end where that takes no time worth talking about.

        So commands that need no weights refuse a damaged file as well, up to
        `limits.checked_at_once_bytes`.

        Raises:
            InputError: `damaged-member`.
        """
        if self.file.size <= self.limits.checked_at_once_bytes:
            check_members(self.file, self.members)

    @property
    def sha256(self) -> str:
        """The hash of the whole file, in hex; calls `check`."""
        self.check()
        if self._sha256 is None:
            raise AssertionError("check() sets the hash or raises")
        return self._sha256

    def weights(self) -> WeightsFile | None:
        """The stored arrays, listed once; None where the archive has no weights file.

        Raises:
            InputError: `broken-weights`, `unsafe-weights`, `unsupported-weights`.
        """
        from kover.archive.weights import list_member_weights

        if NPZ_WEIGHTS in self:
            raise refused(
                "unsupported-weights",
                f"the weights are in {quoted(NPZ_WEIGHTS)}, which kover does not read",
                self.path,
                NPZ_WEIGHTS,
                "load the model with Keras and save it again",
            )
        if self._weights is None and WEIGHTS in self:
            self._weights = list_member_weights(self.file, self.member(WEIGHTS), self.limits)
            self._warnings += self._weights.warnings
        return self._weights

    def _read_config(self) -> bytes:
        if CONFIG in self:
            return self.read(CONFIG)
        near = [name for name in self._by_name if name.lower().rsplit("/", 1)[-1] == CONFIG]
        help = "an archive saved by Keras has it; a failed save may not"
        if near:
            help = f"the archive has {quoted(near[0])}: zip the files themselves, not their folder"
        raise refused("missing-config", "the archive holds no 'config.json'", self.path, None, help)

    def _read_metadata(self) -> dict[str, JSON]:
        if METADATA in self:
            data = self.read(METADATA, self.limits.metadata_bytes)
            return read_json_object(data, self.path, METADATA, self.limits)
        self._warnings.append(
            Problem(
                "missing-metadata",
                "the archive holds no 'metadata.json', so the Keras version is unknown",
                Source(self.path),
                "a model saved by Keras has it; guards on the version cannot hold without it",
                "warning",
            )
        )
        return {}


def open_archive(path: str | os.PathLike[str], limits: Limits | None = None) -> Archive:
    """Open a `.keras` file; a small one is read to its end at once.

    Raises:
        InputError: if it is missing, no archive, damaged, unsafe or no model. Codes:
            `not-found`, `not-a-file`, `unreadable`, `not-an-archive`, `truncated-archive`,
            `damaged-archive`, `unsupported-archive`, `archive-bomb`, `unsafe-member`,
            `ambiguous-member`, `damaged-member`, `missing-config`, `broken-json`.
    """
    file = SourceFile.open(path)
    try:
        archive = Archive(file, limits or limits_in_force())
        archive.check_if_small()
        return archive
    except BaseException:
        file.close()
        raise
