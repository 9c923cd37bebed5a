"""Wall time and peak memory of commands, by `wait4`.

Nothing large is imported here: a child's peak begins at what its parent held when it forked.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Command = Sequence[str]


@dataclass
class Measured:
    """All runs of one command."""

    seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)

    @property
    def wall_s(self) -> float:
        """Median wall time."""
        return statistics.median(self.seconds)

    @property
    def peak(self) -> int:
        """Median peak memory of the largest process."""
        return round(statistics.median(self.peak_bytes))


def run_once(command: Command, folder: Path, allowed: tuple[int, ...] = (0,)) -> tuple[float, int]:
    """Wall seconds and peak bytes of the largest process of one run."""
    with (folder / "command.log").open("wb") as log:
        begin = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        text = (folder / "command.log").read_text(errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(command)}\nexit {process.returncode}\n{text}")
    return seconds, usage.ru_maxrss * 1024


def alternate(commands: Mapping[str, Command], rounds: int, folder: Path) -> dict[str, Measured]:
    """Run each command once to warm up, then all of them in turn, `rounds` times."""
    results = {name: Measured() for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            os.sync()  # what the last command wrote must not slow this one down
            seconds, peak = run_once(command, folder)
            if number > 0:
                results[name].seconds.append(seconds)
                results[name].peak_bytes.append(peak)
    return results
