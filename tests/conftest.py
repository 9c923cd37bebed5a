"""Fixtures that several packages' tests share. Nothing here imports Keras."""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

# For this process and all that it starts: no GPU search, no start-up chatter of TensorFlow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
for name in (
    "NO_COLOR",
    "FORCE_COLOR",
    "KERAS_BACKEND",
    "COLUMNS",
    "GITHUB_ACTIONS",
    "GITHUB_OUTPUT",
    "GITHUB_STEP_SUMMARY",
):
    os.environ.pop(name, None)
if backend := os.environ.get("KOVER_TEST_BACKEND"):
    os.environ["KERAS_BACKEND"] = backend

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell starts what runs in the background; all that the tests start would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile(
    "kover",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("kover")

ROOT = Path(__file__).resolve().parent.parent

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what the installed Keras does not have, or what its backend does not do."""
    for item in items:
        for needed in item.iter_markers("needs_keras"):
            if _keras_version() not in SpecifierSet(needed.args[0]):
                item.add_marker(pytest.mark.skip(f"needs Keras {needed.args[0]}"))
        for needed in item.iter_markers("needs_backend"):
            if os.environ.get("KERAS_BACKEND", "tensorflow") not in needed.args:
                item.add_marker(pytest.mark.skip(f"needs the backend {' or '.join(needed.args)}"))


def _keras_version() -> Version:
    """That of the installed Keras, without importing it; 0 where there is none."""
    try:
        return Version(importlib.metadata.version("keras"))
    except importlib.metadata.PackageNotFoundError:
        return Version("0")


@pytest.fixture(autouse=True)
def no_open_name_scopes() -> None:
    """A build that Keras refuses leaves name scopes open: the next test begins without them."""
    if "keras" in sys.modules:
        from keras.src.backend.common import global_state

        global_state.set_global_attribute("name_scope_stack", [])


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def run_kover() -> Run:
    """Run the command line in a process of its own; nothing is checked."""

    def run(
        *arguments: str | os.PathLike[str],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "kover", *map(os.fspath, arguments)],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def demo_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of `make demo`. Only for tests marked `keras`; copy it before changing it."""
    target = tmp_path_factory.mktemp("demo") / "flowers.keras"
    subprocess.run(
        [sys.executable, "-P", ROOT / "tests" / "make_demo_model.py", target],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return target


@pytest.fixture
def tiny_archive(tmp_path: Path) -> Path:
    """A two-layer Sequential with Adam state, written without Keras (Keras loads it)."""
    path = tmp_path / "tiny.keras"
    write_tiny_archive(path)
    return path


@pytest.fixture
def tiny_config() -> dict[str, Any]:
    """The `config.json` of `tiny_archive`."""
    return _tiny_config()


@pytest.fixture(scope="session")
def real_models() -> Path:
    """A folder of archives found in the wild; the test is skipped where there is none."""
    folder = Path(os.environ.get("KOVER_REAL_MODELS", ROOT.parent / "shared" / "models"))
    if not folder.is_dir():
        pytest.skip("no folder of real models (set KOVER_REAL_MODELS)")
    return folder


@pytest.fixture(scope="session")
def archive_of() -> Callable[..., None]:
    """Write an archive with a given `config.json`, and the weights of `tiny_archive`.

    A third argument is the version of the Keras that is said to have saved it.
    """
    return write_archive_of


def write_tiny_archive(path: Path, change: Callable[[dict[str, Any]], None] | None = None) -> None:
    """Write the archive of `tiny_archive`, its `config.json` changed by `change` first."""
    config = _tiny_config()
    if change is not None:
        change(config)
    write_archive_of(path, config)


def write_archive_of(path: Path, config: dict[str, Any], keras: str = "3.15.1") -> None:
    """Write an archive with that `config.json`, and the weights of the tiny model."""
    metadata = {"keras_version": keras, "date_saved": "2026-01-01@00:00:00"}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (
            ("metadata.json", json.dumps(metadata).encode()),
            ("config.json", json.dumps(config).encode()),
            ("model.weights.h5", _tiny_weights()),
        ):
            archive.writestr(zipfile.ZipInfo(name), data)


def _record(module: str, class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def _dense(name: str, units: int, activation: str, features: int) -> dict[str, Any]:
    config = {
        "name": name,
        "trainable": True,
        "dtype": _record("keras", "DTypePolicy", {"name": "float32"}),
        "units": units,
        "activation": activation,
        "use_bias": True,
        "kernel_initializer": _record("keras.initializers", "GlorotUniform", {"seed": None}),
        "bias_initializer": _record("keras.initializers", "Zeros", {}),
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
    }
    return {
        **_record("keras.layers", "Dense", config),
        "build_config": {"input_shape": [None, features]},
    }


def _tiny_config() -> dict[str, Any]:
    layers = [
        _record(
            "keras.layers",
            "InputLayer",
            {"batch_shape": [None, 4], "dtype": "float32", "sparse": False, "name": "input"},
        ),
        _dense("dense_a", 3, "relu", 4),
        _dense("dense_b", 2, "softmax", 3),
    ]
    adam = {
        "name": "adam",
        "learning_rate": 0.0010000000474974513,
        "weight_decay": None,
        "clipnorm": None,
        "global_clipnorm": None,
        "clipvalue": None,
        "use_ema": False,
        "ema_momentum": 0.99,
        "ema_overwrite_frequency": None,
        "loss_scale_factor": None,
        "gradient_accumulation_steps": None,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-07,
        "amsgrad": False,
    }
    return {
        **_record("keras", "Sequential", {"name": "tiny", "trainable": True, "layers": layers}),
        "build_config": {"input_shape": [None, 4]},
        "compile_config": {
            "optimizer": _record("keras.optimizers", "Adam", adam),
            "loss": "categorical_crossentropy",
            "loss_weights": None,
            "metrics": ["accuracy"],
            "weighted_metrics": None,
            "run_eagerly": False,
            "steps_per_execution": 1,
            "jit_compile": False,
        },
    }


def _tiny_weights() -> bytes:
    import h5py
    import numpy as np

    shapes = {"dense": ((4, 3), (3,)), "dense_1": ((3, 2), (2,))}
    names = {"dense": "dense_a", "dense_1": "dense_b"}
    state: list[Any] = [np.int64(5), np.float32(0.001)]
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for group, pair in shapes.items():
            variables = file.create_group(f"layers/{group}/vars")
            variables.attrs["name"] = names[group]
            for number, shape in enumerate(pair):
                values = np.arange(np.prod(shape), dtype="float32").reshape(shape) / 10
                variables.create_dataset(str(number), data=values)
                state += [values + 1, values + 2]
        slots = file.create_group("optimizer/vars")
        slots.attrs["name"] = "adam"
        for number, value in enumerate(state):
            slots.create_dataset(str(number), data=value)
    return buffer.getvalue()


@pytest.fixture
def hang_ups_count() -> Iterator[None]:
    """Undo what `nohup` did to this process: a child inherits that it ignores hang-ups."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
