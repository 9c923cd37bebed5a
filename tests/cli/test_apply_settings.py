"""`kover apply` without a spec file: `--set`, `--save-spec`, plan files, `--exit-code`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kover.applying import plan_model
from kover.archive.reader import open_archive
from kover.cli.main import run
from kover.errors import AnswerIsNo
from kover.spec.loading import load_specs
from kover.spec.merging import merged_text
from kover.spec.setting_arguments import read_settings

Capture = pytest.CaptureFixture[str]
SPEC = """\
version: 1
parameters: {rate: 1e-3}
overrides:
  - layers: "dense_*"
    set: {kernel_regularizer: {l2: 1e-4}}
  - layers: dense_a
    set: {activation: tanh}
compile:
  optimizer: {class: AdamW, learning_rate: "${rate}"}
"""


@pytest.fixture(autouse=True)
def _in_folder(tiny_archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_archive.parent)
    Path("spec.yaml").write_text(SPEC)


def planned(*arguments: str, specs: tuple[str, ...] = (), **parameters: Any) -> Any:
    with open_archive("tiny.keras") as archive:
        loaded = (*load_specs(specs, parameters), *read_settings(arguments))
        return plan_model(loaded, archive)


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("argument", "spec"),
    [
        ("dense_a:activation=tanh", "overrides: [{layers: dense_a, set: {activation: tanh}}]"),
        ("dense_*:trainable=false", 'overrides: [{layers: "dense_*", set: {trainable: false}}]'),
        (
            "{class: Dense, where: {units: 3}}:kernel_regularizer={l2: 1e-4}",
            "overrides: [{layers: {class: Dense, where: {units: 3}}, "
            "set: {kernel_regularizer: {l2: 1e-4}}}]",
        ),
        ("[dense_a, dense_b]:use_bias=null", None),
        ("dense_[ab]:bias_initializer=ones", 'overrides: [{layers: "dense_[ab]", set: '
         "{bias_initializer: ones}}]"),
        ("**:kernel_regularizer=l2", 'overrides: [{layers: "**", set: {kernel_regularizer: l2}}]'),
        ("dense_a:kernel_initializer.seed=3",
         "overrides: [{layers: dense_a, set: {kernel_initializer.seed: 3}}]"),
        ("dense_a:learning_rate={multiply: 0.1}",
         "overrides: [{layers: dense_a, learning_rate: {multiply: 0.1}}]"),
        ("dense_a:reinitialize=true", "overrides: [{layers: dense_a, reinitialize: true}]"),
        ("dense_a:unset=dtype", "overrides: [{layers: dense_a, unset: dtype}]"),
        ("compile.optimizer.learning_rate=1e-4", "compile: {optimizer: {learning_rate: 1e-4}}"),
        ("compile.optimizer=sgd", "compile: {optimizer: sgd}"),
        ("compile.loss={class: CategoricalCrossentropy, label_smoothing: 0.1}",
         "compile: {loss: {class: CategoricalCrossentropy, label_smoothing: 0.1}}"),
        (" dense_a : units = 3 ", "overrides: [{layers: dense_a, set: {units: 3}}]"),
        ('"dense_a":activation="tanh"', "overrides: [{layers: dense_a, set: {activation: tanh}}]"),
    ],
)  # fmt: skip
def test_a_setting_means_what_the_spec_means(argument: str, spec: str | None) -> None:
    if spec is None:
        with pytest.raises(AnswerIsNo, match="wrong-type"):
            planned(argument)
        return
    Path("same.yaml").write_text(f"version: 1\n{spec}\n")
    one, other = planned(argument), planned(specs=("same.yaml",))
    assert one.after == other.after
    assert [c.seed for c in one.consents] == [c.seed for c in other.consents]
    assert [r.layer for r in one.rates] == [r.layer for r in other.rates]


@pytest.mark.parametrize(
    ("argument", "column", "code"),
    [
        ("dense_a", 8, "bad-setting"),
        ("activation=tanh", 1, "bad-setting"),
        ("dens_a:activation=tanh", 1, "unknown-layer"),
        ("dense_a:activatoin=tanh", 9, "unknown-attribute"),
        ("dense_a:activation=rellu", 20, "unknown-name"),
        ("dense_a:kernel_regularizer={l2: -1}", 33, "out-of-domain"),
        ("dense_a:units=3.5", 15, "wrong-type"),
        ("compile.optimizr=adam", 9, "unknown-key"),
        ("compile.optimizer.learnin_rate=1", 19, "unknown-attribute"),
        ("compile.optimizer.learning_rate=fast", 33, "wrong-type"),
        ("{clas: Dense}:units=3", 2, "unknown-key"),
        ("dense_a:units=[1", 15, "yaml-syntax"),
        ("dense_a:learning_rate=.inf", 23, "bad-number"),
        ("dense_a:units=${n}", 15, "undeclared-parameter"),
        ("dense_a\x07:units=3", 1, "bad-setting"),
    ],
)
def test_a_wrong_setting_is_refused_at_its_column(
    argument: str, column: int, code: str, capsys: Capture
) -> None:
    command = ["apply", "tiny.keras", "--set", "dense_a:use_bias=true", "--set", argument]
    assert run([*command, "--dry-run"]) == 1
    printed = capsys.readouterr().err
    assert f"--set:2:{column}: error[{code}]" in printed
    if argument.isprintable():
        assert f"    2 | {argument}\n      | {' ' * (column - 1)}^" in printed


def test_all_wrong_settings_are_listed_at_once(capsys: Capture) -> None:
    assert run(["apply", "tiny.keras", "--set", "a", "--set", "b", "--dry-run"]) == 1
    assert capsys.readouterr().err.count("error[bad-setting]") == 2


def test_settings_come_after_the_specs() -> None:
    plan = planned("dense_a:activation=gelu", specs=("spec.yaml",))
    changes = {(c.layer, c.attribute): c.after for c in plan.changes}
    assert changes["dense_a", "activation"] == "gelu"
    assert len(plan.shadowed) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Usage"),
        (["tiny.keras"], "SPEC"),
        (["--set", "a:b=1"], "MODEL"),
        (["tiny.keras", "--plan", "plan.json"], "--plan"),
        (["--plan", "plan.json", "--set", "a:b=1"], "--plan"),
        (["--plan", "plan.json", "-p", "a=1"], "--plan"),
    ],
)
def test_what_is_missing_or_too_much_is_wrong_usage(
    arguments: list[str], said: str, capsys: Capture
) -> None:
    assert run(["apply", *arguments]) == 2
    assert said in capsys.readouterr().err


# ---------------------------------------------------------------- one spec for all


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("dense_a:activation=gelu",),
        ("compile.optimizer.weight_decay=0.1",),
        ("compile.optimizer=sgd", "compile.optimizer.learning_rate=0.5"),
        ("compile.optimizer={class: SGD, learning_rate: {class: CosineDecay, decay_steps: 9, "
         "initial_learning_rate: 0.1}}", "compile.optimizer.learning_rate={alpha: 0.5}"),
        ("**:learning_rate={multiply: 0.5}", "dense_b:reinitialize={seed: 7}"),
        ("dense_b:kernel_regularizer={class: \"pkg>On\", text: \"$${x} no 1e-3\"}",),
    ],
)  # fmt: skip
def test_the_saved_spec_asks_for_the_same(settings: tuple[str, ...]) -> None:
    specs = (*load_specs(("spec.yaml",), {"rate": 0.25}), *read_settings(settings))
    Path("saved.yaml").write_text(merged_text(specs, "from a test"))
    one = planned(*settings, specs=("spec.yaml",), rate=0.25)
    other = planned(specs=("saved.yaml",))
    assert one.after == other.after
    assert one.consents == () or [c.layer for c in one.consents] == [
        c.layer for c in other.consents
    ]
    assert [(r.layer, r.learning_rate and r.learning_rate.multiply) for r in one.rates] == [
        (r.layer, r.learning_rate and r.learning_rate.multiply) for r in other.rates
    ]


def test_saving_joins_guards_and_switches(tmp_path: Path) -> None:
    for name, version, off in (("a", ">=3", "no-effect"), ("b", "<4", "frozen-layer")):
        Path(f"{name}.yaml").write_text(
            f'version: 1\nmodel: {{name: tiny, keras_version: "{version}", path: x.keras}}\n'
            f"lint: {{off: [{off}]}}\ncompile: {{loss: mse}}\n"
        )
    text = merged_text(load_specs(("a.yaml", "b.yaml")))
    assert 'model: {name: tiny, keras_version: ">=3,<4"}' in text
    assert "lint: {off: [frozen-layer, no-effect]}" in text


def test_an_existing_spec_is_not_replaced(capsys: Capture) -> None:
    command = ["apply", "tiny.keras", "--set", "dense_a:use_bias=true", "--dry-run"]
    assert run([*command, "--save-spec", "spec.yaml"]) == 2
    assert Path("spec.yaml").read_text() == SPEC
    assert run([*command, "--save-spec", "new.yaml"]) == 0
    assert run(["validate", "new.yaml"]) == 0


# ---------------------------------------------------------------- plan files


@pytest.fixture
def plan_file(capsys: Capture) -> Path:
    command = ["apply", "tiny.keras", "spec.yaml", "--set", "dense_b:use_bias=true"]
    assert run([*command, "-p", "rate=0.002", "--dry-run", "--format", "json"]) == 0
    path = Path("plan.json")
    path.write_text(capsys.readouterr().out)
    return path


def test_a_plan_file_says_what_it_was_made_of(plan_file: Path, project_root: Path) -> None:
    from jsonschema import Draft7Validator

    plan = json.loads(plan_file.read_text())
    request = plan["request"]
    assert request["model"]["path"] == "tiny.keras"
    assert [spec["path"] for spec in request["specs"]] == ["spec.yaml"]
    assert request["parameters"] == {"rate": 0.002}
    assert request["set"] == ["dense_b:use_bias=true"]
    schema = json.loads((project_root / "schemas" / "report.schema.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(plan)] == []


@pytest.mark.usefixtures("plan_file")
def test_a_plan_is_carried_out_without_keras_too() -> None:
    assert run(["apply", "--plan", "plan.json", "-o", "out.keras", "--verify", "none"]) == 0
    with open_archive("out.keras") as archive:
        rate = archive.config["compile_config"]["optimizer"]["config"]["learning_rate"]  # type: ignore[index,call-overload]
    assert rate == 0.002


@pytest.mark.usefixtures("plan_file")
@pytest.mark.parametrize("changed", ["spec.yaml", "tiny.keras"])
def test_a_plan_is_stale_when_a_file_has_changed(
    changed: str, capsys: Capture, archive_of: Any, tiny_config: dict[str, Any]
) -> None:
    if changed == "spec.yaml":
        Path(changed).write_text(f"{SPEC}# more\n")
    else:
        tiny_config["config"]["name"] = "other"
        archive_of(Path(changed), tiny_config)
    code = run(["apply", "--plan", "plan.json", "-o", "out.keras", "--verify", "none"])
    assert code == 1
    assert f"error[stale-plan]: '{changed}' has changed" in capsys.readouterr().err
    assert not Path("out.keras").exists()


def test_a_plan_of_another_outcome_is_stale(plan_file: Path, capsys: Capture) -> None:
    plan = json.loads(plan_file.read_text())
    plan["request"]["parameters"]["rate"] = 0.5
    plan_file.write_text(json.dumps(plan))
    assert run(["apply", "--plan", "plan.json", "--dry-run"]) == 1
    assert "plans something else" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"request": {}}', "[" * 5000, '{"request": {"specs": [1]}}']
)
def test_what_is_no_plan_is_refused(text: str, capsys: Capture) -> None:
    Path("plan.json").write_text(text)
    assert run(["apply", "--plan", "plan.json"]) == 2
    assert "error[unreadable-plan]" in capsys.readouterr().err
    assert run(["apply", "--plan", "none.json"]) == 2


# ---------------------------------------------------------------- nothing to change


@pytest.mark.parametrize("extra", [["--dry-run"], ["--verify", "none"]])
def test_the_exit_code_tells_that_there_is_nothing_to_change(extra: list[str]) -> None:
    command = ["apply", "tiny.keras", "-o", "out.keras", "--exit-code", "-q", *extra]
    assert run([*command, "--set", "dense_a:activation=relu"]) == 1
    assert not Path("out.keras").exists()
    assert not Path("out.diff.json").exists()
    assert run([*command, "--set", "dense_a:activation=tanh"]) == 0
    assert Path("out.keras").exists() is ("none" in extra)


def test_outputs_tell_a_workflow_whether_anything_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    command = ["apply", "tiny.keras", "-o", "out.keras", "--verify", "none", "--github-summary"]
    assert run([*command, "--set", "dense_a:activation=tanh"]) == 0
    assert (tmp_path / "output").read_text() == (
        "changed=true\noutput=out.keras\nreport=out.diff.json\n"
    )
    assert "### kover apply" in (tmp_path / "summary").read_text()
    assert "dense_a" in (tmp_path / "summary").read_text()
