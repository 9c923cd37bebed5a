"""The text of a report: one screen, plain when piped, coloured on a terminal, never obeyed."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from kover.diffing.model_diff import (
    ArchiveFacts,
    ArrayChange,
    ArrayFact,
    AttributeChange,
    Effective,
    EffectivePenalty,
    EffectiveRate,
    LayerDiff,
    ModelDiff,
    NonFinite,
    OptimizerStateDiff,
    WeightsDiff,
)
from kover.diffing.report import Report
from kover.problems import Problem
from kover.report.diff_text import render
from kover.report.style import ConsoleOptions, options_for
from kover.source import Source
from kover.values import MISSING

BEFORE = ArchiveFacts("a.keras", None, "3.5.0", 1_500_000, "net", "Functional", 1)
AFTER = ArchiveFacts("b.keras", None, "3.5.0", 98_200_000, "net", "Functional", 12)
SGR = re.compile(r"\x1b\[[0-9;]*m")


def text(options: ConsoleOptions | None = None, **parts: Any) -> str:
    return render(Report(ModelDiff(**{"before": BEFORE, "after": AFTER} | parts)), options)


def layer(name: str, *changes: AttributeChange, **more: Any) -> LayerDiff:
    return LayerDiff(name, "Dense", more.pop("kind", "changed"), changes, **more)


def frozen(name: str) -> LayerDiff:
    return layer(name, AttributeChange("trainable", True, False))


def test_the_header_tells_both_sides_where_they_differ() -> None:
    lines = text(compile=(AttributeChange("loss", "mse", "mae"),)).splitlines()
    assert lines[:2] == [
        "a.keras → b.keras",
        "  Functional net · 1 → 12 layers · Keras 3.5.0 · 1.5 MB → 98.2 MB",
    ]


def test_equal_models_take_one_line() -> None:
    said = text(weights=WeightsDiff(4, 4), optimizer_state=OptimizerStateDiff(kept=8))
    assert (
        said
        == "identical: a.keras and b.keras   Functional net, 1 layer, 4 arrays, 8 optimizer slots\n"
    )


def test_without_weights_identical_says_so() -> None:
    assert text().startswith("identical: ")
    assert "weights not compared" in text()


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (3, "  trainable   true → false   in 3 layers: l0, l1, l2"),
        (57, "  trainable   true → false   in 57 layers: l0, l1, … and 55 more"),
    ],
)
def test_equal_changes_of_many_layers_are_one_line(count: int, line: str) -> None:
    said = text(layers=tuple(frozen(f"l{number}") for number in range(count)))
    assert line in said.splitlines()
    assert said.count("trainable") == 1


def test_two_layers_are_told_one_by_one() -> None:
    assert text(layers=(frozen("a"), frozen("b"))).count("true → false") == 2


def test_a_folded_change_leaves_the_layers_other_changes() -> None:
    more = layer("z", AttributeChange("trainable", True, False), AttributeChange("units", 1, 2))
    said = text(layers=(frozen("a"), frozen("b"), more))
    assert "in 3 layers: a, b, z" in said
    assert "  z   Dense\n      units   1 → 2\n" in said


def test_huge_reports_are_cut_with_a_count() -> None:
    changed = tuple(layer(f"l{n}", AttributeChange("units", n, n + 1)) for n in range(500))
    added = tuple(layer(f"n{n}", kind="added") for n in range(500))
    arrays = tuple(ArrayChange("a", f"v{n}", (2,), "float32", max_abs=1.0) for n in range(500))
    gone = tuple(ArrayFact("a", f"w{n}", (2,), "float32") for n in range(500))
    said = text(layers=changed + added, weights=WeightsDiff(500, 0, arrays, (), gone))
    assert len(said.splitlines()) < 200
    assert "… and 460 changed layers more" in said
    assert "… and 460 added or removed layers more" in said
    assert "… and 488 more changed arrays" in said
    assert "… and 488 more removed arrays" in said


def test_an_added_model_counts_what_it_holds() -> None:
    inner = LayerDiff("box/a", "Dense", "added", within="box")
    said = text(layers=(LayerDiff("box", "Sequential", "added", holds=1), inner))
    assert "+ box   Sequential   with 1 layer inside" in said
    assert "box/a" not in said


def test_arrays_of_added_layers_are_counted_not_listed() -> None:
    weights = WeightsDiff(1, 1, (), (ArrayFact("new", "kernel", (1,), "float32"),))
    said = text(layers=(layer("new", kind="added"),), weights=weights)
    assert "1 array: all equal, 1 added" in said
    assert "new/kernel" not in said


def test_renamed_and_moved_layers_show_where_they_were() -> None:
    said = text(
        layers=(
            layer("b", kind="renamed", renamed_from="a"),
            layer("c", kind="moved"),
            layer("e", AttributeChange("units", 1, 2), kind="renamed", renamed_from="d"),
        )
    )
    assert "  renamed   a → b\n  moved   c\n~ d → e   Dense\n      units   1 → 2\n" in said


def test_odd_numbers_in_weights_stand_out() -> None:
    change = ArrayChange(
        "a",
        "kernel",
        (2, 3),
        "float32",
        None,
        None,
        0.5,
        0.01,
        0.0001,
        NonFinite(),
        NonFinite(3, 1),
    )
    said = text(weights=WeightsDiff(1, 0, (change,)))
    assert (
        "a/kernel   (2, 3)   max|Δ| 0.5   relative 0.01   < 0.1 % of entries"
        "   NaN 0 → 3   inf 0 → 1" in said
    )


def test_what_takes_effect_is_told_where_it_differs() -> None:
    effective = Effective(
        (25557032, 20490),
        (7, 7),
        (EffectiveRate("head", 0.001, 0.01, 0.0, 0.1), EffectiveRate("*", 0.1, 0.2)),
        (EffectivePenalty("head", "kernel", None, {"class": "L2", "l2": 0.1}),),
    )
    said = text(effective=effective, compile=(AttributeChange("loss", "a", "b"),))
    part = said[said.index("In effect") :].splitlines()
    assert [re.sub(" +", " ", line).strip() for line in part] == [
        "In effect",
        "trainable parameters 25,557,032 → 20,490",
        "learning rate 0.001 → 0.01 for head",
        "weight decay 0.0 → 0.1 for head",
        "learning rate 0.1 → 0.2 for everything else",
        "penalty none → L2(l2=0.1) on head/kernel",
    ]


def test_warnings_come_last_with_their_places() -> None:
    warning = Problem("some-code", "it is odd", Source("spec.yaml", 3, 4), "look", "warning")
    assert text(warnings=(warning,)).endswith(
        "\nspec.yaml:3:4: warning[some-code]: it is odd\n  help: look\n"
    )


HOSTILE = "\x1b[2J\u202e[red]x\n+ forged\ud800"


def test_names_from_models_cannot_reach_the_terminal() -> None:
    change = AttributeChange(HOSTILE, HOSTILE, {"class": HOSTILE, HOSTILE: HOSTILE})
    facts = ArchiveFacts(HOSTILE, None, HOSTILE, 1, HOSTILE, HOSTILE, 1)
    array = ArrayFact(HOSTILE, HOSTILE, (1,), HOSTILE)
    parts: dict[str, Any] = {
        "before": facts,
        "layers": (
            layer(HOSTILE, change, kind="renamed", renamed_from=HOSTILE),
            *(frozen(HOSTILE + str(n)) for n in range(4)),
            layer(HOSTILE, kind="added"),
            layer(HOSTILE, kind="moved"),
        ),
        "model": (change,),
        "metadata": (change,),
        "weights": WeightsDiff(1, 1, (), (array,), (array,)),
        "warnings": (Problem("a-code", HOSTILE, Source(HOSTILE), HOSTILE, "warning"),),
    }
    for options in (ConsoleOptions(), ConsoleOptions(color=True, width=80)):
        said = SGR.sub("", text(options, **parts))
        assert "forged" in said
        assert not [char for char in said if char != "\n" and not char.isprintable()]
        assert not [line for line in said.splitlines() if line.startswith("+ forged")]


def test_a_terminal_gets_colours_and_the_same_words() -> None:
    parts: dict[str, Any] = {
        "layers": (frozen("a"), layer("b", kind="added")),
        "weights": WeightsDiff(1, 1),
    }
    plain, coloured = text(**parts), text(ConsoleOptions(color=True, width=40), **parts)
    assert "\x1b[" not in plain
    assert "\x1b[31mtrue" in coloured
    assert SGR.sub("", coloured) == plain


def test_a_narrow_encoding_gets_ascii() -> None:
    said = text(ConsoleOptions(ascii=True), layers=tuple(frozen(str(n)) for n in range(9)))
    assert said.isascii()
    assert "true -> false" in said


class FakeStream:
    """A text stream that says what it is told to."""

    def __init__(self, terminal: bool, encoding: str | None = "utf-8") -> None:
        self.encoding = encoding
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("terminal", "environment", "color"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_only_a_terminal_that_wants_them_gets_colours(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, environment: dict[str, str], color: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert options_for(FakeStream(terminal)).color is color


def test_the_encoding_decides_on_arrows() -> None:
    assert options_for(FakeStream(False, "latin-1")).ascii
    assert not options_for(FakeStream(False, None)).ascii


def test_plain_text_needs_no_rich() -> None:
    code = (
        "import sys; from kover.diffing.model_diff import ArchiveFacts, ModelDiff;"
        "from kover.diffing.report import Report;"
        "from kover.report.diff_text import render; from kover.report.diff_json import dumps;"
        "r = Report(ModelDiff(ArchiveFacts('a'), ArchiveFacts('b'))); render(r); dumps(r);"
        "print(sorted({'rich', 'numpy', 'yaml', 'click', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_another_class_is_told_without_what_each_class_takes_by_itself() -> None:
    changed = LayerDiff(
        "norm",
        "LayerNormalization",
        "changed",
        (
            AttributeChange("class_name", "BatchNormalization", "LayerNormalization"),
            AttributeChange("momentum", 0.99, MISSING),
            AttributeChange("moving_mean_initializer", "Zeros", MISSING),
            AttributeChange("renorm_momentum", 0.5, MISSING),
            AttributeChange("rms_scaling", MISSING, False),
            AttributeChange("unheard_of", MISSING, None),
        ),
    )
    rows = [line.split()[0] for line in text(layers=(changed,)).splitlines() if "→" in line]
    assert rows[2:] == ["class_name", "renorm_momentum", "unheard_of"]
    whole = render(Report(ModelDiff(BEFORE, AFTER, layers=(changed,))), everything=True)
    assert "momentum" in whole.replace("renorm_momentum", "")


def test_measures_stand_in_columns() -> None:
    changed = tuple(
        ArrayChange("dense", name, (4,), "float32", max_abs=moved, rel_l2=1.0, share=1.0)
        for name, moved in (("kernel", 0.0625), ("bias", 2.0))
    )
    said = text(weights=WeightsDiff(2, 0, changed)).splitlines()
    places = {line.index("relative") for line in said if "relative" in line}
    assert len(places) == 1
