"""One line for each layer that differs."""

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
from kover.report.diff_stat import render_stat, total_text
from kover.report.diff_text import render

FACTS = ArchiveFacts("a.keras", class_name="Functional", name="net", layer_count=4)
CHANGE = AttributeChange("units", 3, 4)
DRIFTED = LayerDiff("dense_7", "Dense", "renamed", (), "dense_3", drifted=True)


def report(*layers: LayerDiff, arrays: tuple[ArrayChange, ...] = ()) -> Report:
    return Report(ModelDiff(FACTS, FACTS, layers, weights=WeightsDiff(9, 9 - len(arrays), arrays)))


def test_a_layer_is_a_line() -> None:
    found = report(
        LayerDiff("a", "Dense", "changed", (CHANGE, AttributeChange("rate", 1, 2))),
        LayerDiff("new", "ReLU", "added"),
        LayerDiff("old", "ReLU", "removed"),
        LayerDiff("x", "Dense", "renamed", (), "y"),
        arrays=(ArrayChange("a", "kernel", (2,), "float32", max_abs=1.0, rel_l2=0.5, share=1.0),),
    )
    assert render_stat(found).splitlines()[2:] == [
        " * a           Dense   units and 1 more   1 array changed (relative up to 0.5)",
        " + new         ReLU    added",
        " - old         ReLU    removed",
        " ~ x (was y)   Dense   renamed",
        " 1 layer changed, 1 added, 1 removed, 1 renamed; 1 of 9 arrays changed",
    ]


def test_names_that_drifted_are_no_lines() -> None:
    assert render_stat(report(DRIFTED)).splitlines()[2:] == [" 0 of 9 arrays changed"]
    assert total_text(Report(ModelDiff(FACTS, FACTS))) == "identical"


def test_names_that_drifted_are_one_quiet_line_of_the_text() -> None:
    many = [
        LayerDiff(f"dense_{n}", "Dense", "renamed", (), f"dense_{n + 9}", drifted=True)
        for n in range(30)
    ]
    lines = render(report(*many)).splitlines()
    assert lines[3] == "Layers   the same"
    assert lines[4] == (
        "  30 automatic names drifted: dense_9 → dense_0, dense_10 → dense_1, … and 28 more"
    )
    assert len(lines) < 9


def test_all_leaves_nothing_out() -> None:
    many = [LayerDiff(f"l{n}", "Dense", "changed", (CHANGE,)) for n in range(100)]
    assert len(render(report(*many)).splitlines()) < 10
    everything = render(report(*many), everything=True)
    assert everything.count("units   3 → 4") == 100
