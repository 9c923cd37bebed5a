"""Kills at random moments: the model is the old one or the new one, and the next run succeeds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("kill_loop.py")


@pytest.fixture(scope="module")
def loop() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kill_loop", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_thirty_kills_at_random_moments_lose_nothing(loop: ModuleType, tmp_path: Path) -> None:
    said = loop.kill_loop(30, 8, tmp_path)
    assert said.startswith("30 kills")
    assert "killed, old, litter" in said


@pytest.mark.keras
def test_ten_kills_of_verified_runs_lose_nothing(loop: ModuleType, tmp_path: Path) -> None:
    said = loop.kill_loop(10, 8, tmp_path, default_every=2)
    assert "build: " in said
    assert "'loaded by Keras': 1" in said


def test_a_model_that_is_neither_the_old_one_nor_the_new_one_is_noticed(
    loop: ModuleType, tmp_path: Path
) -> None:
    there = loop.Loop(tmp_path, 1)
    with there.model.open("r+b") as file:
        file.seek(600_000)
        file.write(b"damage")
    with pytest.raises(Exception, match="damaged"):
        there.check_whole(there.model)
    loop.large_archive(there.model, 1)  # as it was before any run: dense_a has relu
    there.set_to = loop.VALUES.index("tanh")
    with pytest.raises(AssertionError, match="neither"):
        there.check_whole(there.model)
