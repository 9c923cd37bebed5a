"""Kill `kover apply --in-place` at random moments: kill_loop.py KILLS MEGABYTES [DEFAULT_EVERY].

After each kill the model must be the old one, untouched, or the new one, and whole; the next run
must succeed and leave no temporary file. Each DEFAULT_EVERY-th run verifies with Keras (0: none
does), and each fifth of those leaves a model that Keras then loads. Half of the kills come at any
moment of the run, the others while the new file is written.
"""

from __future__ import annotations

import collections
import json
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

from kover.archive.reader import open_archive

ROOT = Path(__file__).resolve().parents[2]
SPEC = "version: 1\noverrides:\n  - layers: dense_a\n    set: {{activation: {0}}}\n"
VALUES = ("tanh", "relu")
LOAD = "import sys, keras; keras.models.load_model(sys.argv[1]).summary()"


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
    """A model that is changed back and forth, and what it may be after each run.

    Attributes:
        ends: how the runs ended that were to be killed, counted.
        seconds: how long a run takes that is left alone, and how long of that it writes; by level.
    """

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self.model = folder / "model.keras"
        self.chance = random.Random(megabytes)
        self.kills = 0
        self.ends: collections.Counter[str] = collections.Counter()
        self.seconds: dict[str, tuple[float, float]] = {}
        self.set_to: int | None = None
        large_archive(self.model, megabytes)
        self.specs = [folder / f"{value}.yaml" for value in VALUES]
        for spec, value in zip(self.specs, VALUES, strict=True):
            spec.write_text(SPEC.format(value))
        self.run(0, "none")

    def start(self, which: int, level: str) -> subprocess.Popen[str]:
        """Begin a run."""
        return subprocess.Popen(
            command(self.model, self.specs[which], level),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_writing(self, process: subprocess.Popen[str]) -> bool:
        """Wait until the run writes its temporary file; false if it ended before."""
        stale = self.litter()
        while process.poll() is None:
            if self.litter() - stale:
                return True
            time.sleep(0.002)
        return False

    def litter(self) -> set[str]:
        """What is in the folder beside the model and the specs."""
        usual = {"model.keras", *(spec.name for spec in self.specs)}
        return {path.name for path in self.folder.iterdir()} - usual

    def run(self, which: int, level: str) -> None:
        """One run that is left alone; there must be no litter after it."""
        began = time.monotonic()
        process = self.start(which, level)
        self.wait_for_writing(process)
        wrote = time.monotonic()
        _, said = process.communicate()
        if process.returncode:
            raise AssertionError(said)
        if self.litter():
            raise AssertionError(f"litter: {self.litter()}")
        end = time.monotonic()
        self.seconds[level] = (end - began, end - wrote)
        self.set_to = which
        self.check_whole(self.model)

    def kill(self, level: str, aimed: bool) -> None:
        """Kill a run, look at the model, and let the next run succeed."""
        if level not in self.seconds:
            self.run(self.chance.randrange(2), level)
        old, which = identity(self.model), self.chance.randrange(2)
        process = self.start(which, level)
        whole, writing = self.seconds[level]
        try:
            if aimed:
                self.wait_for_writing(process)
            process.wait(self.chance.uniform(0, 1.1) * (writing if aimed else whole))
            end = "ended before"
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.kills += 1
            end = "killed"
        if process.stderr is not None:
            process.stderr.close()
        new = identity(self.model)
        if new != old:
            self.set_to = which
        self.check_whole(self.model)
        litter = ", litter" if self.litter() else ""
        self.ends[f"{level}: {end}, {'new' if new != old else 'old'}{litter}"] += 1

    def check_whole(self, model: Path) -> None:
        """The model must be the one that was asked for last, every byte of it checked."""
        with open_archive(model) as archive:
            archive.check()
            if self.set_to is not None:
                wanted = f'"activation": "{VALUES[self.set_to]}"'
                if wanted not in json.dumps(archive.config):
                    raise AssertionError("this is neither the old model nor the new one")

    def load(self) -> None:
        """Keras must load what is there."""
        done = subprocess.run(
            [sys.executable, "-P", "-c", LOAD, self.model], capture_output=True, check=False
        )
        if done.returncode:
            raise AssertionError(done.stderr.decode(errors="replace"))
        self.ends["loaded by Keras"] += 1


def kill_loop(kills: int, megabytes: int, folder: Path, default_every: int = 0) -> str:
    """Kill so many times; what happened, in one line."""
    loop = Loop(folder, megabytes)
    number = 0
    while loop.kills < kills:
        keras = bool(default_every) and number % default_every == default_every - 1
        loop.kill("build" if keras else "none", aimed=loop.chance.random() < 0.5)
        if keras and (number // default_every) % 5 == 4:
            loop.load()
        loop.run(loop.chance.randrange(2), "none")
        number += 1
        if number % 50 == 0:
            print(f"{loop.kills}: {dict(loop.ends)}", flush=True)
    return f"{kills} kills, {megabytes} MB: {dict(sorted(loop.ends.items()))}"


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    place = os.environ.get("KOVER_KILL_FOLDER")
    with tempfile.TemporaryDirectory(dir=place) as made:
        print(kill_loop(numbers[0], numbers[1], Path(made), *numbers[2:]))
