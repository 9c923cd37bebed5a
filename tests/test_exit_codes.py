"""Exit codes: every kind of error through the command line, and a bug is 70 and never 1."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from kover.archive.reader import Archive
from kover.cli.main import run
from kover.errors import (
    AnswerIsNo,
    InputError,
    KerasError,
    KoverError,
    OutputError,
    UsageError,
    VerificationError,
)

GOOD = "version: 1\noverrides:\n  - layers: dense_a\n    set: {activation: tanh}\n"
ERRORS = {
    AnswerIsNo: 1,
    InputError: 2,
    KerasError: 2,
    KoverError: 2,
    OutputError: 2,
    UsageError: 2,
    VerificationError: 2,
}


def subclasses(kind: type) -> set[type]:
    return {kind, *(each for child in kind.__subclasses__() for each in subclasses(child))}


@pytest.fixture
def here(tiny_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GOOD)
    Path("bad.yaml").write_text("version: 1\noverides: []\n")
    Path("misfit.yaml").write_text(GOOD.replace("dense_a", "dense_z"))
    assert tiny_archive.name == "tiny.keras"
    return tmp_path


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("--version", 0),
        ("--help", 0),
        ("validate good.yaml", 0),
        ("validate good.yaml --model tiny.keras", 0),
        ("validate bad.yaml", 1),
        ("validate misfit.yaml", 0),
        ("validate misfit.yaml --model tiny.keras", 1),
        ("validate nobody.yaml", 2),
        ("validate good.yaml --model nobody.keras", 2),
        ("validate good.yaml --model good.yaml", 2),
        ("validate", 2),
        ("diff tiny.keras tiny.keras --exit-code", 0),
        ("diff tiny.keras nobody.keras", 2),
        ("diff tiny.keras good.yaml", 2),
        ("show tiny.keras", 0),
        ("show good.yaml", 2),
        ("show tiny.keras nobody", 2),
        ("init tiny.keras", 0),
        ("init good.yaml", 2),
        ("schema", 0),
        ("schema --model good.yaml", 2),
        ("explain unknown-layer", 0),
        ("explain nobody", 2),
        ("nobody", 2),
        ("apply tiny.keras good.yaml --dry-run", 0),
        ("apply tiny.keras bad.yaml --verify none", 1),
        ("apply tiny.keras misfit.yaml --verify none", 1),
        ("apply tiny.keras good.yaml --verify nobody", 2),
        ("apply tiny.keras good.yaml -o out.h5 --verify none", 2),
        ("apply tiny.keras good.yaml -o nobody/out.keras --verify none", 2),
        ("apply tiny.keras good.yaml -o tiny.keras --verify none", 2),
        ("apply nobody.keras good.yaml --verify none", 2),
        ("apply tiny.keras good.yaml -p nobody=1 --verify none", 1),
        ("apply tiny.keras good.yaml --in-place -o out.keras --verify none", 2),
    ],
)
def test_each_way_to_end_has_its_code(here: Path, line: str, code: int) -> None:
    before = {path: path.read_bytes() for path in here.iterdir()}
    assert run(line.split()) == code
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_differences_end_with_1_when_asked(here: Path) -> None:
    new = ["-o", "new.keras", "--verify", "none", "--no-report"]
    assert run(["apply", "tiny.keras", "good.yaml", *new]) == 0
    assert run(["diff", "tiny.keras", "new.keras", "--exit-code"]) == 1
    assert run(["diff", "tiny.keras", "new.keras"]) == 0


def test_every_error_class_is_known_here() -> None:
    kovers = {each for each in subclasses(KoverError) if each.__module__.startswith("kover.")}
    assert kovers == set(ERRORS)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("line", ["show tiny.keras", "diff tiny.keras tiny.keras",
                                  "apply tiny.keras good.yaml --dry-run"])  # fmt: skip
def test_every_error_class_ends_with_its_code(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, kind: type[KoverError], line: str
) -> None:
    def fail(_: Archive) -> None:
        raise kind.at("some-code", "it went wrong")

    monkeypatch.setattr(Archive, "_read_config", fail)
    assert run(line.split()) == ERRORS[kind]
    assert "error[some-code]: it went wrong" in capsys.readouterr().err
    assert sorted(path.suffix for path in here.iterdir()) == [".keras", *[".yaml"] * 3]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyError("x\x1b[31m"), 70),
        (RecursionError("deep"), 70),
        (AssertionError(), 70),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), 70),
        (ZeroDivisionError("x" * 5000), 70),
        (MemoryError(), 2),
        (OSError(28, "No space left on device"), 2),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_what_nobody_expected_is_70_with_a_short_report(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, error: BaseException, code: int
) -> None:
    def fail(_: Archive) -> None:
        raise error

    monkeypatch.setattr(Archive, "_read_config", fail)
    for line in ("show tiny.keras", "apply tiny.keras good.yaml --verify none"):
        assert run(line.split()) == code
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert "\x1b" not in said
        assert len(said) < 1500
        if code == 70:
            assert type(error).__name__ in said
            assert sys.version.split()[0] in said
    assert sorted(path.suffix for path in here.iterdir()) == [".keras", *[".yaml"] * 3]
