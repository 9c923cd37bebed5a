"""What a GitHub workflow gets when it asks: the step's summary, and outputs for later steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from kover.cli.github import write_github
from kover.cli.main import run

GOOD = "version: 1\ncompile: {loss: mse}\n"
BAD = "version: 1\ncompile: {los: mse}\n"


@pytest.fixture
def workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The files of a step; both have something in them already."""
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GOOD)
    Path("bad.yaml").write_text(BAD)
    files = (tmp_path / "summary.md", tmp_path / "output")
    for name, path in zip(("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"), files, strict=True):
        path.write_text("before\n")
        monkeypatch.setenv(name, str(path))
    return files


def test_nothing_is_written_unless_asked(workflow: tuple[Path, Path]) -> None:
    assert run(["validate", "good.yaml"]) == 0
    assert [path.read_text() for path in workflow] == ["before\n", "before\n"]


@pytest.mark.parametrize("format_", ["text", "github", "json", "sarif"])
def test_validate_reports_what_it_found(format_: str, workflow: tuple[Path, Path]) -> None:
    command = ["validate", "good.yaml", "bad.yaml", "--github-summary", "--format", format_]
    assert run(command) == 1
    summary, output = (path.read_text() for path in workflow)
    assert summary.startswith("before\n### kover validate\n")
    assert "| good.yaml | yes |\n| bad.yaml | no |" in summary
    assert "| error | bad.yaml:2:11 | `unknown-key` |" in summary
    assert output == "before\nvalid=false\nerrors=1\nwarnings=0\n"


def test_valid_specs_set_the_output(workflow: tuple[Path, Path]) -> None:
    assert run(["validate", "good.yaml", "--github-summary", "-q"]) == 0
    assert workflow[1].read_text().endswith("valid=true\nerrors=0\nwarnings=0\n")


def test_a_value_cannot_set_another_output(workflow: tuple[Path, Path]) -> None:
    write_github("t", ["row"], {"path": "a\nvalid=true"})
    rows = workflow[1].read_text().splitlines()[1:]
    assert rows[0].startswith("path<<end-")
    assert rows[1:] == ["a", "valid=true", rows[0].removeprefix("path<<")]


def test_a_name_cannot_write_markup(workflow: tuple[Path, Path]) -> None:
    name = "x|<img src=y>`[a](b).yaml"
    Path(name).write_text(BAD)
    assert run(["validate", name, "--github-summary"]) == 1
    summary = workflow[0].read_text()
    assert "<img" not in summary
    assert "[a](" not in summary


def test_outside_of_a_workflow_it_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GOOD)
    assert run(["validate", "good.yaml", "--github-summary"]) == 0
    assert "note[no-workflow]" in capsys.readouterr().err
