"""Editors: what a real YAML language server completes and marks with kover's schemas."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from kover.cli.main import run

pytestmark = pytest.mark.slow
PLAIN = "# yaml-language-server: $schema=spec.schema.json\n"
MODEL = "# yaml-language-server: $schema=tiny.schema.json\n"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def server(
    language_server: Any, tmp_path: Path, project_root: Path, tiny_archive: Path, capsys: Capture
) -> Any:
    """A session in a folder with both schemas."""
    shutil.copy(project_root / "schemas" / "spec.schema.json", tmp_path)
    assert run(["schema", "--model", str(tiny_archive)]) == 0
    (tmp_path / "tiny.schema.json").write_text(capsys.readouterr().out)
    return language_server


def test_keys_are_completed_with_the_plain_schema(server: Any) -> None:
    keys = server.labels(f"{PLAIN}version: 1\n|", "top.yaml")
    assert {"overrides", "compile", "parameters", "model", "lint"} <= set(keys)
    keys = server.labels(f"{PLAIN}version: 1\ncompile:\n  |", "compile.yaml")
    assert {"optimizer", "loss", "metrics", "layer_decay"} <= set(keys)


def test_a_valid_spec_has_no_diagnostics(server: Any, project_root: Path) -> None:
    for path in sorted((project_root / "specs").glob("*.yaml")):
        text = path.read_text().replace("../schemas/", "")
        assert server.faults(text, path.name) == [], path.name


def test_a_wrong_key_and_a_wrong_type_are_marked_at_their_lines(server: Any) -> None:
    text = f"{PLAIN}version: 1\noverrides:\n  - layers: a\n    sett: {{}}\ncompile:\n  loss: 3\n"
    faults = server.faults(text, "wrong.yaml")
    assert (5, "Property sett is not allowed.") in faults
    assert any(line == 7 and "Incorrect type" in message for line, message in faults)


def test_layer_names_of_the_model_are_completed(server: Any) -> None:
    names = server.labels(f"{MODEL}version: 1\noverrides:\n  - layers: |\n", "layers.yaml")
    assert {"dense_a", "dense_b"} <= set(names)


def test_classes_of_the_model_are_completed(server: Any) -> None:
    text = f"{MODEL}version: 1\noverrides:\n  - layers:\n      class: |\n"
    assert {"Dense", "InputLayer"} <= set(server.labels(text, "classes.yaml"))


@pytest.mark.parametrize("layers", ["dense_a", "{class: Dense}", "'**'"])
def test_attributes_of_the_selected_class_are_completed(layers: str, server: Any) -> None:
    text = f"{MODEL}version: 1\noverrides:\n  - layers: {layers}\n    set:\n      |"
    items = server.at("completion", text, "attributes.yaml")["items"]
    found = {item["label"]: item.get("documentation") for item in items}
    assert {"units", "activation", "kernel_regularizer", "trainable"} <= found.keys()
    assert "dimensionality of the output" in str(found["units"])


def test_values_are_completed(server: Any) -> None:
    text = f"{MODEL}version: 1\noverrides:\n  - layers: dense_a\n    set:\n      activation: |"
    assert {"relu", "gelu", "softmax"} <= set(server.labels(text, "values.yaml"))


def test_hovering_shows_the_line_of_keras(server: Any) -> None:
    text = f"{MODEL}version: 1\noverrides:\n  - layers: dense_a\n    set:\n      uni|ts: 3\n"
    assert "dimensionality of the output" in str(server.at("hover", text, "hover.yaml"))


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("layers: dens_a\n    set: {units: 3}", 4),
        ("layers: dense_a\n    set: {unit: 3}", 5),
        ("layers: dense_a\n    set: {units: many}", 5),
        ("layers: dense_a\n    set: {units: 0}", 5),
        ("layers: {class: Dense}\n    set: {rate: 0.1}", 5),
    ],
)
def test_what_the_model_does_not_have_is_marked(override: str, line: int, server: Any) -> None:
    faults = server.faults(f"{MODEL}version: 1\noverrides:\n  - {override}\n", "marked.yaml")
    assert line in [found for found, _ in faults], faults


@pytest.mark.parametrize(
    "override",
    [
        "layers: 'dens*'\n    set: {units: 3}",
        "layers: [dense_a, /dense_b]\n    set: {kernel_regularizer: {l2: 0.1}}",
        "layers: dens_a\n    expect: {min: 0}\n    set: {units: 3}",
        "layers: dense_a\n    set: {kernel_regularizer.l2: 0.1, activation: 'pkg>Mine'}",
        "layers: {class: [Dense, Conv2D], index: '1:'}\n    set: {use_bias: false}",
    ],
)
def test_what_fits_the_model_is_not_marked(override: str, server: Any) -> None:
    assert server.faults(f"{MODEL}version: 1\noverrides:\n  - {override}\n", "fits.yaml") == []
