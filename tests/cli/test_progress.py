"""Progress: for long reads on a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from kover.cli import progress as module
from kover.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def large(tmp_path: Path) -> str:
    path = tmp_path / "large.keras"
    with path.open("wb") as file:
        file.truncate(400_000_000)
    return str(path)


def test_a_long_read_is_shown_and_leaves_no_trace(
    large: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(module, "_AFTER", 0.0)
    monkeypatch.setattr(module, "_EVERY", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    with progress([large]) as advance:
        assert advance is not None
        advance(100_000_000)
        advance(100_000_000)
        advance(900_000_000)
    shown = terminal.getvalue().split("\r")
    assert shown[1:3] == ["reading  25 %  100 of 400 MB", "reading  50 %  200 of 400 MB"]
    assert shown[3].startswith("reading 100 %")
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize("case", ["small", "pipe", "dumb", "missing", "closed"])
def test_nobody_is_told_who_does_not_look(
    case: str, large: str, tiny_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb" if case == "dumb" else "xterm")
    stream = None if case == "closed" else io.StringIO() if case == "pipe" else Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    paths = {"small": str(tiny_archive), "missing": "no-such-file"}
    with progress([paths.get(case, large)]) as advance:
        assert advance is None
    assert stream is None or stream.getvalue() == ""
