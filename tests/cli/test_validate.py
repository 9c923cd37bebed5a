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
    Path("bad.yaml").write_text(SPEC.replace("set: {act", "puts: {act"))


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
        "bad.yaml:7:5: error[unknown-key]: unknown key 'puts' in the override\n"
        "    7 |     puts: {activation: tanh}\n"
        "      |     ^^^^\n"
        "  help: attributes of layers go under 'set'; "
    ) in printed.err


def test_a_misspelt_key_is_one_problem_not_two(capsys: Capture) -> None:
    Path("typo.yaml").write_text("verson: 1\noverride:\n- layer: a\n  set: {units: 1}\n")
    assert run(["validate", "typo.yaml"]) == 1
    rows = [row for row in capsys.readouterr().err.splitlines() if row.startswith("typo.yaml")]
    assert rows == [
        "typo.yaml:1:1: error[unknown-key]: unknown key 'verson'",
        "typo.yaml:2:1: error[unknown-key]: unknown key 'override'",
    ]


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


@pytest.mark.parametrize("together", [[], ["--together"]])
def test_several_specs_share_parameters(together: list[str], capsys: Capture) -> None:
    Path("other.yaml").write_text("version: 1\ncompile: {loss: mse}\n")
    assert run(["validate", "spec.yaml", "other.yaml", "-p", "lr=1", *together]) == 0
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
    assert kover.validate(Path("spec.yaml"), tiny_archive, {"lr": 0.002}) == ()
    assert kover.validate(["spec.yaml", Path("spec.yaml")]) == ()
    assert {problem.code for problem in kover.validate("bad.yaml")} == {
        "missing-key",
        "unknown-key",
    }
    with pytest.raises(InputError):
        kover.validate("missing.yaml")


# ---------------------------------------------------------------- several specs, folders, globs


def test_one_bad_file_does_not_hide_others(capsys: Capture) -> None:
    Path("worse.yaml").write_text("version: 1\ncompile: {los: mse}\n")
    assert run(["validate", "bad.yaml", "spec.yaml", "worse.yaml"]) == 1
    printed = capsys.readouterr()
    assert printed.out == (
        "bad.yaml: 2 errors\nspec.yaml: valid (2 overrides, compile)\nworse.yaml: 1 error\n"
    )
    assert "bad.yaml:7:5: error" in printed.err
    assert "worse.yaml:2:11: error" in printed.err


