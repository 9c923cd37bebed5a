"""Fuzz all targets: run_fuzz.py SECONDS FOLDER [WORKERS]. SECONDS are for all together."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGETS = ("spec", "config", "commands", "zip", "hdf5")


def fuzz(target: str, seconds: int, folder: Path) -> tuple[str, bool]:
    """Fuzz one target; a line about it, and whether nothing crashed."""
    log = folder / f"{target}.log"
    with log.open("w") as file:
        done = subprocess.run(
            ["nice", "-n", "19", sys.executable, "-P", HERE / "fuzz.py", target, str(seconds),
             folder / target],
            stdout=file, stderr=file, check=False, env={**os.environ, "TMPDIR": str(folder)},
        )  # fmt: skip
    text = log.read_text(errors="replace")
    runs = re.findall(r"number_of_executed_units: (\d+)", text) or re.findall(r"#(\d+)", text)
    verdict = "no crash" if done.returncode == 0 else f"CRASH, see {log}"
    count = int(runs[-1]) if runs else 0
    return f"{target:8} {seconds} s  {count:>9,} executions  {verdict}", not done.returncode


def main(seconds: str, place: str, workers: str = "2") -> int:
    """Fuzz everything; 1 if something crashed."""
    folder = Path(place)
    folder.mkdir(parents=True, exist_ok=True)
    each = max(1, int(seconds) // len(TARGETS))
    with ThreadPoolExecutor(int(workers)) as pool:
        found = list(pool.map(lambda target: fuzz(target, each, folder), TARGETS))
    print("\n".join(line for line, _ in found))
    return 0 if all(sound for _, sound in found) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
