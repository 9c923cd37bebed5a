"""The cases that carry code or odd values, applied with Keras: refused or handled, nothing runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.keras, pytest.mark.slow]
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def results(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("results")
    canary = tmp_path_factory.mktemp("canary")
    (canary / "canary_module.py").write_text("open('CANARY_module', 'w')\n")
    environment = {**os.environ, "KOVER_CANARY": str(canary), "PYTHONPATH": str(canary)}
    out = folder / "results.jsonl"
    done = subprocess.run(
        [sys.executable, "-P", HERE / "run_cases.py", corpus, out, "0", "1", "keras"],
        env=environment,
        cwd=folder,
        check=False,
        timeout=1500,
    )
    assert done.returncode == 0
    assert sorted(path.name for path in canary.glob("CANARY*")) == []
    assert sorted(path.name for path in folder.iterdir()) == ["results.jsonl"]
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_keras_gets_nothing_that_a_model_is_not_made_of(
    corpus: Path, results: list[dict[str, Any]]
) -> None:
    verdicts = {
        case["name"]: case["verdict"] for case in json.loads((corpus / "index.json").read_text())
    }
    runs = [found for found in results if "done" not in found]
    assert len(runs) > 60
    wrong = [
        (found["name"], found["code"], found["said"][:300])
        for found in runs
        if found["code"] not in {"ok": {0}, "code": {1, 2}}.get(verdicts[found["name"]], {0, 1, 2})
        or (found["left"] and found["code"])
        or found["unprintable"]
        or found["opened"]
        or "internal error" in found["said"]
        or "Traceback" in found["said"]
    ]
    assert wrong == []
