"""`kover validate`, and `kover.validate`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import kover
from kover.cli.main import run
from kover.errors import InputError

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SPEC = """\
version: 1
parameters: {lr: 1e-3}
overrides:
  - layers: "dense_*"
    set: {kernel_regularizer: {l2: 1e-4}}
  - layers: dense_a
    set: {activation: tanh}
compile:
  optimizer: {learning_rate: "${lr}"}
"""
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spec.yaml").write_text(SPEC)
    Path("bad.yaml").write_text(SPEC.replace("set: {act", "sett: {act"))


def test_a_valid_spec_is_said_in_one_line(capsys: Capture) -> None:
    assert run(["validate", "spec.yaml"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("spec.yaml: valid (2 overrides, compile)\n", "")


def test_an_invalid_spec_is_explained_on_stderr(capsys: Capture) -> None:
    assert run(["validate", "bad.yaml"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("bad.yaml:6:5: error[missing-key]: ")
    assert (
        "bad.yaml:7:5: error[unknown-key]: unknown key 'sett' in the override\n"
        "    7 |     sett: {activation: tanh}\n"
        "      |     ^^^^\n"
        "  help: did you mean 'set'"
    ) in printed.err


def test_quiet_prints_only_problems(capsys: Capture) -> None:
    assert run(["validate", "-q", "spec.yaml"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_warning_is_shown_and_does_not_fail(capsys: Capture) -> None:
    Path("spec.yaml").write_text(SPEC.replace("{lr: 1e-3}", "{lr: 1e-3, x: 1}"))
    assert run(["validate", "-q", "spec.yaml"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "warning[unused-parameter]" in printed.err


def test_an_unreadable_spec_exits_2(capsys: Capture) -> None:
    assert run(["validate", "missing.yaml", "bad.yaml"]) == 2
    printed = capsys.readouterr().err
    assert "missing.yaml: error[unreadable-spec]" in printed
    assert "bad.yaml:7:5" in printed


@pytest.mark.parametrize(("name", "code"), [("spec.yaml", 0), ("bad.yaml", 1), ("none.yaml", 2)])
def test_json_goes_to_stdout_whatever_the_answer(name: str, code: int, capsys: Capture) -> None:
    assert run(["validate", "--format", "json", name]) == code
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert printed.err == ""
    assert answer["valid"] is (code == 0)
    assert bool(answer["problems"]) is (code != 0)
    if code == 0:
        assert answer["specs"][0]["overrides"] == 2


def test_github_gets_annotations(capsys: Capture) -> None:
    assert run(["validate", "--format", "github", "bad.yaml"]) == 1
    rows = capsys.readouterr().out.splitlines()
    assert rows[-1].startswith(
        "::error file=bad.yaml,line=7,col=5,endColumn=9,title=kover unknown-"
    )


def test_a_parameter_is_typed_and_placed(capsys: Capture) -> None:
    assert run(["validate", "-p", "lr=3e-4", "spec.yaml"]) == 0
    capsys.readouterr()
    assert run(["validate", "-p", "lr=fast", "spec.yaml"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("spec.yaml:9:30: error[wrong-type]: 'learning_rate' must be")
    assert run(["validate", "-p", "lr=.nan", "spec.yaml"]) == 2


def test_standard_input_is_a_spec_and_its_lines_are_shown(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kover", "validate", "-"],
        input="version: 1\ncompile: {los: mse}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "-:2:11: error[unknown-key]" in done.stderr
    assert "    2 | compile: {los: mse}\n      |           ^^^\n" in done.stderr


def test_several_specs_are_one(capsys: Capture) -> None:
    Path("other.yaml").write_text("version: 1\ncompile: {loss: mse}\n")
    assert run(["validate", "spec.yaml", "other.yaml", "-p", "lr=1"]) == 0
    assert capsys.readouterr().out == (
        "spec.yaml: valid (2 overrides, compile)\nother.yaml: valid (compile)\n"
    )


def test_with_a_model_the_matches_are_counted(tiny_archive: Path, capsys: Capture) -> None:
    assert run(["validate", "spec.yaml", "--model", tiny_archive.name]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == f"spec.yaml: valid for {tiny_archive.name} (2 overrides, compile)"
    assert [row.split(" matches ")[1] for row in rows[1:]] == ["2 layers", "1 layer"]
    assert [row.split(":")[0] for row in rows[1:]] == ["  line 4", "  line 6"]


def test_with_a_model_what_does_not_fit_is_a_problem(tiny_archive: Path, capsys: Capture) -> None:
    Path("spec.yaml").write_text(SPEC.replace("layers: dense_a", "layers: dens_a"))
    assert run(["validate", "spec.yaml", "--model", tiny_archive.name]) == 1
    printed = capsys.readouterr().err
    assert "spec.yaml:6:13: error[" in printed
    assert "did you mean 'dense_a'" in printed


def test_with_a_model_json_lists_the_layers(tiny_archive: Path, capsys: Capture) -> None:
    assert run(["validate", "spec.yaml", "--model", tiny_archive.name, "--format", "json"]) == 0
    (spec,) = json.loads(capsys.readouterr().out)["specs"]
    assert [match["layers"] for match in spec["matches"]] == [["dense_a", "dense_b"], ["dense_a"]]


def test_a_model_that_is_none_exits_2(capsys: Capture) -> None:
    assert run(["validate", "spec.yaml", "--model", "spec.yaml"]) == 2
    assert capsys.readouterr().err.startswith("spec.yaml: error[")


@pytest.mark.parametrize("extra", [[], ["--model", "tiny.keras"]])
def test_validate_imports_nothing_heavy(extra: list[str], tiny_archive: Path) -> None:
    code = (
        "import sys\nfrom kover.cli.main import run\n"
        f"assert run(['validate', 'spec.yaml', *{extra!r}]) == 0\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tiny_archive.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"keras", "tensorflow", "numpy", "h5py", "rich", "requests", "packaging"}
    assert set(done.stderr.split()) & heavy == set()
    assert "jsonschema" in done.stderr.split()


def test_the_library_returns_problems(tiny_archive: Path) -> None:
    assert kover.validate("spec.yaml") == ()
    assert kover.validate(Path("spec.yaml"), tiny_archive, {"lr": 0.5}) == ()
    assert kover.validate(["spec.yaml", Path("spec.yaml")]) == ()
    assert {problem.code for problem in kover.validate("bad.yaml")} == {
        "missing-key",
        "unknown-key",
    }
    with pytest.raises(InputError):
        kover.validate("missing.yaml")
