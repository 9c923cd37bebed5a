"""`kover apply`: what is told of a model never takes a model's place; folders are no models."""

from __future__ import annotations

from pathlib import Path

import pytest

from kover.cli.main import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_folder(tiny_archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_archive.parent)
    Path("spec.yaml").write_text("version: 1\ncompile: {loss: mae}\n")


@pytest.mark.parametrize("place", ["tiny.keras", "./tiny.keras", "link.keras", "new.keras"])
def test_a_saved_spec_never_takes_the_place_of_a_model(place: str, capsys: Capture) -> None:
    Path("link.keras").symlink_to("tiny.keras")
    before = Path("tiny.keras").read_bytes()
    command = ["apply", "tiny.keras", "spec.yaml", "-o", "new.keras", "--verify", "none"]
    assert run([*command, "--force", "--save-spec", place]) == 2
    assert f"'{place}' is a model's place" in capsys.readouterr().err
    assert Path("tiny.keras").read_bytes() == before
    assert not Path("new.keras").exists()


def test_a_report_never_takes_the_place_of_a_model(capsys: Capture) -> None:
    Path("tiny.keras").rename("tiny.json")
    before = Path("tiny.json").read_bytes()
    command = ["apply", "tiny.json", "spec.yaml", "-o", "new.keras", "--verify", "none"]
    assert run([*command, "--report", "tiny.json"]) == 2
    assert Path("tiny.json").read_bytes() == before


@pytest.mark.parametrize("model", [".", "/", ".."])
def test_a_folder_without_a_name_is_no_model(model: str, capsys: Capture) -> None:
    assert run(["apply", model, "spec.yaml", "--no-report"]) == 2
    assert run(["apply", model, "spec.yaml"]) == 2
    assert "this is a directory" in capsys.readouterr().err