def test_a_folder_stands_for_the_specs_below_it(capsys: Capture) -> None:
    for name in ("specs/a.yaml", "specs/deep/b.yml", "specs/.hidden/c.yaml", "specs/notes.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("version: 1\ncompile: {loss: mse}\n")
    assert run(["validate", "specs"]) == 0
    assert capsys.readouterr().out == (
        "specs/a.yaml: valid (compile)\nspecs/deep/b.yml: valid (compile)\n"
    )
    assert run(["validate", "specs/**/*.yml", "specs/a.yaml", "specs"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(":")[0] for row in rows] == ["specs/deep/b.yml", "specs/a.yaml"]


@pytest.mark.parametrize("nothing", ["empty", "*.nope", "empty/**"])
def test_a_folder_or_glob_without_specs_is_an_error(nothing: str, capsys: Capture) -> None:
    Path("empty").mkdir()
    Path("empty/x.txt").write_text("")
    code = run(["validate", nothing])
    assert code == 2
    assert "error[" in capsys.readouterr().err


def test_a_file_whose_name_has_wildcards_is_a_file(capsys: Capture) -> None:
    Path("a[1].yaml").write_text("version: 1\ncompile: {loss: mse}\n")
    assert run(["validate", "a[1].yaml"]) == 0


def test_with_a_model_each_spec_stands_alone_unless_together(
    tiny_archive: Path, capsys: Capture
) -> None:
    Path("one.yaml").write_text(
        "version: 1\noverrides: [{layers: dense_a, set: {activation: tanh}}]\n"
    )
    Path("two.yaml").write_text(
        "version: 1\noverrides: [{layers: dense_a, set: {activation: gelu}}]\n"
    )
    command = ["validate", "one.yaml", "two.yaml", "--model", tiny_archive.name]
    assert run(command) == 0
    assert "no-effect" not in capsys.readouterr().err
    assert run([*command, "--together"]) == 0
    assert "one.yaml:2:14: warning[no-effect]" in capsys.readouterr().err


def test_a_model_that_cannot_be_read_is_said_once(capsys: Capture) -> None:
    Path("model.keras").write_bytes(b"PK")
    assert run(["validate", "spec.yaml", "bad.yaml", "--model", "model.keras"]) == 2
    assert capsys.readouterr().err.count("model.keras: error[") == 1


# ---------------------------------------------------------------- the model that a spec names


@pytest.fixture
def named(tiny_archive: Path) -> Path:
    """A spec in a folder that names the model beside the folder."""
    Path("specs").mkdir()
    path = Path("specs/named.yaml")
    path.write_text(f"model: {{path: ../{tiny_archive.name}}}\n" + SPEC)
    return path


def test_a_spec_is_checked_against_the_model_that_it_names(named: Path, capsys: Capture) -> None:
    assert run(["validate", str(named)]) == 0
    assert "valid for specs/../tiny.keras" in capsys.readouterr().out
    named.write_text(named.read_text().replace("layers: dense_a", "layers: dens_a"))
    assert run(["validate", str(named)]) == 1
    assert "error[unknown-layer]" in capsys.readouterr().err


def test_a_model_given_wins_over_the_one_named(named: Path, capsys: Capture) -> None:
    named.write_text(named.read_text().replace("../tiny", "../gone"))
    assert run(["validate", str(named), "--model", "tiny.keras"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["validate", str(named), "--strict"]) == 0
    assert "note[model-not-there]" in capsys.readouterr().err


@pytest.mark.keras
def test_apply_takes_the_model_it_is_given_whatever_the_spec_names(named: Path) -> None:
    named.write_text(named.read_text().replace("../tiny", "../gone"))
    assert run(["apply", "tiny.keras", str(named), "--dry-run", "-q"]) == 0


# ---------------------------------------------------------------- strictness and formats


def test_strict_makes_errors_of_warnings(capsys: Capture) -> None:
    Path("spec.yaml").write_text(SPEC.replace("{lr: 1e-3}", "{lr: 1e-3, x: 1}"))
    assert run(["validate", "--strict", "spec.yaml"]) == 1
    printed = capsys.readouterr()
    assert "error[unused-parameter]" in printed.err
    assert "valid" not in printed.out
    assert run(["validate", "--strict", "--format", "json", "spec.yaml"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["valid"], answer["specs"][0]["valid"]) == (False, False)


def test_a_warning_is_switched_off_in_the_spec(capsys: Capture) -> None:
    text = SPEC.replace("{lr: 1e-3}", "{lr: 1e-3, x: 1}")
    Path("spec.yaml").write_text(f"{text}lint: {{off: [unused-parameter]}}\n")
    Path("other.yaml").write_text(text)
    assert run(["validate", "spec.yaml", "other.yaml"]) == 0
    printed = capsys.readouterr().err
    assert "other.yaml:2:" in printed
    assert "spec.yaml:2:" not in printed


def test_auto_is_github_in_a_workflow(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert run(["validate", "bad.yaml"]) == 1
    assert capsys.readouterr().out.startswith("::error file=bad.yaml,line=")
    assert run(["validate", "--format", "text", "bad.yaml"]) == 1
    assert capsys.readouterr().out == ""


def test_sarif_has_a_rule_and_a_place_for_each_result(capsys: Capture) -> None:
    assert run(["validate", "--format", "sarif", "bad.yaml"]) == 1
    log = json.loads(capsys.readouterr().out)
    (found,) = log["runs"]
    rules = found["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == ["missing-key", "unknown-key"]
    assert all(rule["help"]["markdown"].startswith(f"# {rule['id']}") for rule in rules)
    for result in found["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == "error"
    place = found["results"][1]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "bad.yaml"}
    assert place["region"] == {"startLine": 7, "startColumn": 5, "endColumn": 9}


def test_sarif_writes_odd_names_as_uris(capsys: Capture) -> None:
    Path("a b#1.yaml").write_text("version: 1\n")
    assert run(["validate", "--format", "sarif", "a b#1.yaml"]) == 1
    assert '"uri": "a%20b%231.yaml"' in capsys.readouterr().out


@pytest.mark.parametrize("format_", ["json", "sarif", "github"])
def test_what_is_no_spec_at_all_is_answered_in_the_format(format_: str, capsys: Capture) -> None:
    assert run(["validate", "--format", format_, "none/*.yaml"]) == 2
    printed = capsys.readouterr()
    assert "no-specs" in printed.out
    assert printed.err == ""


def test_what_to_read_on_is_said_once(capsys: Capture) -> None:
    assert run(["validate", "bad.yaml"]) == 1
    rows = capsys.readouterr().err.splitlines()
    assert rows[-1] == "more: kover explain missing-key unknown-key"
    assert run(["validate", "--format", "json", "bad.yaml"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert [problem["explain"] for problem in problems] == [
        "kover explain missing-key",
        "kover explain unknown-key",
    ]
