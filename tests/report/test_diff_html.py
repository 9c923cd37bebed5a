"""One HTML page: complete in itself, its graph marked, every change in its text."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from kover.archive.reader import open_archive
from kover.diffing.compare import compare_archives
from kover.diffing.report import Report
from kover.errors import UsageError
from kover.report.diff_html import report_html
from kover.report.show_html import shown_html
from kover.showing.collect import show_archive


@pytest.fixture
def page(tiny_archive: Path, tmp_path: Path, tiny_config: dict[str, Any], archive_of: Any) -> str:
    layers = tiny_config["config"]["layers"]
    layers[1]["config"]["activation"] = "tanh"
    layers.insert(
        2,
        {
            "module": "keras.layers",
            "class_name": "Dropout",
            "config": {"name": "drop", "rate": 0.5},
            "registered_name": None,
        },
    )
    archive_of(tmp_path / "b.keras", tiny_config)
    with open_archive(tiny_archive) as one, open_archive(tmp_path / "b.keras") as other:
        return report_html(Report(compare_archives(one, other, histograms=True)))


def test_each_layer_is_a_node_and_those_that_differ_are_marked(page: str) -> None:
    nodes = dict(re.findall(r'<g class="node (\w+)[^"]*" data-id="\d+" data-path="(\w+)"', page))
    assert nodes == {"equal": "dense_b", "changed": "dense_a", "added": "drop"}
    assert page.count('class="wire') == 3


def test_a_change_is_in_the_text_of_the_page_and_behind_the_click(page: str) -> None:
    visible, _, hidden = page.partition("<template")
    for part in (visible, hidden):
        assert '<code>activation</code></td><td><code class="old">relu</code>' in part
        assert '<code class="new">tanh</code>' in part


def test_the_page_loads_nothing_and_runs_only_its_own_script(page: str) -> None:
    assert not re.search(r'(src|href)="(?!data:,")', page)
    assert "url(" not in page
    assert "@import" not in page
    assert "http" not in page.replace("http-equiv", "")
    script = page.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    assert " style=" not in page


def test_the_same_models_give_the_same_page(tiny_archive: Path) -> None:
    with open_archive(tiny_archive) as archive:
        assert shown_html(show_archive(archive)) == shown_html(show_archive(archive))


def test_without_the_extra_it_says_how_to_get_it(
    tiny_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with open_archive(tiny_archive) as archive, pytest.raises(UsageError) as raised:
        shown_html(show_archive(archive))
    assert raised.value.problems[0].code == "missing-extra"
    assert "kover[html]" in str(raised.value.problems[0].help)


def test_every_real_model_has_a_page(real_models: Path) -> None:
    for path in sorted(real_models.glob("*.keras")):
        with open_archive(path) as archive:
            shown = show_archive(archive)
            assert shown_html(shown).count('<g class="node') == len(shown.layers)
