"""What a change costs on a large archive, where only its settings change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

MEGABYTES = 150
MOST_MEGABYTES = 750
SPEC = """\
version: 1
overrides:
  - layers: dense_a
    set: {kernel_regularizer: {l2: 1e-3}, activation: tanh}
"""


class Measured(NamedTuple):
    """A finished process."""

    seconds: float
    peak_megabytes: float


def measure(*command: str | Path, cwd: Path) -> Measured:
    """Run a command; the peak is that of the process and its children, whichever is largest."""
    code = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(code)"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *map(os.fspath, command)],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Measured(time.monotonic() - began, int(done.stdout) / 1024)


@pytest.mark.keras
@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in kB on Linux")
@pytest.mark.needs_backend("tensorflow")  # others import TensorFlow beside themselves
def test_a_change_of_settings_needs_no_more_memory_than_keras_itself(
    tmp_path: Path, wide_archive: Callable[[str, float], Path]
) -> None:
    model = wide_archive("large.keras", MEGABYTES)
    assert model.stat().st_size == pytest.approx(MEGABYTES * 1e6, rel=0.01)
    (tmp_path / "spec.yaml").write_text(SPEC)
    kover = [sys.executable, "-P", "-m", "kover", "apply", "large.keras", "spec.yaml"]
    importing = measure(sys.executable, "-c", "import keras", cwd=tmp_path)
    began = time.monotonic()
    shutil.copy(model, tmp_path / "copy.keras")
    copying = time.monotonic() - began
    default = measure(*kover, "-o", "build.keras", cwd=tmp_path)
    alone = measure(*kover, "-o", "none.keras", "--verify", "none", cwd=tmp_path)
    for name, run in (("import keras", importing), ("default", default), ("none", alone)):
        print(
            f"{name}: {run.seconds:.2f} s ({run.seconds / copying:.1f} copies, "
            f"{run.seconds / importing.seconds:.2f} imports), {run.peak_megabytes:.0f} MB"
        )
    assert default.peak_megabytes < MOST_MEGABYTES
    assert alone.peak_megabytes < MEGABYTES
