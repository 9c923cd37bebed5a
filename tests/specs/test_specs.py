"""Every example in `specs/` is valid, fits a model, and does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SPECS = sorted((HERE.parent.parent / "specs").iterdir())
NAMES = [path.stem for path in SPECS]
MODELINE = "# yaml-language-server: $schema=../schemas/spec.schema.json"
MAKERS = {  # the others fit the model of `make demo`
    "wrapper_inner_layer": "make_tagger.py",
    "hold_layers": "make_attention.py",
    "own_class": "own_class.py",
}
OPTIONS = {"own_class": ["--import", str(HERE / "own_class.py")]}
MARKS = {"hold_layers": [pytest.mark.needs_keras(">=3.15.1")]}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("path", SPECS, ids=NAMES)
def test_an_example_says_what_it_expects_and_how_to_adapt_it(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert path.suffix == ".yaml"
    assert lines[0] == MODELINE
    header = "\n".join(line for line in lines[: lines.index("version: 1")] if line[:1] == "#")
    assert "# Expects:" in header
    assert "# Adapt:" in header
    assert any(line.startswith("description:") for line in lines)


@pytest.mark.parametrize("path", SPECS, ids=NAMES)
def test_an_example_is_valid(path: Path) -> None:
    from kover.spec.loading import load_spec

    spec = load_spec(str(path))
    assert spec.warnings == ()
    assert spec.overrides or spec.compile


def test_another_validator_finds_nothing_wrong_with_the_examples_either(project_root: Path) -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    schema = project_root / "schemas" / "spec.schema.json"
    done = subprocess.run(
        [checker, "--schemafile", schema, *SPECS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SPECS, ids=NAMES)
def test_the_variants_in_an_examples_comments_are_valid_too(path: Path, tmp_path: Path) -> None:
    from kover.spec.loading import load_spec

    for number, variant in enumerate(commented_variants(path.read_text(encoding="utf-8"))):
        target = tmp_path / f"{number}.yaml"
        target.write_text(f"version: 1\n{variant}", encoding="utf-8")
        load_spec(str(target))


def test_most_examples_hold_a_variant() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SPECS]
    assert sum(map(len, map(commented_variants, texts))) >= 9


def commented_variants(text: str) -> list[str]:
    """The specs that stand in comments: from `# overrides:` or `# compile:` to the block's end."""
    return [
        match.group().replace("\n# ", "\n").removeprefix("# ")
        for match in re.finditer(r"^# (overrides|compile):$(\n# .*$)+", text, re.MULTILINE)
    ]


def test_each_example_has_a_check_in_plain_keras() -> None:
    source = (HERE / "plain_keras.py").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"def {name}(before: Any, after: Any)" not in source] == []


@pytest.fixture(scope="module")
def models(demo_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A model that fits, for each example."""
    folder = tmp_path_factory.mktemp("models")
    made = {name: folder / f"{name}.keras" for name in MAKERS}
    for name, path in made.items():
        maker = HERE / MAKERS[name]
        subprocess.run([sys.executable, "-P", maker, path], check=True, capture_output=True)
    return {name: made.get(name, demo_model) for name in NAMES}


def judged_by_keras(folder: Path) -> dict[str, str | None]:
    """For each pair of models in `folder` None, or what is wrong."""
    done = subprocess.run(
        [sys.executable, "-P", HERE / "plain_keras.py", folder],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    verdicts: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
    return verdicts


@pytest.fixture(scope="module")
def verdicts(
    run_kover: Run, models: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, str | None]:
    """What Keras alone says about the outcome of each example."""
    folder = tmp_path_factory.mktemp("examples")
    refused: dict[str, str | None] = {}
    for path in SPECS:
        before, after = (folder / f"{path.stem}.{when}.keras" for when in ("before", "after"))
        shutil.copy(models[path.stem], before)
        done = run_kover("apply", before, path, "-o", after, *OPTIONS.get(path.stem, ()))
        if done.returncode != 0:
            refused[path.stem] = f"kover apply: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return {**judged_by_keras(folder), **refused}


@pytest.mark.keras
@pytest.mark.parametrize("name", [pytest.param(n, marks=MARKS.get(n, [])) for n in NAMES])
def test_an_example_takes_effect_in_plain_keras(
    verdicts: Mapping[str, str | None], name: str
) -> None:
    assert verdicts[name] is None, verdicts[name]


@pytest.mark.keras
def test_keras_notices_when_an_example_takes_no_effect(
    models: Mapping[str, Path], tmp_path: Path
) -> None:
    for name, model in models.items():
        for when in ("before", "after"):
            shutil.copy(model, tmp_path / f"{name}.{when}.keras")
    unnoticed = [name for name, wrong in judged_by_keras(tmp_path).items() if wrong is None]
    assert unnoticed == []
