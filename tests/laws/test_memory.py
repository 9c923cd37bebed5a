"""What `kover apply` needs: Keras itself, and one array at a time, however large the model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.keras, pytest.mark.slow]

MB = 1 << 20
WIDTH, DEPTH = 2048, 4  # 16 MB an array, three of each with Adam: some 200 MB
LARGEST = WIDTH * WIDTH * 4
MAKE = f"""
import sys, keras, numpy
wide = [keras.layers.Dense({WIDTH}, name=f"wide_{{i}}") for i in range({DEPTH})]
model = keras.Sequential([keras.Input(({WIDTH},)), *wide, keras.layers.Dense(2, name="head")])
model.compile("adam", "mse", run_eagerly=True)
model.train_on_batch(numpy.ones((2, {WIDTH}), "float32"), numpy.ones((2, 2), "float32"))
model.save(sys.argv[1])
"""
MEASURE = """
import os, subprocess, sys
with open(sys.argv[1], "wb") as log:
    process = subprocess.Popen(sys.argv[2:], stdout=log, stderr=log)
    _, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(usage.ru_maxrss)
sys.exit(process.returncode)
"""  # in a small process: a peak begins at what the parent held when it forked
FREEZE_HALF = """\
version: 1
overrides:
  - layers: wide_[01]
    set: {trainable: false}
"""
CONFIG_ONLY = """\
version: 1
overrides:
  - layers: wide_*
    set: {kernel_regularizer: {l2: 1e-4}, activation: relu}
"""

Peak = Callable[[str], int]


def peak_bytes(arguments: list[str], log: Path) -> int:
    """Peak memory of a process or of the largest it starts, whichever is more."""
    command = [sys.executable, "-I", "-S", "-c", MEASURE, log, sys.executable, "-P", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, log.read_text(errors="replace")[-2000:]
    return int(done.stdout) * 1024


SAVING = "import keras; keras.saving.serialize_keras_object(keras.layers.Dense(1))"


@pytest.fixture(scope="module")
def large_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("memory") / "large.keras"
    subprocess.run([sys.executable, "-P", "-c", MAKE, path], check=True, capture_output=True)
    assert path.stat().st_size > 180 * MB
    return path


@pytest.fixture(scope="module")
def import_bytes(large_model: Path) -> int:
    """What `import keras` alone needs, with all that Keras imports to save a layer."""
    log = large_model.with_name("import.log")
    return min(peak_bytes(["-c", SAVING], log) for _ in range(2))


@pytest.fixture
def applied(large_model: Path) -> Peak:
    """The peak memory of applying the text of a spec to the large model."""

    def measure(text: str) -> int:
        spec = large_model.with_name("spec.yaml")
        spec.write_text(text)
        output = large_model.with_name("after.keras")
        options = ["-o", str(output), "--force", "--no-report"]
        log = large_model.with_name("apply.log")
        return peak_bytes(["-m", "kover", "apply", str(large_model), str(spec), *options], log)

    return measure


def test_carrying_the_optimizers_state_takes_no_more_than_keras_and_one_array(
    applied: Peak, import_bytes: int
) -> None:
    assert applied(FREEZE_HALF) <= 1.3 * (import_bytes + LARGEST)


def test_a_change_of_config_alone_takes_no_more_than_keras(
    applied: Peak, import_bytes: int
) -> None:
    assert applied(CONFIG_ONLY) <= import_bytes + 100 * MB
