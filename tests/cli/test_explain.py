"""`kover explain` and `kover schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from kover.cli.main import run
from kover.explain.reading import codes

Capture = pytest.CaptureFixture[str]


def test_explain_prints_the_page_of_a_code(capsys: Capture) -> None:
    assert run(["explain", "unknown-layer"]) == 0
    assert capsys.readouterr().out.startswith("# unknown-layer\n")


@pytest.mark.parametrize("name", ["error[unknown-layer]", "warning[unknown-layer]:"])
def test_a_code_can_be_pasted_from_a_message(name: str, capsys: Capture) -> None:
    assert run(["explain", name]) == 0
    assert "# unknown-layer" in capsys.readouterr().out


def test_several_codes_are_explained(capsys: Capture) -> None:
    assert run(["explain", "unknown-layer", "no-match"]) == 0
    printed = capsys.readouterr().out
    assert printed.index("# unknown-layer") < printed.index("# no-match")


def test_without_a_code_all_are_listed(capsys: Capture) -> None:
    assert run(["explain"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == list(codes())
    assert all(len(row.split()) > 3 for row in rows)


@pytest.mark.parametrize("name", ["unknown-layers", "../reading", "", "x" * 500])
def test_an_unknown_code_suggests_others(name: str, capsys: Capture) -> None:
    assert run(["explain", name]) == 2
    assert "error[unknown-code]" in capsys.readouterr().err


def test_the_reference_has_every_key_and_every_class(capsys: Capture) -> None:
    assert run(["explain", "spec"]) == 0
    printed = capsys.readouterr().out
    for key in ("overrides", "layer_decay", "reinitialize", "lint", "path", "not"):
        assert f"| `{key}` |" in printed
    for name in ("Conv2D", "AdamW", "CosineDecay", "BinaryCrossentropy", "HeNormal", "relu"):
        assert f"- **{name}**" in printed
    assert "positive integer, dimensionality of the output space" in printed.lower()


def test_the_schema_is_the_file(capsys: Capture, project_root: Path) -> None:
    assert run(["schema"]) == 0
    assert capsys.readouterr().out == (project_root / "schemas/spec.schema.json").read_text()


def test_the_schema_of_a_model_is_valid_and_knows_its_layers(
    tiny_archive: Path, capsys: Capture
) -> None:
    assert run(["schema", "--model", str(tiny_archive)]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft7Validator.check_schema(schema)
    assert "dense_a" in schema["definitions"]["layer_name"]["enum"]
    validator = Draft7Validator(schema)
    good = {"version": 1, "overrides": [{"layers": "dense_a", "set": {"units": 3}}]}
    assert validator.is_valid(good)
    one = {"layers": "dense_a", "replace": "LeakyReLU", "set": {"negative_slope": 0.1}}
    assert validator.is_valid({"version": 1, "overrides": [one]})
    del one["replace"]
    assert not validator.is_valid({"version": 1, "overrides": [one]})
    good["overrides"][0]["layers"] = "dense_c"  # type: ignore[index]
    assert not validator.is_valid(good)


def test_the_schema_of_every_real_model_is_valid(real_models: Path, capsys: Capture) -> None:
    for path in sorted(real_models.glob("*.keras")):
        if run(["schema", "--model", str(path)]) == 0:
            Draft7Validator.check_schema(json.loads(capsys.readouterr().out))
        capsys.readouterr()
