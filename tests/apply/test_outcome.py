"""What `kover apply` writes and prints, and where."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

HERE = Path(__file__).parent
Kover = Callable[..., Any]
Members = Callable[[Path], dict[str, bytes]]
Config = Callable[[Path], dict[str, Any]]
Snapshot = Callable[[Path], dict[str, tuple[object, ...]]]

ALONE = ("--verify", "none")


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("model", "specs", "output"),
    [
        ("tiny.keras", ["spec.yaml"], "tiny.spec"),
        ("tiny.keras", ["spec.yaml", "sub/other.v2.yml"], "tiny.other.v2"),
        ("sub/my.net.keras", ["spec.yaml"], "sub/my.net.spec"),
        ("sub/no_suffix", ["./spec.yaml"], "sub/no_suffix.spec"),
    ],
)
def test_the_default_names_come_from_the_model_and_the_last_spec(
    model: str, specs: list[str], output: str, here: Path, kover: Kover
) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "other.v2.yml").write_text("version: 1\ncompile: {loss: mse}\n")
    if model != "tiny.keras":
        shutil.copy("tiny.keras", model)
    before = names(here)
    done = kover("apply", model, *specs, *ALONE)
    assert done.code == 0, done.err
    assert names(here) - before == {f"{output}.keras", f"{output}.diff.json"}
    assert done.out.splitlines()[-2:] == [f"wrote {output}.keras", f"wrote {output}.diff.json"]
    assert done.err == ""


def test_an_output_may_be_anywhere_and_its_report_is_beside_it(here: Path, kover: Kover) -> None:
    (here / "far").mkdir()
    assert kover("apply", "tiny.keras", "spec.yaml", "-o", "far/new.keras", *ALONE).code == 0
    assert names(here / "far") == {"new.keras", "new.diff.json"}


def test_in_place_keeps_the_mode_and_follows_a_link(
    here: Path, kover: Kover, config: Config
) -> None:
    (here / "data").mkdir()
    (here / "tiny.keras").rename(here / "data" / "real.keras")
    (here / "data" / "real.keras").chmod(0o640)
    (here / "tiny.keras").symlink_to("data/real.keras")
    done = kover("apply", "tiny.keras", "spec.yaml", "--in-place", "--no-report", *ALONE)
    assert done.code == 0, done.err
    assert (here / "tiny.keras").readlink() == Path("data/real.keras")
    assert mode_of(here / "data" / "real.keras") == 0o640
    changed = config(here / "data" / "real.keras")
    assert changed["config"]["layers"][1]["config"]["activation"] == "tanh"
    assert names(here) == {"data", "data/real.keras", "tiny.keras", "spec.yaml"}


def test_in_place_again_and_again_replaces_its_report(here: Path, kover: Kover) -> None:
    for activation in ("tanh", "elu"):
        (here / "spec.yaml").write_text(
            f"version: 1\noverrides: [{{layers: dense_a, set: {{activation: {activation}}}}}]\n"
        )
        assert kover("apply", "tiny.keras", "spec.yaml", "--in-place", *ALONE).code == 0
    assert '"after": "elu"' in (here / "tiny.diff.json").read_text()
    assert names(here) == {"tiny.keras", "tiny.diff.json", "spec.yaml"}


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_a_new_output_has_the_mode_that_the_umask_leaves(
    umask: int, here: Path, kover: Kover
) -> None:
    before = os.umask(umask)
    try:
        assert kover("apply", "tiny.keras", "spec.yaml", *ALONE).code == 0
    finally:
        os.umask(before)
    assert mode_of(here / "tiny.spec.keras") == 0o666 & ~umask
    assert mode_of(here / "tiny.spec.diff.json") == 0o666 & ~umask


def test_force_replaces_an_output_and_keeps_its_mode(here: Path, kover: Kover) -> None:
    (here / "tiny.spec.keras").write_text("old")
    (here / "tiny.spec.keras").chmod(0o604)
    assert kover("apply", "tiny.keras", "spec.yaml", "--force", *ALONE).code == 0
    assert mode_of(here / "tiny.spec.keras") == 0o604
    assert (here / "tiny.spec.keras").read_bytes()[:2] == b"PK"


@pytest.mark.parametrize(
    "more", [[], ["--in-place"], ["--report", "r.txt"], ["-q"], ["--format", "json"]]
)
def test_a_dry_run_writes_nothing(
    more: list[str], here: Path, kover: Kover, snapshot: Snapshot
) -> None:
    (here / "tiny.spec.keras").write_text("in the way, but only of a real run")
    before = snapshot(here)
    done = kover("apply", "tiny.keras", "spec.yaml", "--dry-run", *more)
    assert done.code == 0, done.err
    assert snapshot(here) == before
    assert ("activation" in done.out) is ("-q" not in more)
    assert done.err == ""


def test_a_parameter_on_the_command_line_wins(here: Path, kover: Kover, config: Config) -> None:
    (here / "spec.yaml").write_text(
        "version: 1\nparameters: {act: relu, l2: 1e-3}\noverrides:\n- layers: dense_a\n"
        '  set: {activation: "${act}", kernel_regularizer: {l2: "${l2}"}}\n'
    )
    done = kover("apply", "tiny.keras", "spec.yaml", "-p", "act=tanh", "-p", "l2=5e-2", *ALONE)
    assert done.code == 0, done.err
    changed = config(here / "tiny.spec.keras")["config"]["layers"][1]["config"]
    assert changed["activation"] == "tanh"
    assert changed["kernel_regularizer"]["config"] == {"l2": 0.05}


def test_several_specs_are_one_in_their_order(here: Path, kover: Kover, config: Config) -> None:
    (here / "one.yaml").write_text(
        "version: 1\nparameters: {a: elu}\noverrides:\n- layers: dense_a\n"
        '  set: {activation: "${a}", bias_regularizer: l2}\n'
    )
    (here / "two.yaml").write_text(
        "version: 1\noverrides: [{layers: dense_a, set: {activation: gelu}}]\n"
        "compile: {loss: mse}\n"
    )
    done = kover(
        "apply", "tiny.keras", "one.yaml", "two.yaml", "-p", "a=selu", "-o", "out.keras", *ALONE
    )
    assert done.code == 0, done.err
    changed = config(here / "out.keras")
    dense = changed["config"]["layers"][1]["config"]
    assert (dense["activation"], dense["bias_regularizer"]["class_name"]) == ("gelu", "L2")
    assert changed["compile_config"]["loss"] == "mse"
    assert kover("apply", "tiny.keras", "two.yaml", "one.yaml", "-o", "2.keras", *ALONE).code == 0
    assert config(here / "2.keras")["config"]["layers"][1]["config"]["activation"] == "elu"


def test_a_spec_may_come_from_standard_input(
    here: Path, kover: Kover, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kover.spec import files

    text = (here / "spec.yaml").read_bytes()
    files.stdin_bytes.cache_clear()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text)))
    done = kover("apply", "tiny.keras", "-", *ALONE)
    files.stdin_bytes.cache_clear()
    assert done.code == 0, done.err
    assert "wrote tiny.stdin.keras" in done.out
    changed = config(here / "tiny.stdin.keras")
    assert changed["config"]["layers"][1]["config"]["activation"] == "tanh"


def test_reports_are_written_where_they_are_asked_for(here: Path, kover: Kover) -> None:
    before = names(here)
    done = kover(
        "apply", "tiny.keras", "spec.yaml", *ALONE, "--report", "a.json", "--report", "b.txt"
    )
    assert done.code == 0, done.err
    assert names(here) - before == {"tiny.spec.keras", "a.json", "b.txt"}
    assert json.loads((here / "a.json").read_text())["identical"] is False
    assert "relu → tanh" in (here / "b.txt").read_text()
    assert "\x1b" not in (here / "b.txt").read_text()


def test_no_report_is_no_report(here: Path, kover: Kover) -> None:
    before = names(here)
    assert kover("apply", "tiny.keras", "spec.yaml", "--no-report", *ALONE).code == 0
    assert names(here) - before == {"tiny.spec.keras"}


def test_quiet_says_nothing_but_problems(here: Path, kover: Kover) -> None:
    assert kover("apply", "tiny.keras", "spec.yaml", "-q", *ALONE) == (0, "", "")
    (here / "frozen.yaml").write_text(
        "version: 1\noverrides: [{layers: dense_a, set: {trainable: false}}]\n"
    )
    done = kover("apply", "tiny.keras", "frozen.yaml", "-q", *ALONE)
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("frozen.yaml:2:48: warning[optimizer-state-not-carried]: ")


def check_report(text: str, project_root: Path) -> Any:
    import jsonschema

    report = json.loads(text)
    schema = json.loads((project_root / "schemas" / "report.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(report)
    return report


@pytest.mark.parametrize("level", [["--verify", "none"], ["--dry-run"]])
def test_json_is_what_the_schema_says(
    level: list[str], here: Path, kover: Kover, project_root: Path
) -> None:
    done = kover("apply", "tiny.keras", "spec.yaml", "--format", "json", *level)
    assert done.code == 0, done.err
    report = check_report(done.out, project_root)
    assert [each["layer"] for each in report["layers"]] == ["dense_a"]
    assert report["compile"][0]["attribute"] == "optimizer.learning_rate"
    sources = {c["attribute"]: c["source"] for c in report["layers"][0]["changes"]}
    assert sources == {"activation": "spec.yaml:4:23", "kernel_regularizer": "spec.yaml:4:49"}


@pytest.mark.keras
@pytest.mark.parametrize("level", ["build", "load", "train"])
def test_the_json_of_every_level_is_what_the_schema_says(
    level: str, here: Path, kover: Kover, project_root: Path
) -> None:
    done = kover("apply", "tiny.keras", "spec.yaml", "--format", "json", "--verify", level)
    assert done.code == 0, done.err
    report = check_report(done.out, project_root)
    assert report["verification"]["level"] == level
    assert all(check["ok"] for check in report["verification"]["checks"])
    assert all(c["verified"] for c in report["layers"][0]["changes"])
    assert check_report((here / "tiny.spec.diff.json").read_text(), project_root) == report


def test_the_report_speaks_of_the_files_that_are_there(here: Path, kover: Kover) -> None:
    done = kover("apply", "tiny.keras", "spec.yaml", "--format", "json", *ALONE)
    report = json.loads(done.out)
    for side, name in (("before", "tiny.keras"), ("after", "tiny.spec.keras")):
        content = (here / name).read_bytes()
        assert report[side]["path"] == name
        assert report[side]["sha256"] == hashlib.sha256(content).hexdigest()
        assert report[side]["size_bytes"] == len(content)


def test_the_output_tells_where_it_comes_from(here: Path, kover: Kover, members: Members) -> None:
    digest = {name: hashlib.sha256((here / name).read_bytes()).hexdigest()
              for name in ("tiny.keras", "spec.yaml")}  # fmt: skip
    kover("apply", "tiny.keras", "spec.yaml", *ALONE)
    metadata = json.loads(members(here / "tiny.spec.keras")["metadata.json"])
    assert metadata["keras_version"] == "3.15.1"
    assert metadata["date_saved"] == "2026-01-01@00:00:00"
    assert metadata["kover"]["input_sha256"] == digest["tiny.keras"]
    assert metadata["kover"]["spec_sha256"] == [digest["spec.yaml"]]
    assert str(here) not in json.dumps(metadata)


def test_a_spec_that_changes_nothing_changes_nothing(
    here: Path, kover: Kover, members: Members
) -> None:
    (here / "spec.yaml").write_text(
        "version: 1\noverrides: [{layers: dense_a, set: {activation: relu}}]\n"
    )
    done = kover("apply", "tiny.keras", "spec.yaml", *ALONE)
    assert done.code == 0
    assert "No change" in done.out
    before, after = members(here / "tiny.keras"), members(here / "tiny.spec.keras")
    assert list(before) == list(after)
    assert [name for name in before if before[name] != after[name]] == ["metadata.json"]


def test_the_stored_learning_rate_follows_without_keras(
    here: Path, kover: Kover, members: Members
) -> None:
    import h5py

    assert kover("apply", "tiny.keras", "spec.yaml", *ALONE).code == 0
    weights = members(here / "tiny.spec.keras")["model.weights.h5"]
    old = members(here / "tiny.keras")["model.weights.h5"]
    assert sum(one != other for one, other in zip(old, weights, strict=True)) <= 4
    with h5py.File(io.BytesIO(weights)) as file:
        assert float(file["optimizer/vars/1"][()]) == pytest.approx(1e-4)


WARNED = {
    "layers: dense_a, set: {units: 5}": "weights-not-followed",
    "layers: dense_a, set: {use_bias: false}": "weights-not-followed",
    "layers: dense_a, set: {trainable: false}": "optimizer-state-not-carried",
    "layers: dense_a, set: {activation: elu, kernel_regularizer: l1, dtype: float32}": None,
}
WARNED_COMPILE = {
    "optimizer: {learning_rate: {class: CosineDecay, initial_learning_rate: 1, decay_steps: 9}}": (
        True
    ),
    "optimizer: {amsgrad: true}": True,
    "optimizer: {use_ema: true}": True,
    "optimizer: sgd": True,
    "optimizer: {beta_1: 0.8, clipnorm: 1.0}": False,
    "loss: mse": False,
}


@pytest.mark.parametrize("override", WARNED)
def test_what_cannot_be_followed_without_keras_is_said(
    override: str, here: Path, kover: Kover
) -> None:
    (here / "spec.yaml").write_text(f"version: 1\noverrides: [{{{override}}}]\n")
    done = kover("apply", "tiny.keras", "spec.yaml", "-q", *ALONE)
    assert done.code == 0
    warned = WARNED[override]
    assert f"warning[{warned}]" in done.err if warned else done.err == ""


@pytest.mark.parametrize("setting", WARNED_COMPILE)
def test_optimizer_state_that_is_lost_without_keras_is_said(
    setting: str, here: Path, kover: Kover
) -> None:
    (here / "spec.yaml").write_text(f"version: 1\ncompile: {{{setting}}}\n")
    done = kover("apply", "tiny.keras", "spec.yaml", "-q", *ALONE)
    assert done.code == 0, done.err
    assert ("warning[optimizer-state-not-carried]" in done.err) is WARNED_COMPILE[setting]


@pytest.mark.keras
@pytest.mark.needs_keras(">=3.15.1")  # the first with MultiOptimizer
def test_a_custom_class_comes_from_a_file_or_a_module(
    tmp_path: Path, run_kover: Callable[..., Any]
) -> None:
    """Its variables have no names, so Keras numbers them through the process."""
    plain = [sys.executable, "-P", HERE / "plain" / "custom_model.py"]
    environment = {**os.environ, "PYTHONPATH": str(HERE / "plain")}
    subprocess.run([*plain, "make", tmp_path / "m.keras"], check=True, env=environment)
    (tmp_path / "spec.yaml").write_text(
        "version: 1\noverrides:\n"
        "- layers: scale_1\n  set: {limit: 5.0}\n  learning_rate: {multiply: 0.1}\n"
        "- layers: hidden\n  set: {trainable: false}\n"
    )
    refused = run_kover("apply", "m.keras", "spec.yaml", cwd=tmp_path)
    assert refused.returncode == 2
    assert "error[keras-refuses-model]" in refused.stderr
    shutil.copy(HERE / "plain" / "custom.py", tmp_path / "their_layers.py")
    for number, source in enumerate(("their_layers", "./their_layers.py")):
        done = run_kover(
            *["apply", "m.keras", "spec.yaml", "-o", f"{number}.keras", "--import", source],
            *["--verify", "load"],
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "0.keras").read_bytes() == (tmp_path / "1.keras").read_bytes()
    before, after = (
        json.loads(
            subprocess.run(
                [*plain, "tell", tmp_path / name],
                check=True, capture_output=True, text=True, env=environment,
            ).stdout
        )
        for name in ("m.keras", "0.keras")
    )  # fmt: skip
    assert after["warnings"] == []
    assert after["values"] == before["values"]
    assert (before["limits"], after["limits"]) == ([2.0, 3.0], [5.0, 3.0])
    low, high = pytest.approx([1e-4]), pytest.approx([1e-3])
    assert after["rates"]["scale_1"] == low
    assert (after["rates"]["scale_2"], after["rates"]["head"]) == (high, high)
