"""A fault in every single step of writing: old or new, whole, and the next run cleans up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kover.cli.main import run

pytestmark = pytest.mark.slow

FAULTY = str(Path(__file__).with_name("faulty.py"))
CALLS = ("pwrite", "copy_file_range", "fsync", "replace", "link", "fchmod", "unlink", "open")
NOT_REACHED = 99
LIMIT = 40  # calls of one kind; there are fewer


def faulty(call: str, index: int, how: str, arguments: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-P", FAULTY, call, str(index), how, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


def run_each(place: Any, call: str, how: str, out: Path, options: list[str]) -> int:
    """Fail each call in turn; how many there were."""
    for index in range(LIMIT):
        place.model.write_bytes(place.old)
        if out != place.model:
            out.unlink(missing_ok=True)
        code, said = faulty(call, index, how, place.arguments(*options))
        if code == NOT_REACHED:
            return index
        assert "Traceback" not in said
        assert "internal error" not in said
        there = out.read_bytes() if out.exists() else None
        before = place.old if out == place.model else None
        assert there in (before, place.new), (call, index, how)
        if how.startswith("kill"):
            assert code == 137
        else:
            assert (code, there) in ((2, before), (0, place.new)), (call, index, how, said)
            assert place.litter() == [] or call == "unlink"
        place.model.write_bytes(place.old)
        assert run(place.arguments(*options, *(["--force"] if out != place.model else []))) == 0
        assert out.read_bytes() == place.new
        assert place.litter() == []
    raise AssertionError("there is no end to it")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("how", ["kill", "killed after", "EIO"])
def test_replacing_the_model_leaves_the_old_one_or_the_new_one(
    place: Any, call: str, how: str
) -> None:
    if not hasattr(os, call):
        pytest.skip(f"this system has no {call}")
    calls = run_each(place, call, how, place.model, ["--in-place"])
    assert calls or call in ("link", "unlink")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("how", ["kill", "EACCES"])
def test_a_new_output_is_whole_or_not_there(place: Any, call: str, how: str) -> None:
    if not hasattr(os, call):
        pytest.skip(f"this system has no {call}")
    out = place.folder / "out.keras"
    calls = run_each(place, call, how, out, ["-o", str(out)])
    assert calls or call in ("replace", "fchmod")


@pytest.mark.parametrize("how", ["kill", "ENOSPC"])
@pytest.mark.parametrize("call", ["pwrite", "fsync", "replace"])
def test_a_report_that_fails_leaves_a_whole_model(place: Any, call: str, how: str) -> None:
    report = place.folder / "report.json"
    arguments = [a for a in place.arguments("--in-place") if a != "--no-report"]
    for index in range(LIMIT):
        place.model.write_bytes(place.old)
        report.unlink(missing_ok=True)
        code, said = faulty(call, index, how, [*arguments, "--report", str(report)])
        if code == NOT_REACHED:
            return
        assert "internal error" not in said
        assert place.model.read_bytes() in (place.old, place.new)
        if code == 2 and place.model.read_bytes() == place.new:
            assert "is written, its report is not" in said
        if not how.startswith("kill"):
            assert set(place.litter()) <= {"report.json"}
    raise AssertionError("there is no end to it")
