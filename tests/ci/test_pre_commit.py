"""The hooks, run by the real pre-commit on a scratch repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
GOOD = "version: 1\ncompile: {loss: mse}\n"
BAD = "version: 1\ncompile: {los: mse}\n"
HOOKS_NEED = (
    "kover",
    "schemas",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    ".pre-commit-hooks.yaml",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps its environments; nothing of the person's own."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory, project_root: Path, home: Path) -> Path:
    """A repository with what is released of the project."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path_factory.mktemp("hooks")
    for name in HOOKS_NEED:
        source = project_root / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    commit(folder, home)
    return folder


def run(command: list[str], folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    tools = Path(sys.executable).parent
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HOME": str(home),
        "PRE_COMMIT_HOME": str(home / "pre-commit"),
        "PRE_COMMIT_COLOR": "never",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def commit(folder: Path, home: Path) -> None:
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "all"],
    ):
        done = run(["git", *command], folder, home)
        assert done.returncode == 0, done.stdout


def scratch(folder: Path, hooks: Path, home: Path, hook: str) -> Path:
    """A repository with two specs and a YAML file that is none, whose commits run the hook."""
    (folder / "specs").mkdir()
    (folder / "specs" / "good.yaml").write_text(GOOD)
    (folder / "head.kover.yaml").write_text(BAD)
    (folder / "docker-compose.yaml").write_text("services: {}\n")
    (folder / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {hooks}\n  rev: main\n  hooks: [{hook}]\n"
    )
    commit(folder, home)
    return folder


def check(folder: Path, home: Path) -> None:
    """The bad spec is refused at its place; corrected, it passes."""
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
    done = run(command, folder, home)
    assert done.returncode == 1, done.stdout
    assert "head.kover.yaml:2:11: error[unknown-key]" in done.stdout
    assert "docker-compose" not in done.stdout
    (folder / "head.kover.yaml").write_text(GOOD)
    done = run(command, folder, home)
    assert done.returncode == 0, done.stdout
    assert "Passed" in done.stdout


def test_the_hook_with_an_installed_kover(tmp_path: Path, hooks: Path, home: Path) -> None:
    check(scratch(tmp_path, hooks, home, "{id: kover-validate-installed}"), home)


def test_the_hook_that_installs_kover_itself(
    tmp_path: Path, hooks: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `validate` needs is installed from the registry, without Keras and its backend."""
    monkeypatch.setenv("PIP_NO_DEPS", "1")
    light = (
        "click, pyyaml, jsonschema, attrs, referencing, jsonschema-specifications, rpds-py,"
        " typing-extensions, packaging"
    )
    hook = f"{{id: kover-validate, additional_dependencies: [{light}]}}"
    folder = scratch(tmp_path, hooks, home, hook)
    done = run([sys.executable, "-m", "pre_commit", "install-hooks"], folder, home)
    if done.returncode:
        pytest.skip(f"pip cannot install what the hook needs: {done.stdout[-300:]}")
    check(folder, home)


def test_what_is_copied_is_what_is_released(project_root: Path) -> None:
    assert all((project_root / name).exists() for name in HOOKS_NEED)
