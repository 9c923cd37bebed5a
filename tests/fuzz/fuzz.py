"""Fuzz by coverage: fuzz.py TARGET SECONDS CORPUS. Ends with 1 at a crash, the input beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent))

with atheris.instrument_imports(include=["kover"]):
    import targets


def main(target: str, seconds: str, corpus: str) -> None:
    """Fuzz one target for so long."""
    folder = Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.seeds(target)):
        (folder / f"seed-{number}").write_bytes(seed)
    largest = max(path.stat().st_size for path in folder.iterdir())
    options = [f"-max_total_time={seconds}", "-timeout=30", "-rss_limit_mb=2048",
               f"-max_len={max(4096, 2 * largest)}", f"-artifact_prefix={folder}.crash-",
               "-print_final_stats=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(folder)], targets.TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
