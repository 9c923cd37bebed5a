"""Twice the layers, twice the work: calls are counted, as time depends on who else is working."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from kover.cli.main import run

HERE = Path(__file__).resolve().parent
SIZES = (20, 40, 80, 160)  # the first one only to import what is needed
GROWTH = 2.5  # from step to step, where 2 is linear and 4 quadratic
COMMANDS = {
    "validate": "validate spec.yaml --model plain.keras",
    "dry-run": "apply plain.keras spec.yaml --dry-run",
    "none": "apply plain.keras spec.yaml --verify none -o out.keras --force",
    "diff": "diff plain.keras changed.keras",
    "diff-html": "diff plain.keras changed.keras --format html",
    "diff-spec": "diff plain.keras changed.keras --format spec",
    "diff-renamed": "diff plain.keras renamed.keras",
    "show": "show plain.keras",
    "show-nested": "show nested.keras",
    "init": "init plain.keras -o starter.yaml --force",
    "schema": "schema --model plain.keras",
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each size, with the models, and a spec of as many overrides."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        make_large = importlib.import_module("make_large")
    top = tmp_path_factory.mktemp("linear")
    for size in SIZES:
        folder = top / str(size)
        folder.mkdir()
        for name, variant in make_large.VARIANTS.items():
            make_large.write(folder / f"{name}.keras", size, variant)
        make_large.write(folder / "nested.keras", size, make_large.Variant(), inner=True)
        (folder / "spec.yaml").write_text(overrides(size))
    return top


def overrides(count: int) -> str:
    """As many overrides as layers; the last one meets them all."""
    blocks = count // 5 - 1
    lines = ["version: 1", "overrides:"]
    for number in range(count):
        lines += [
            f"  - layers: large_block{number % blocks}_2",
            f"    set: {{rate: 0.{1000 + number}}}",
        ]
    return "\n".join([*lines, '  - layers: "*_block*"', "    set: {trainable: false}", ""])


def calls_of(action: Callable[[], object]) -> int:
    """How many functions are called, Python's and built-in ones."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("command", COMMANDS)
def test_work_grows_as_the_model_does(
    models: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[int] = []
    codes: list[int] = []
    for size in SIZES:
        monkeypatch.chdir(models / str(size))
        calls.append(calls_of(lambda: codes.append(run(COMMANDS[command].split()))))
        capsys.readouterr()
    assert not any(codes)
    _, few, some, many = calls
    assert many - some < GROWTH * (some - few), calls


def test_quadratic_work_would_show() -> None:
    def quadratic(size: int) -> None:
        for number in range(size):
            for other in range(number):
                abs(other)

    few, some, many = (calls_of(partial(quadratic, size)) for size in SIZES[1:])
    assert many - some > GROWTH * (some - few)
