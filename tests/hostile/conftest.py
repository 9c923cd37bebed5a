"""The corpus, made once a session. `KOVER_ALL_HOSTILE=1` runs all of its variations."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ODD = re.compile("._odd_")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the corpus, with its `index.json`."""
    folder = tmp_path_factory.mktemp("corpus") / "cases"
    subprocess.run([sys.executable, "-P", HERE / "make_corpus.py", folder], check=True, timeout=60)
    if not os.environ.get("KOVER_ALL_HOSTILE"):
        index = folder / "index.json"
        index.write_text(json.dumps(sampled(json.loads(index.read_text()))))
    return folder


def sampled(cases: list[dict[str, str]]) -> list[dict[str, str]]:
    """All cases but the odd ones, which vary one another: of these every fourth."""
    odd = [case for case in cases if ODD.match(case["name"])]
    left_out = {case["name"] for at, case in enumerate(odd) if at % 4}
    return [case for case in cases if case["name"] not in left_out]
