"""`--limit`, and how much of an archive each command reads: the same on all of them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kover.cli.main import run

SPEC = "version: 1\noverrides:\n  - layers: dense_a\n    set: {activation: tanh}\n"
LARGE = 17 << 20  # more than is read to its end by commands that need no weights


@pytest.fixture
def commands(tmp_path: Path, tiny_archive: Path) -> Callable[[Path], dict[str, list[str]]]:
    """Every command that reads an archive."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)

    def make(model: Path) -> dict[str, list[str]]:
        apply = ["apply", str(model), str(spec)]
        out = ["-o", str(tmp_path / "out.keras"), "--force", "--verify", "none"]
        return {
            "show": ["show", str(model)],
            "init": ["init", str(model)],
            "schema": ["schema", "--model", str(model)],
            "validate": ["validate", str(spec), "--model", str(model)],
            "plan": [*apply, "--dry-run"],
            "diff": ["diff", str(tiny_archive), str(model)],
            "apply": [*apply, *out],
        }

    return make


def flipped(path: Path, member: str, target: Path) -> Path:
    """The archive with one bit of a member changed."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        content = archive.read(member)
    data[data.index(content) + len(content) // 2] ^= 4
    target.write_bytes(data)
    return target


@pytest.fixture
def large(tmp_path: Path, tiny_archive: Path) -> Path:
    path = tmp_path / "large.keras"
    path.write_bytes(tiny_archive.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo("assets/large.bin"), bytes(LARGE))
    return path


def test_every_command_refuses_a_damaged_file(
    commands: Callable[[Path], dict[str, list[str]]],
    tiny_archive: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for member in ("config.json", "metadata.json", "model.weights.h5"):
        damaged = flipped(tiny_archive, member, tmp_path / "damaged.keras")
        for name, arguments in commands(damaged).items():
            assert (name, run(arguments)) == (name, 2)
            assert f"error[damaged-member]: '{member}' is damaged" in capsys.readouterr().err


def test_of_a_large_file_all_read_what_they_go_by_and_some_read_everything(
    commands: Callable[[Path], dict[str, list[str]]],
    large: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for member in ("config.json", "metadata.json", "model.weights.h5"):
        damaged = flipped(large, member, tmp_path / "damaged.keras")
        codes = {name: run(arguments) for name, arguments in commands(damaged).items()}
        everything = member != "model.weights.h5"
        assert codes == {
            name: 2 if everything or name in ("diff", "apply", "plan") else 0 for name in codes
        }
        assert "damaged" in capsys.readouterr().err
    assert set({name: run(arguments) for name, arguments in commands(large).items()}.values()) == {
        0
    }


@pytest.mark.parametrize(
    ("limit", "low", "high", "said"),
    [
        ("config-size", "1KB", "1MB", "--limit config-size=1MB"),
        ("json-values", "10", "1000", "--limit json-values="),
        ("layers", "2", "3", "--limit layers=3"),
        ("members", "2", "3", "--limit members=3"),
    ],
)
def test_a_limit_is_named_where_it_refuses_and_can_be_raised(
    commands: Callable[[Path], dict[str, list[str]]],
    tiny_archive: Path,
    capsys: pytest.CaptureFixture[str],
    limit: str,
    low: str,
    high: str,
    said: str,
) -> None:
    for arguments in commands(tiny_archive).values():
        assert run([*arguments, "--limit", f"{limit}={low}"]) == 2
        assert said in capsys.readouterr().err
        assert run([*arguments, "--limit", f"{limit}={high}"]) == 0
    assert run(["show", str(tiny_archive)]) == 0  # it held for those commands alone


@pytest.mark.parametrize(
    ("limit", "low", "high"),
    [("hdf5-depth", "2", "32"), ("hdf5-objects", "5", "300"), ("inflated-size", "100", "90MiB")],
)
def test_limits_of_the_weights_are_raised_alike(
    commands: Callable[[Path], dict[str, list[str]]],
    tiny_archive: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    limit: str,
    low: str,
    high: str,
) -> None:
    if limit == "inflated-size":
        path = tmp_path / "deflated.keras"
        with zipfile.ZipFile(tiny_archive) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
            new.writestr("assets/zeros", bytes(80 << 20), zipfile.ZIP_DEFLATED)
        tiny_archive = path
        assert run(["show", str(path)]) == 2
        assert "--limit inflated-size=84MB" in capsys.readouterr().err
    for name in ("diff", "show"):
        arguments = commands(tiny_archive)[name]
        if name == "diff" or limit == "inflated-size":
            assert run([*arguments, "--limit", f"{limit}={low}"]) == 2
            assert f"--limit {limit}=" in capsys.readouterr().err
        assert run([*arguments, "--limit", f"{limit}={high}"]) == 0


@pytest.mark.parametrize(
    "given",
    ["nobody=1", "layers", "layers=", "layers=0", "layers=-1", "layers=1MB", "layers=1e9",
     "layers=" + "9" * 40, "hdf5-seconds=99999999", "config-size=1TB", "config-size=\x1b[31m"],
)  # fmt: skip
def test_what_is_no_limit_is_wrong_usage(
    tiny_archive: Path, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    assert run(["show", str(tiny_archive), "--limit", given]) == 2
    said = capsys.readouterr().err
    assert "--limit" in said
    assert "\x1b" not in said


def test_the_last_of_two_limits_holds(tiny_archive: Path) -> None:
    both = ["--limit", "layers=1", "--limit", "layers=9"]
    assert run(["show", str(tiny_archive), *both]) == 0
