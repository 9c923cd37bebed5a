"""What is fuzzed: functions of bytes that must end, and may raise `KoverError` alone.

With atheris they are driven by coverage (`fuzz.py`); the tests feed them seeds, mutations of
seeds, and every input that was ever found to crash one.
"""

from __future__ import annotations

import atexit
import contextlib
import copy
import io
import json
import math
import os
import random
import runpy
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from forked import forked_children
from hdf5_seeds import hdf5_seeds

from kover.archive.json_text import read_json_object
from kover.archive.limits import Limits
from kover.archive.reader import open_archive
from kover.archive.weights import WeightsFile, open_weights
from kover.cli.main import run
from kover.diffing.compare import compare_archives
from kover.errors import KoverError
from kover.modelconfig.dangers import danger_warnings
from kover.modelconfig.storage import storage_paths
from kover.modelconfig.tree import read_tree
from kover.planning.planner import ModelFacts, plan_specs
from kover.report.problems_text import problems_text
from kover.spec.loading import load_specs

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(tempfile.gettempdir()) / f"kover-fuzz-{os.getpid()}"
SPEC = """\
version: 1
overrides:
  - layers: {any: [{class: Dense}, {has: units}, {index: ":2"}, {where: {trainable: true}}]}
    expect: {min: 0}
    set: {activation: tanh, kernel_regularizer: {l2: 0.1}, trainable: false}
  - layers: "**/dense_*"
    expect: {min: 0}
    learning_rate: {multiply: 0.5}
compile: {optimizer: {learning_rate: 0.01}}
"""
ODD: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, float("nan"), "", "dense_a", "\x1b[1m", "a/b", [], {}, [[]],
    [None], {"class_name": "Dense", "config": {}}, {"class_name": "Dense", "config": None},
    {"class_name": "__lambda__", "config": {}}, [["dense_a", 0, 0]], {"name": "dense_a"},
    {"class_name": "Sequential", "config": {"name": "x", "layers": []}}, "Functional",
]  # fmt: skip


@cache
def base_archive() -> bytes:
    """A small sound archive."""
    path = _file("base.keras")
    archive_writers()["write_tiny_archive"](path)
    return path.read_bytes()


@cache
def archive_writers() -> dict[str, Any]:
    """What writes archives for all tests."""
    return runpy.run_path(str(ROOT / "tests" / "conftest.py"))


@cache
def base_config() -> dict[str, Any]:
    """Its config."""
    with zipfile.ZipFile(_written("base.keras", base_archive())) as archive:
        config: dict[str, Any] = json.loads(archive.read("config.json"))
    return config


@cache
def base_weights() -> bytes:
    """Its weights file."""
    with zipfile.ZipFile(_written("base.keras", base_archive())) as archive:
        return archive.read("model.weights.h5")


def fuzz_spec(data: bytes) -> None:
    """Spec text, planned against a model where it is valid."""
    path = _written("spec.yaml", data)
    with _kover_errors():
        specs = load_specs([str(path)], {})
        plan_specs(specs, read_tree(base_config()), _facts())


def fuzz_config(data: bytes) -> None:
    """A config: the base one with some values replaced as the bytes say, or its text."""
    spec = _file("config.spec.yaml")
    if not spec.exists():
        _written(spec.name, SPEC.encode())
    with _kover_errors():
        config = (
            read_json_object(data, "model", "config.json", Limits())
            if data[:1] == b"{"
            else mutated_config(data)
        )
        tree = read_tree(config)
        danger_warnings(config, "model")
        storage_paths(tree)
        plan_specs(load_specs([str(spec)], {}), tree, _facts())


def fuzz_zip(data: bytes) -> None:
    """An archive: opened, read to its end, and compared with a sound one."""
    path = _written("model.keras", data)
    base = _written("base.keras", base_archive())
    with _kover_errors(), open_archive(path) as archive, open_archive(base) as other:
        archive.check()
        compare_archives(archive, other, weights=False)


