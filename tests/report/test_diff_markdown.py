"""Markdown for pull requests: a summary, collapsible tables, never too long for a comment."""

from __future__ import annotations

from kover.diffing.model_diff import (
    ArchiveFacts,
    ArrayChange,
    AttributeChange,
    LayerDiff,
    ModelDiff,
    WeightsDiff,
)
from kover.diffing.report import Report
from kover.problems import Problem
from kover.report.diff_markdown import report_markdown
from kover.report.markdown import MOST_CHARACTERS

BEFORE = ArchiveFacts("a.keras", "ab" * 32, "3.5.0", 1_500_000, "net", "Functional", 2)
AFTER = ArchiveFacts("b.keras", None, "3.15.1", 1_500_000, "net", "Functional", 2)


def many(count: int) -> ModelDiff:
    name = "block_{}/" + "x" * 180
    layers = tuple(
        LayerDiff(
            name.format(number), "Dense", "changed", (AttributeChange("units", number, number + 1),)
        )
        for number in range(count)
    )
    arrays = tuple(
        ArrayChange(layer.layer, "kernel", (9, 9), "float32", max_abs=1.0, share=1.0)
        for layer in layers
    )
    warnings = tuple(Problem("odd", f"{number} " + "w" * 300) for number in range(count))
    weights = WeightsDiff(count, 0, arrays)
    return ModelDiff(BEFORE, AFTER, layers, weights=weights, warnings=warnings)


def test_it_begins_with_what_it_comes_to() -> None:
    diff = ModelDiff(
        BEFORE,
        AFTER,
        (LayerDiff("d", "Dense", "changed", (AttributeChange("rate", 0.1, 0.2),)),),
        weights=WeightsDiff(2, 2),
    )
    lines = report_markdown(Report(diff)).splitlines()
    assert lines[0] == "### `a.keras` → `b.keras`"
    assert lines[2] == "**1 layer changed; 0 of 2 arrays changed**"
    assert "|  | `d` | `Dense` | `rate` | `0.1` | `0.2` |" in lines
    assert "sha256 `abababababab`" in lines[4]


def test_it_fits_a_comment_whatever_the_model() -> None:
    text = report_markdown(Report(many(5_000)))
    assert 40_000 < len(text) < MOST_CHARACTERS
    assert "more rows" in text
    assert text.count("<details") == text.count("</details>")


def test_every_table_has_as_many_cells_as_its_head() -> None:
    blocks = report_markdown(Report(many(3))).split("\n\n")
    for rows in (block.splitlines() for block in blocks if block.startswith("|")):
        assert len({row.count(" |") for row in rows if "---" not in row}) == 1
