"""The diff driver in real repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kover.cli.main import run

Git = Callable[..., str]
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with an empty git config, apart from this machine's."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "n")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "n@example.invalid")
    return folder


@pytest.fixture
def git(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """A repository that is the current folder."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def call(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    call("init", "-q")
    return call


@pytest.fixture
def models(git: Git, tiny_config: dict[str, Any], archive_of: Any) -> None:
    """A model in two versions: one commit, and one in the working tree."""
    archive_of(Path("m.keras"), tiny_config)
    git("add", "m.keras")
    git("commit", "-qm", "first")
    tiny_config["config"]["layers"][1]["config"]["activation"] = "tanh"
    archive_of(Path("m.keras"), tiny_config)


@pytest.mark.parametrize(
    "name",
    ["--help.keras", "-x.keras", "a b.keras", "new\nline.keras", "$(touch ran).keras", "ünï.keras"],
)
def test_a_model_may_have_any_name(
    name: str, git: Git, tiny_config: dict[str, Any], archive_of: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    archive_of(Path(name), tiny_config)
    git("add", ".")
    git("commit", "-qm", "first")
    tiny_config["config"]["layers"][1]["config"]["activation"] = "tanh"
    archive_of(Path(name), tiny_config)
    assert run(["git", "enable"]) == 0
    assert "+  activation: tanh" in git("diff")
    assert [path.name for path in Path().glob("ran*")] == []


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("scope", [[], ["--global"]])
def test_git_shows_layers_once_it_is_enabled_and_no_more_when_disabled(
    scope: list[str], git: Git
) -> None:
    assert "Binary files" in git("diff")
    assert run(["git", "enable", *scope]) == 0
    assert run(["git", "enable", *scope]) == 0
    changed = [line for line in git("diff").splitlines() if line[:1] in "+-" and line[:3] != "+++"]
    assert changed == ["--- a/m.keras", "-  activation: relu", "+  activation: tanh"]
    assert "@@ layer " in git("diff", "-U0").replace(git("diff", "-U0").split("@@")[1], " ", 1)
    git("commit", "-qam", "second")
    assert "+  activation: tanh" in git("log", "-p")
    assert git("status", "--porcelain") == ""
    assert run(["git", "disable", *scope]) == 0
    assert "Binary files" in git("diff", "HEAD~1")


def test_what_else_is_in_the_attributes_stays(git: Git) -> None:
    attributes = Path(".git/info/attributes")
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("*.png binary\n")
    assert run(["git", "enable"]) == 0
    assert attributes.read_text() == "*.png binary\n*.keras diff=kover\n"
    assert run(["git", "disable"]) == 0
    assert attributes.read_text() == "*.png binary\n"
    assert "kover" not in git("config", "--list")


@pytest.mark.usefixtures("models")
def test_a_file_that_is_no_model_does_not_stop_git(git: Git) -> None:
    assert run(["git", "enable"]) == 0
    Path("m.keras").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "+unreadable: " in git("diff")


@pytest.mark.usefixtures("home")
def test_outside_a_repository_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert run(["git", "enable"]) == 2
    assert "error[no-repository]" in capsys.readouterr().err


@pytest.mark.usefixtures("git")
def test_without_git_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert run(["git", "enable"]) == 2
    assert "error[no-git]" in capsys.readouterr().err


@pytest.mark.usefixtures("git")
def test_a_config_that_git_cannot_write_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".git/config.lock").touch()
    assert run(["git", "enable"]) == 2
    assert "error[git-failed]" in capsys.readouterr().err


def test_the_lines_tell_nothing_of_where_the_file_is(tiny_archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.keras"
    shutil.copy(tiny_archive, other)
    texts = [
        subprocess.run(
            [sys.executable, "-P", "-m", "kover", "git", "textconv", path],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for path in (tiny_archive, other)
    ]
    assert texts[0] == texts[1]
    assert texts[0].startswith("model Sequential tiny\n")
