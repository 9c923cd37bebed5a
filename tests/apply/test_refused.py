"""`kover apply` says no: one problem, the right exit code, and nothing is touched."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Kover = Callable[..., Any]
Snapshot = Callable[[Path], dict[str, tuple[object, ...]]]

HEAD = "version: 1\noverrides:\n- layers: "
REFUSED_SPECS = {
    "selector-without-match": ("dens_a\n  set: {units: 3}", 1, "unknown-layer", "dense_a"),
    "glob-without-match": ("'x*'\n  set: {units: 3}", 1, "no-match", None),
    "unknown-attribute": (
        "dense_a\n  set: {kernel_regulariser: l2}", 1, "unknown-attribute", "kernel_regularizer",
    ),
    "misspelt-activation": ("dense_a\n  set: {activation: rellu}", 1, "unknown-name", "relu"),
    "out-of-its-domain": ("dense_a\n  set: {units: -3}", 1, None, None),
    "wrong-was": ("dense_a\n  was: {units: 4}\n  set: {activation: tanh}", 1, None, None),
    "wrong-count": ("dense_a\n  expect: 2\n  set: {activation: tanh}", 1, None, None),
}  # fmt: skip
GUARDS = [
    ("name", "resnet50"),
    ("class", "Functional"),
    ("keras_version", "'<3.0'"),
    ("sha256", "'" + "0" * 64 + "'"),
]


@pytest.fixture(autouse=True)
def _is_here(here: Path) -> None:
    """All of these work in `here`."""


@pytest.fixture
def refused(here: Path, kover: Kover, snapshot: Snapshot) -> Callable[..., str]:
    """Run a command that must fail and leave everything as it is; what it said."""

    def check(*arguments: str | Path, code: int, problems: int = 1) -> str:
        before = snapshot(here)
        done = kover(*arguments)
        assert snapshot(here) == before
        assert done.code == code, done.err
        assert done.out == ""
        said: str = done.err
        assert "Traceback" not in said
        assert "internal error" not in said
        if "Usage:" not in said:
            assert len(re.findall(r"^\S.*error\[[a-z0-9-]+\]: ", said, re.MULTILINE)) == problems
        return said

    return check


@pytest.mark.parametrize("level", ["build", "none", "dry"])
@pytest.mark.parametrize("case", REFUSED_SPECS)
def test_a_spec_that_does_not_fit(
    case: str, level: str, here: Path, refused: Callable[..., str]
) -> None:
    text, code, problem, help = REFUSED_SPECS[case]
    (here / "spec.yaml").write_text(HEAD + text)
    how = ["--dry-run"] if level == "dry" else ["--verify", level]
    said = refused("apply", "tiny.keras", "spec.yaml", *how, code=code)
    assert re.match(r"spec\.yaml:\d+:\d+: error\[", said)
    assert problem is None or f"error[{problem}]" in said, said
    assert help is None or f"help: did you mean '{help}'" in said, said


@pytest.mark.parametrize(("key", "value"), GUARDS)
def test_a_guard_that_does_not_hold(
    key: str, value: str, here: Path, refused: Callable[..., str]
) -> None:
    (here / "spec.yaml").write_text(
        f"version: 1\nmodel: {{{key}: {value}}}\ncompile: {{loss: mse}}\n"
    )
    said = refused("apply", "tiny.keras", "spec.yaml", code=1)
    assert said.startswith("spec.yaml:2:")


def test_all_problems_of_several_specs_come_at_once(
    here: Path, refused: Callable[..., str]
) -> None:
    (here / "one.yaml").write_text(HEAD + "dens_a\n  set: {units: 3}\n")
    (here / "two.yaml").write_text(HEAD + "dense_a\n  set: {unitss: 3, activation: rellu}\n")
    said = refused("apply", "tiny.keras", "one.yaml", "two.yaml", code=1, problems=3)
    assert [line[:10] for line in said.splitlines() if "error[" in line] == [
        "one.yaml:3", "two.yaml:4", "two.yaml:4",
    ]  # fmt: skip


@pytest.mark.parametrize("kept", [0, 1, 30, 5_000, -1])
def test_a_truncated_archive(kept: int, here: Path, refused: Callable[..., str]) -> None:
    whole = (here / "tiny.keras").read_bytes()
    (here / "tiny.keras").write_bytes(whole[:kept])
    assert "tiny.keras: error[" in refused("apply", "tiny.keras", "spec.yaml", code=2)


@pytest.mark.parametrize("level", ["none", "dry"])
def test_a_flipped_bit_in_the_weights(level: str, here: Path, refused: Callable[..., str]) -> None:
    data = bytearray((here / "tiny.keras").read_bytes())
    data[len(data) // 2] ^= 4
    (here / "tiny.keras").write_bytes(data)
    how = ["--dry-run"] if level == "dry" else ["--verify", level]
    said = refused("apply", "tiny.keras", "spec.yaml", *how, code=2)
    assert "error[damaged-member]" in said
    assert "model.weights.h5" in said


def test_an_output_that_exists(here: Path, refused: Callable[..., str]) -> None:
    (here / "tiny.spec.keras").write_text("mine")
    assert "--force" in refused("apply", "tiny.keras", "spec.yaml", code=2)
    assert "output-exists" in refused("apply", "tiny.keras", "spec.yaml", "-o", "tiny.spec.keras",
                                      "--verify", "none", code=2)  # fmt: skip


@pytest.mark.parametrize("spelling", ["tiny.keras", "./tiny.keras", "link.keras", "hard.keras"])
def test_an_output_that_is_the_input(
    spelling: str, here: Path, refused: Callable[..., str]
) -> None:
    (here / "link.keras").symlink_to("tiny.keras")
    (here / "hard.keras").hardlink_to(here / "tiny.keras")
    refused("apply", "tiny.keras", "spec.yaml", "-o", spelling, code=2)


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("no/such/folder/out.keras", "output-unwritable"),
        ("folder.keras", "output-unwritable"),
        ("out.h5", "not-a-keras-name"),
        ("out", "not-a-keras-name"),
        ("", "not-a-keras-name"),
        ("out.keras/", "not-a-keras-name"),
        ("out.KERAS", "not-a-keras-name"),
        ("x" * 300 + ".keras", "output-unwritable"),
    ],
)
def test_an_output_that_cannot_be(
    output: str, code: str, here: Path, refused: Callable[..., str]
) -> None:
    (here / "folder.keras").mkdir()
    assert f"error[{code}]" in refused("apply", "tiny.keras", "spec.yaml", "-o", output, code=2)


def test_a_folder_that_cannot_be_written_to(here: Path, kover: Kover, snapshot: Snapshot) -> None:
    (here / "spec.yaml").write_text(HEAD + "dense_a\n  set: {activation: tanh}\n")
    command = ["apply", "tiny.keras", "spec.yaml", "-o", "out.keras", "--verify", "none"]
    # Once with success: as another user this process may not be able to read its own modules.
    assert kover(*command).code == 0
    (here / "out.keras").unlink()
    (here / "out.diff.json").unlink()
    here.chmod(0o555)
    before = snapshot(here)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)  # root may write everywhere
        done = kover(*command)
    finally:
        os.seteuid(user)
        here.chmod(0o755)
    assert (done.code, done.out) == (2, "")
    assert "error[output-unwritable]" in done.err
    assert snapshot(here) == before


@pytest.mark.parametrize("model", ["gone.keras", "folder", "spec.yaml", "fifo"])
def test_a_model_that_is_none(model: str, here: Path, refused: Callable[..., str]) -> None:
    (here / "folder").mkdir()
    os.mkfifo(here / "fifo", 0o600)
    assert f"{model}: error[" in refused("apply", model, "spec.yaml", code=2)


@pytest.mark.parametrize("spec", ["gone.yaml", "folder", "tiny.keras", "fifo"])
def test_a_spec_that_is_none(spec: str, here: Path, refused: Callable[..., str]) -> None:
    (here / "folder").mkdir()
    os.mkfifo(here / "fifo", 0o600)
    assert spec in refused("apply", "tiny.keras", spec, code=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "out.keras", "--in-place"], "contradict"),
        (["--report", "out.csv"], "a report ends in"),
        (["--report", "report"], "a report ends in"),
        (["--report", "r.json", "--no-report"], "contradict"),
        (["--verify", "maybe"], "maybe"),
        (["--format", "xml"], "xml"),
        (["-p", "rate"], "NAME=VALUE"),
        (["--in-placee"], "--in-place"),
    ],
)
@pytest.mark.parametrize("dry", [True, False])
def test_usage_that_makes_no_sense(
    arguments: list[str], said: str, dry: bool, refused: Callable[..., str]
) -> None:
    more = ["--dry-run"] if dry else []
    assert said in refused("apply", "tiny.keras", "spec.yaml", *arguments, *more, code=2)


def test_a_parameter_that_no_spec_declares(refused: Callable[..., str]) -> None:
    said = refused("apply", "tiny.keras", "spec.yaml", "-p", "lr=1", code=1)
    assert "error[undeclared-parameter]" in said


def test_a_report_that_cannot_be_written_is_said_before_the_model_is(
    refused: Callable[..., str],
) -> None:
    for report in ("no/such/folder/r.json", "x" * 300 + ".txt"):
        said = refused(
            "apply", "tiny.keras", "spec.yaml", "--report", report, "--verify", "none", code=2
        )
        assert "output-unwritable" in said


def test_standard_input_twice(refused: Callable[..., str]) -> None:
    assert "stdin-twice" in refused("apply", "tiny.keras", "-", "-", code=2)


@pytest.mark.parametrize(
    "override", ["{units: 3}\n  reinitialize: true", "{units: 3}\n  learning_rate: 1"]
)
def test_what_only_keras_can_do_is_refused_without_it(
    override: str, here: Path, refused: Callable[..., str]
) -> None:
    (here / "spec.yaml").write_text(f"{HEAD}dense_a\n  set: {override}\n")
    said = refused("apply", "tiny.keras", "spec.yaml", "--verify", "none", code=2)
    assert "spec.yaml:" in said
    assert "error[needs-keras]" in said


def test_a_state_that_is_to_be_reset_is_refused_without_keras(
    here: Path, refused: Callable[..., str]
) -> None:
    (here / "spec.yaml").write_text("version: 1\ncompile: {optimizer_state: reset}\n")
    said = refused("apply", "tiny.keras", "spec.yaml", "--verify", "none", code=2)
    assert "error[needs-keras]" in said


@pytest.mark.keras
def test_a_shape_that_changes_without_consent(here: Path, refused: Callable[..., str]) -> None:
    (here / "spec.yaml").write_text(f"{HEAD}dense_a\n  set: {{units: 5}}\n")
    said = refused("apply", "tiny.keras", "spec.yaml", code=1)
    assert "spec.yaml:4:" in said
    assert "error[needs-reinitialize]" in said
    assert "'dense_a' (kernel (4, 3) becomes (4, 5), bias (3,) becomes (5,))" in said
    assert "'dense_b' (kernel (3, 2) becomes (5, 2))" in said


@pytest.mark.keras
def test_a_value_that_only_keras_refuses(here: Path, refused: Callable[..., str]) -> None:
    (here / "spec.yaml").write_text(
        f"{HEAD}dense_a\n  set: {{kernel_initializer: {{class: Identity}}}}\n  reinitialize: true\n"
        "- layers: dense_b\n  set: {bias_initializer: identity}\n  reinitialize: true\n"
    )
    said = refused("apply", "tiny.keras", "spec.yaml", code=2)
    assert "spec.yaml:" in said


@pytest.mark.keras
@pytest.mark.parametrize("name", ["no_such_module_anywhere", "no_such_file.py", "broken.py"])
def test_an_import_that_fails(name: str, here: Path, refused: Callable[..., str]) -> None:
    (here / "broken.py").write_text("import kover\nraise ValueError('not today')\n")
    said = refused("apply", "tiny.keras", "spec.yaml", "--import", name, code=2)
    assert "error[import-failed]" in said
    assert name in said


def test_a_backend_that_is_not_there(here: Path, run_kover: Callable[..., Any]) -> None:
    line = ("apply", "tiny.keras", "spec.yaml", "-o", "new.keras")
    done = run_kover(*line, cwd=here, env={"KERAS_BACKEND": "nonsense"})
    assert done.returncode == 2
    assert "error[no-keras]" in done.stderr
    assert "(KERAS_BACKEND is 'nonsense')" in done.stderr
    assert not (here / "new.keras").exists()


@pytest.mark.keras
def test_a_model_that_keras_cannot_load(
    here: Path, refused: Callable[..., str], real_models: Path
) -> None:
    custom = next(real_models.glob("*nested_container.keras"))
    (here / "spec.yaml").write_text("version: 1\ncompile: {optimizer: adam, loss: mse}\n")
    said = refused("apply", custom, "spec.yaml", "-o", "out.keras", code=2)
    assert "error[keras-refuses-model]" in said
    assert "--import" in said


def test_modes_of_the_input_do_not_matter(here: Path, kover: Kover) -> None:
    (here / "tiny.keras").chmod(0o444)
    assert kover("apply", "tiny.keras", "spec.yaml", "--verify", "none").code == 0
    assert stat.S_IMODE((here / "tiny.keras").stat().st_mode) == 0o444
