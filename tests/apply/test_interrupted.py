"""`kover apply --in-place`, killed or told to end at any moment of its run."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

FREEZE = "version: 1\noverrides: [{layers: dense_a, set: {trainable: false}}]\n"
REGULARIZE = "version: 1\noverrides: [{layers: dense_a, set: {kernel_regularizer: l2}}]\n"
SUFFIXES = (".kover-tmp",)


def start(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    scratch = folder.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "kover", "apply", "m.keras", "spec.yaml", "--in-place", *more],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Workshop:
    """A folder with one model and one spec, and how the command ends if nobody disturbs it."""

    def __init__(self, folder: Path, model: Path, spec: str, *more: str) -> None:
        self.folder, self.more = folder, more
        self.original = model
        (folder / "spec.yaml").write_text(spec)
        self.reset()
        self.old = digest(folder / "m.keras")
        began = time.monotonic()
        process = start(folder, *more)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        self.duration = time.monotonic() - began
        self.new = digest(folder / "m.keras")
        assert self.old != self.new
        self.whole = self.litter()
        assert self.whole == set()

    def reset(self) -> None:
        shutil.copy(self.original, self.folder / "m.keras")
        (self.folder / "m.diff.json").unlink(missing_ok=True)

    def litter(self) -> set[str]:
        known = {"m.keras", "spec.yaml", "m.diff.json"}
        scratch = self.folder.parent / "scratch"
        return {path.name for path in [*self.folder.iterdir(), *scratch.iterdir()]} - known


@pytest.fixture
def workshop(tmp_path: Path, wide_archive: Callable[[str, float], Path]) -> Callable[..., Workshop]:
    def make(spec: str, *more: str) -> Workshop:
        model = wide_archive("original.keras", 20)
        folder = tmp_path / "folder"
        folder.mkdir()
        return Workshop(folder, model, spec, *more)

    return make


def kill_often(place: Workshop, times: int) -> list[str]:
    """Kill at moments spread over the whole run; which file was there each time."""
    moments = random.Random(4)
    outcomes = []
    for number in range(times):
        place.reset()
        process = start(place.folder, *place.more)
        assert process.stderr is not None
        time.sleep((number + moments.random()) / times * place.duration)
        process.kill()
        process.wait(60)
        process.stderr.close()
        found = digest(place.folder / "m.keras")
        assert found in {place.old, place.new}, f"neither the old nor the new file: {number}"
        outcomes.append("old" if found == place.old else "new")
    left = {path.name for path in place.folder.iterdir()} - {"m.keras", "spec.yaml", "m.diff.json"}
    assert all(name.endswith(SUFFIXES) for name in left), left
    place.reset()
    process = start(place.folder, *place.more)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert digest(place.folder / "m.keras") == place.new
    assert place.litter() == set()
    print(f"{place.duration:.2f} s; {outcomes.count('new')} of {times} new; litter met: {left}")
    return outcomes


@pytest.mark.slow
def test_a_kill_leaves_the_old_file_or_the_new_one(workshop: Callable[..., Workshop]) -> None:
    assert "old" in kill_often(workshop(REGULARIZE, "--verify", "none"), 10)


@pytest.mark.keras
@pytest.mark.slow
@pytest.mark.parametrize("spec", [FREEZE, REGULARIZE], ids=["new-weights", "config-only"])
def test_a_kill_leaves_the_old_file_or_the_new_one_with_keras(
    spec: str, workshop: Callable[..., Workshop]
) -> None:
    assert "old" in kill_often(workshop(spec), 20 if spec is FREEZE else 5)


@pytest.mark.keras
@pytest.mark.parametrize(
    ("spec", "more"),
    [(FREEZE, ()), (REGULARIZE, ()), (REGULARIZE, ("--verify", "none"))],
    ids=["new-weights", "config-only", "none"],
)
def test_no_room_for_the_output_is_said_and_nothing_is_left(
    spec: str,
    more: tuple[str, ...],
    tmp_path: Path,
    wide_archive: Callable[[str, float], Path],
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.move(wide_archive("m.keras", 20), folder)
    (folder / "spec.yaml").write_text(spec)
    command = [sys.executable, "-P", "-m", "kover", "apply", "m.keras", "spec.yaml", *more]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 8000; exec "$@"', "sh", *command],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("m.spec.keras: error[output-unwritable]: ")
    assert "File too large" in done.stderr
    assert {path.name for path in folder.iterdir()} == {"m.keras", "spec.yaml"}


@pytest.mark.keras
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_litter(
    number: signal.Signals, workshop: Callable[..., Workshop]
) -> None:
    place = workshop(FREEZE, "--verify", "load")
    codes = []
    for fraction in (0.4, 0.7, 0.9):
        place.reset()
        process = start(place.folder, *place.more)
        time.sleep(fraction * place.duration)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        found = digest(place.folder / "m.keras")
        codes.append(process.returncode)
        if process.returncode != 0:  # it was over already
            assert (process.returncode, said) == (128 + number, b"")
        assert found in {place.old, place.new}
        assert place.litter() == set()
    assert 128 + number in codes
