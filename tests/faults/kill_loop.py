"""Kill `kover apply --in-place` at random moments: kill_loop.py KILLS MEGABYTES [DEFAULT_EVERY].

After each kill the model must be the old one, untouched, or the new one, whole; the next run must
succeed and leave no temporary file. Each DEFAULT_EVERY-th run verifies with Keras (0: none does).
"""

from __future__ import annotations

import collections
import io
import os
import random
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEC = "version: 1\noverrides:\n  - layers: dense_a\n    set: {{activation: {0}}}\n"
VALUES = ("tanh", "relu")


def large_archive(path: Path, megabytes: int) -> None:
    """A small model, with an asset that makes it large and takes no time to make."""
    runpy.run_path(str(ROOT / "tests" / "conftest.py"))["write_tiny_archive"](path)
    piece = random.Random(7).randbytes(1 << 20)
    with zipfile.ZipFile(path, "a") as archive, archive.open("assets/large.bin", "w") as member:
        for number in range(megabytes):
            member.write(number.to_bytes(8, "big") + piece[8:])


def identity(path: Path) -> tuple[int, ...]:
    """What changes whenever a file is replaced or written to."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def command(model: Path, spec: Path, level: str) -> list[str]:
    """The run that is killed."""
    return [sys.executable, "-P", "-m", "kover", "apply", model.name, spec.name, "--in-place",
            "--no-report", "-q", "--verify", level]  # fmt: skip


class Loop:
    """A model that is changed back and forth, and what it may be after each run."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self.model = folder / "model.keras"
        self.chance = random.Random(11)
        self.ends: collections.Counter[str] = collections.Counter()
        large_archive(self.model, megabytes)
        self.specs = [folder / f"{value}.yaml" for value in VALUES]
        for spec, value in zip(self.specs, VALUES, strict=True):
            spec.write_text(SPEC.format(value))
        self.seconds: dict[str, float] = {}
        self.run(0, "none")

    def run(self, which: int, level: str) -> None:
        """One run that is left alone; there must be no litter after it."""
        start = time.monotonic()
        done = subprocess.run(
            command(self.model, self.specs[which], level),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(done.stderr)
        names = sorted(path.name for path in self.folder.iterdir())
        if names != sorted(["model.keras", *(spec.name for spec in self.specs)]):
            raise AssertionError(f"litter: {names}")
        self.seconds[level] = time.monotonic() - start

    def kill(self, level: str) -> None:
        """Kill a run, look at the model, and let the next run succeed."""
        if level not in self.seconds:
            self.run(self.ends.total() % 2, level)
        old, which = identity(self.model), self.chance.randrange(2)
        process = subprocess.Popen(
            command(self.model, self.specs[which], level),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(self.chance.uniform(0, 1.3) * self.seconds[level])
            end = "ended before"
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            end = "killed"
        new = identity(self.model)
        if new != old:
            self.check_whole(which)
        litter = any(path.name.endswith(".kover-tmp") for path in self.folder.iterdir())
        self.ends[f"{end}, {'new' if new != old else 'old'}{', litter' if litter else ''}"] += 1

    def check_whole(self, which: int) -> None:
        """A model that changed must be the one that was asked for, every byte of it checked."""
        with zipfile.ZipFile(io.BytesIO(self.model.read_bytes())) as archive:
            if archive.testzip() is not None:
                raise AssertionError("a member is damaged")
            if f'"activation": "{VALUES[which]}"'.encode() not in archive.read("config.json"):
                raise AssertionError("this is neither the old model nor the new one")


def kill_loop(kills: int, megabytes: int, folder: Path, default_every: int = 0) -> str:
    """Kill so many times; what happened, in one line."""
    loop = Loop(folder, megabytes)
    for number in range(kills):
        keras = default_every and number % default_every == default_every - 1
        loop.kill("build" if keras else "none")
        if number % 5 == 4 or number == kills - 1:
            loop.run(number % 2, "none")
        if number % 50 == 49:
            print(f"{number + 1}: {dict(loop.ends)}", flush=True)
    return f"{kills} kills, {megabytes} MB: {dict(loop.ends)}"


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    place = os.environ.get("KOVER_KILL_FOLDER")
    with tempfile.TemporaryDirectory(dir=place) as made:
        print(kill_loop(numbers[0], numbers[1], Path(made), *numbers[2:]))