def fuzz_hdf5(data: bytes) -> None:
    """A weights file, listed and read by a process like the one that is made for it.

    libhdf5 may crash or hang on it, in that process. This one must end in time, and what it
    takes for an array must be one.
    """
    path = _written("model.weights.h5", data)
    limits = Limits(child_wall_s=2, child_attributes_s=1, child_read_s=2)
    with _kover_errors(), forked_children(), open_weights(path, limits) as file:
        _check_arrays(file, len(data))


def fuzz_commands(data: bytes) -> None:
    """The commands that list, draft and compare, on an archive with such a config."""
    config = mutated_config(data)
    model, spec = _file("commands.keras"), _written("commands.yaml", SPEC.encode())
    archive_writers()["write_archive_of"](model, config)
    base = str(_written("base.keras", base_archive()))
    with forked_children():
        for arguments in (
            ["show", str(model)],
            ["show", str(model), "dense_a", "--format", "json"],
            ["init", str(model)],
            ["schema", "--model", str(model)],
            ["diff", base, str(model)],
            ["diff", str(model), base, "--format", "spec"],
            ["validate", str(spec), "--model", str(model), "--format", "json"],
            ["apply", str(model), str(spec), "--dry-run", "--format", "markdown"],
        ):
            said = io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = run(["--traceback", *arguments])
            if code not in (0, 1, 2):
                raise AssertionError(f"{code}: {said.getvalue()[-4000:]}")


def _check_arrays(file: WeightsFile, length: int) -> None:
    for array in file.arrays.values():
        itemsize = 2 if array.dtype == "bfloat16" else int(array.dtype[2:])
        assert array.size_bytes == itemsize * math.prod(array.shape)
        if array.h5_offset is not None:
            assert 0 <= array.h5_offset <= length - array.size_bytes
        if array.size_bytes < 1 << 20:
            with _kover_errors():
                assert len(file.read(array)) == array.size_bytes


TARGETS: dict[str, Callable[[bytes], None]] = {
    "spec": fuzz_spec,
    "config": fuzz_config,
    "commands": fuzz_commands,
    "zip": fuzz_zip,
    "hdf5": fuzz_hdf5,
}


def seeds(target: str) -> list[bytes]:
    """Inputs to begin with."""
    if target == "spec":
        return [path.read_bytes() for path in sorted((ROOT / "specs").glob("*.yaml"))]
    if target in ("config", "commands"):
        steps = [random.Random(number).randbytes(24) for number in range(8)]
        return [*steps, json.dumps(base_config()).encode()] if target == "config" else steps
    return [base_archive()] if target == "zip" else [base_weights(), *hdf5_seeds()]


def mutated_config(data: bytes) -> dict[str, Any]:
    """The base config with values replaced, removed or repeated."""
    config = copy.deepcopy(base_config())
    steps = list(data[:64])
    while len(steps) >= 3:
        where, what, how = steps.pop(), steps.pop(), steps.pop()
        places = list(_places(config))
        holder, key = places[(where * 256 + how) % len(places)]
        if how % 16 == 0:
            del holder[key]
        elif how % 16 == 1 and isinstance(holder, list):
            holder.append(holder[key])
        elif how % 16 == 2:
            donor, name = places[(what * 7 + where) % len(places)]
            holder[key] = copy.deepcopy(donor[name])
        else:
            holder[key] = copy.deepcopy(ODD[what % len(ODD)])
        if not config:
            break
    return config


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    pending = [value]
    while pending:
        holder = pending.pop()
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            yield holder, key
            if isinstance(holder[key], (dict, list)):
                pending.append(holder[key])


def _facts() -> ModelFacts:
    return ModelFacts("model", "3.15.1", lambda: "0" * 64)


@contextlib.contextmanager
def _kover_errors() -> Iterator[None]:
    """Kover's own errors are answers, which can be printed; anything else is a crash."""
    try:
        yield
    except KoverError as error:
        problems_text(error.problems, lambda _: None, False)


def _file(name: str) -> Path:
    if not FOLDER.exists():
        FOLDER.mkdir()
        atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
    return FOLDER / name


def _written(name: str, data: bytes) -> Path:
    path = _file(name)
    path.write_bytes(data)
    return path
