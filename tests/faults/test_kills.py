"""Kills at random moments: the model is the old one or the new one, and the next run succeeds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("kill_loop.py")


def test_thirty_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("kill_loop", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said = module.kill_loop(30, 8, tmp_path)
    assert said.startswith("30 kills")
    assert "killed" in said
