"""`kover diff` as a process: result, exit code, streams, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def other_archive(tiny_archive: Path, tmp_path: Path) -> Path:
    """The tiny archive with another activation."""
    target = tmp_path / "other.keras"
    with zipfile.ZipFile(tiny_archive) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                data = data.replace(b'"softmax"', b'"sigmoid"')
            new.writestr(zipfile.ZipInfo(name), data)
    return target


def test_the_result_goes_to_stdout_without_colour(
    run_kover: Any, tiny_archive: Path, other_archive: Path
) -> None:
    done = run_kover("diff", "tiny.keras", "other.keras", cwd=tiny_archive.parent)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "tiny.keras → other.keras"
    assert "      activation   softmax → sigmoid" in lines
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("options", "code"),
    [([], (0, 0)), (["--exit-code"], (0, 1))],
)
def test_differences_are_an_exit_code_only_when_asked(
    run_kover: Any,
    tiny_archive: Path,
    other_archive: Path,
    options: list[str],
    code: tuple[int, int],
) -> None:
    for other, expected in zip((tiny_archive, other_archive), code, strict=True):
        done = run_kover("diff", *options, "-q", tiny_archive, other)
        assert (done.returncode, done.stdout, done.stderr) == (expected, "", "")


def test_json_is_for_machines(run_kover: Any, tiny_archive: Path, other_archive: Path) -> None:
    done = run_kover("diff", "--format", "json", tiny_archive, other_archive)
    found = json.loads(done.stdout)
    assert (done.returncode, found["identical"], found["weights"]["equal"]) == (0, False, 4)
    assert len(found["before"]["sha256"]) == 64


def test_identical_models_are_said_to_be(run_kover: Any, tiny_archive: Path) -> None:
    done = run_kover("diff", "--no-weights", tiny_archive, tiny_archive)
    assert done.stdout.startswith("identical: ")
    assert "weights not compared" in done.stdout


def test_an_unreadable_archive_is_exit_code_2(
    run_kover: Any, tiny_archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.keras").write_text("no model")
    for bad in ("missing.keras", "text.keras"):
        for pair in ((bad, tiny_archive), (tiny_archive, bad)):
            done = run_kover("diff", "--exit-code", *pair, cwd=tmp_path)
            assert (done.returncode, done.stdout) == (2, "")
            assert bad in done.stderr
            assert "Traceback" not in done.stderr


def test_an_ascii_terminal_gets_ascii(
    run_kover: Any, tiny_archive: Path, other_archive: Path
) -> None:
    done = run_kover(
        "diff", tiny_archive, other_archive, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    )
    assert (done.returncode, done.stdout.isascii()) == (0, True)
    assert "softmax -> sigmoid" in done.stdout


def test_a_closed_pipe_is_no_traceback(tiny_archive: Path, other_archive: Path) -> None:
    command = f"{sys.executable} -P -m kover diff {tiny_archive} {other_archive} | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_keras_is_not_imported(tiny_archive: Path, other_archive: Path) -> None:
    code = (
        "import sys; from kover.cli.main import run; code = run(['diff', *sys.argv[1:]]);"
        "heavy = {'keras', 'tensorflow', 'numpy', 'h5py', 'rich', 'jsonschema', 'yaml'};"
        "print(sorted(heavy & set(sys.modules)), code, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tiny_archive, other_archive],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "[] 0\n"
