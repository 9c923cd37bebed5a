"""The HTML report of an apply shows how far re-created weights are from the old ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

SPEC = "version: 1\noverrides: [{layers: hidden, reinitialize: true}]\n"


def test_re_created_weights_have_histograms(
    demo_model: Path, tmp_path: Path, run_kover: Any
) -> None:
    (tmp_path / "s.yaml").write_text(SPEC)
    reports = ["--report", "r.html", "--report", "r.json"]
    done = run_kover("apply", demo_model, "s.yaml", "-o", "b.keras", *reports, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "r.html").read_text()
    _, _, about = page.partition('<template id="about-')
    kernel, bias = (about.index(f"<p><code>{name}</code>") for name in ("kernel", "bias"))
    assert page.count('<svg class="histogram"') == 2
    assert kernel < about.index("entries changed by less than") < bias
