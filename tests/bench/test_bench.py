"""The benchmark measures what it says, and leaves the rest of the README alone."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module("measure")


@pytest.fixture
def bench(measure: ModuleType) -> ModuleType:
    return importlib.import_module("bench")


def test_time_and_memory_of_a_command_are_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; b = bytearray(60_000_000); time.sleep(0.2)"]
    # From a small process, as the benchmark is: a child's peak begins at its parent's size.
    code = f"import measure, pathlib; print(*measure.run_once({command}, pathlib.Path('.')))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, peak = map(float, done.stdout.split())
    assert 0.2 <= seconds < 5
    assert 60e6 < peak < 120e6


def test_a_command_that_fails_ends_the_benchmark(measure: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"exit 3\nwhy"):
        measure.run_once(["sh", "-c", "echo why; exit 3"], tmp_path)


def test_commands_take_turns_after_a_warm_up(measure: ModuleType, tmp_path: Path) -> None:
    commands = {name: ["sh", "-c", f"echo {name} >> order"] for name in "ab"}
    results = measure.alternate(commands, 2, tmp_path)
    assert (tmp_path / "order").read_text().split() == ["a", "b"] * 3
    assert [len(result.seconds) for result in results.values()] == [2, 2]


def test_the_table_replaces_only_what_stands_between_the_markers(
    bench: ModuleType, tmp_path: Path
) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"above\n{bench.BEGIN}\nold\n{bench.END}\nbelow\n")
    bench.write_readme(page, "new")
    assert page.read_text() == f"above\n{bench.BEGIN}\nnew\n{bench.END}\nbelow\n"


def test_a_row_gives_our_time_as_a_part_of_theirs(bench: ModuleType, measure: ModuleType) -> None:
    ours = measure.Measured([0.5, 9.0, 0.5], [10_000_000] * 3)
    theirs = measure.Measured([2.0, 2.0, 2.0], [90_000_000] * 3)
    row = bench.Row("10 MB", "kover diff", "`cmp`", (ours, theirs))
    assert row.as_markdown() == (
        "| 10 MB | `kover diff` | `cmp` | 500 ms | 2 s | 0.25 | 10 MB | 90 MB |"
    )
