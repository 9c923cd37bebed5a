"""The corpus, made once a session."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the corpus, with its `index.json`."""
    folder = tmp_path_factory.mktemp("corpus") / "cases"
    subprocess.run([sys.executable, "-P", HERE / "make_corpus.py", folder], check=True, timeout=60)
    return folder
