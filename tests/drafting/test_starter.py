"""A starter spec is valid and changes nothing, also with everything in it taken in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kover.archive.reader import open_archive
from kover.drafting.checking import plan_text
from kover.drafting.starter import starter_spec, uncommented
from kover.modelconfig.tree import ModelTree, read_tree
from kover.showing.collect import show_archive

Write = Callable[[Path, dict[str, Any]], None]


def starter(path: Path) -> tuple[str, ModelTree]:
    with open_archive(path) as archive:
        tree = read_tree(archive.config, archive.path)
        return starter_spec(show_archive(archive), tree), tree


def changes_nothing(text: str, tree: ModelTree) -> bool:
    plan = plan_text(text, tree)
    return plan.after == tree.root and not plan.changes and not plan.compile_changes


def test_it_names_the_model_and_what_can_be_set(tiny_archive: Path) -> None:
    text, _ = starter(tiny_archive)
    assert text.startswith("# A spec for tiny.keras: Sequential tiny, 3 layers, 23 parameters")
    assert "#  - layers: dense_a   # Dense\n" in text
    assert "#    set: {activation: relu, kernel_regularizer: null}\n" in text
    assert "#  optimizer: {learning_rate: 0.001}   # Adam\n" in text


def test_it_changes_nothing(tiny_archive: Path) -> None:
    text, tree = starter(tiny_archive)
    assert changes_nothing(text, tree)
    assert changes_nothing(uncommented(text), tree)


def test_it_changes_no_real_model(real_models: Path) -> None:
    for path in sorted(real_models.glob("*.keras")):
        text, tree = starter(path)
        assert changes_nothing(text, tree), path.name
        assert changes_nothing(uncommented(text), tree), path.name


@pytest.mark.parametrize(
    "name",
    [
        "no",
        "a*[b]",
        "x: y",
        "# z",
        "back\\slash",
        "tick`|pipe",
        "\x1b[31m",
        "**",
        "${a}",
        "é\u202e",
    ],
)
def test_odd_names_stay_names(
    name: str, tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> None:
    tiny_config["config"]["name"] = name
    tiny_config["config"]["layers"][1]["config"]["name"] = name
    archive_of(tmp_path / "m.keras", tiny_config)
    text, tree = starter(tmp_path / "m.keras")
    assert all(line.isprintable() for line in text.splitlines())
    assert changes_nothing(text, tree)
    assert changes_nothing(uncommented(text), tree)
    assert uncommented(text).count("  - layers:") == 2


def test_an_uncompiled_model_gets_one_too(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> None:
    del tiny_config["compile_config"]
    archive_of(tmp_path / "m.keras", tiny_config)
    text, tree = starter(tmp_path / "m.keras")
    assert "saved uncompiled" in text
    assert changes_nothing(text, tree)
    assert changes_nothing(uncommented(text), tree)


def test_thousands_of_layers_do_not_make_thousands_of_lines(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> None:
    layers = tiny_config["config"]["layers"]
    layers += [
        {
            "module": "keras.layers",
            "class_name": "Dropout",
            "config": {"name": f"drop_{number}", "rate": number / 10_000},
            "registered_name": None,
        }
        for number in range(1_000)
    ]
    archive_of(tmp_path / "m.keras", tiny_config)
    text, _ = starter(tmp_path / "m.keras")
    assert text.count("\n") < 100
