"""What the parts of the corpus share: cases, and how they are written to disk."""

from __future__ import annotations

import copy
import io
import json
import runpy
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SPEC = "version: 1\noverrides:\n  - layers: dense_a\n    set: {activation: tanh}\n"
Members = dict[str, bytes]
Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Case:
    """A file, and what has to become of it.

    Attributes:
        name: unique; `m_` for models, `s_` for specs.
        row: of the table of threats, A1 to I4.
        kind: `model` or `spec`.
        verdict: for models `ok`, `refused` (exit 2 everywhere), `weights` (2 wherever weights are
            read), `code` (Keras never sees it), `odd` (handled: 0, 1 or 2); for specs `ok`,
            `no` (exit 1), `unreadable` (exit 2), `odd`.
        file: its path below the corpus.
        says: a part of what is said about it.
    """

    name: str
    row: str
    kind: str
    verdict: str
    file: str
    says: str = ""


class Corpus:
    """The folder that cases are written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = []
        conftest = Path(__file__).resolve().parents[2] / "conftest.py"
        write = runpy.run_path(str(conftest))["write_tiny_archive"]
        write(folder / "base.keras")
        (folder / "base.yaml").write_text(SPEC)
        with zipfile.ZipFile(folder / "base.keras") as archive:
            self.members: Members = {name: archive.read(name) for name in archive.namelist()}
        self.config: dict[str, Any] = json.loads(self.members["config.json"])

    @property
    def base(self) -> bytes:
        """A sound archive."""
        return (self.folder / "base.keras").read_bytes()

    def model(self, name: str, row: str, verdict: str, data: bytes, says: str = "") -> None:
        """Add a model."""
        self._add(Case(f"m_{name}", row, "model", verdict, f"m_{name}.keras", says), data)

    def spec(self, name: str, row: str, verdict: str, text: str | bytes, says: str = "") -> None:
        """Add a spec."""
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        self._add(Case(f"s_{name}", row, "spec", verdict, f"s_{name}.yaml", says), data)

    def changed(self, name: str, row: str, verdict: str, change: Change, says: str = "") -> None:
        """Add the base model with another config."""
        config = copy.deepcopy(self.config)
        change(config)
        self.text(name, row, verdict, json.dumps(config).encode(), says)

    def text(self, name: str, row: str, verdict: str, text: bytes, says: str = "") -> None:
        """Add the base model with that `config.json`."""
        self.model(name, row, verdict, self.zip({"config.json": text}), says)

    def weights(self, name: str, row: str, verdict: str, data: bytes, says: str = "") -> None:
        """Add the base model with that weights file, and the weights file beside it."""
        (self.folder / f"m_{name}.weights.h5").write_bytes(data)
        self.model(name, row, verdict, self.zip({"model.weights.h5": data}), says)

    def zip(self, changes: dict[str, bytes | None], compression: int = 0) -> bytes:
        """The base archive with members replaced, added, or (None) left out."""
        members = {**self.members, **changes}
        return zipped([(n, data) for n, data in members.items() if data is not None], compression)

    def finish(self) -> None:
        """Write the list of cases."""
        listed = [asdict(case) for case in self.cases]
        (self.folder / "index.json").write_text(json.dumps(listed, indent=1))

    def _add(self, case: Case, data: bytes) -> None:
        if any(each.name == case.name for each in self.cases):
            raise ValueError(case.name)
        (self.folder / case.file).write_bytes(data)
        self.cases.append(case)


def zipped(
    members: list[tuple[str | zipfile.ZipInfo, bytes]], compression: int = 0, comment: bytes = b""
) -> bytes:
    """A zip file; names may repeat."""
    import warnings

    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # of names that repeat
        archive.comment = comment
        for member, data in members:
            info = zipfile.ZipInfo(member) if isinstance(member, str) else member
            info.compress_type = info.compress_type or compression
            archive.writestr(info, data)
    return buffer.getvalue()
