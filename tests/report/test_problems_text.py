"""Problems as text, JSON and workflow commands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.cli.main import run
from kover.problems import Problem
from kover.report.problems_json import json_text, problems_github, problems_json
from kover.report.problems_text import problems_text
from kover.source import Source


def lines(*rows: str) -> Callable[[str], Sequence[str]]:
    return lambda path: rows


def at(line: int, column: int, end: int | None = None) -> Source:
    return Source("spec.yaml", line, column, end)


def test_a_problem_is_its_place_its_line_and_its_help() -> None:
    problem = Problem(
        "unknown-layer", "no layer matches 'dens_1'", at(2, 13, 19), "did you mean 'dense_1'?"
    )
    assert problems_text([problem], lines("layers:", "      name: dens_1 # x")) == (
        "spec.yaml:2:13: error[unknown-layer]: no layer matches 'dens_1'\n"
        "    2 |       name: dens_1 # x\n"
        "      |             ^^^^^^\n"
        "  help: did you mean 'dense_1'?\n"
    )


def test_warnings_and_related_places_are_shown() -> None:
    problem = Problem("twice", "given twice", at(3, 1), None, "warning", (at(1, 2),))
    assert problems_text([problem], lambda path: None) == (
        "spec.yaml:3:1: warning[twice]: given twice\n  see also: spec.yaml:1:2\n"
    )


def test_a_problem_without_a_place_or_in_an_archive_has_no_line() -> None:
    assert problems_text([Problem("usage", "no")]) == "kover: error[usage]: no\n"
    inside = Source("m.keras", inside="config.json")
    assert problems_text([Problem("bad", "no", inside)]) == "m.keras: config.json: error[bad]: no\n"


def test_the_caret_stands_under_text_after_tabs_and_wide_characters() -> None:
    for row, column, end in [("a\tb: x", 6, 7), ("層層: x", 5, 6), ("é\u0301é: x", 6, 7)]:
        text = problems_text([Problem("c", "m", at(1, column, end))], lines(row))
        _, shown, caret = text.splitlines()
        before = shown[: shown.index("x")]
        width = sum(2 if char == "層" else 0 if char == "\u0301" else 1 for char in before)
        assert caret.index("^") == width
        assert caret.count("^") == 1


def test_the_caret_covers_wide_characters() -> None:
    text = problems_text([Problem("c", "m", at(1, 4, 6))], lines("a: 層層"))
    assert text.splitlines()[2] == "      |    ^^^^"


@pytest.mark.parametrize("column", [1, 50, 120, 300, 399])
def test_a_long_line_is_cut_around_the_place(column: int) -> None:
    row = "".join(f"{i % 10}" for i in range(1, 401))
    text = problems_text([Problem("c", "m", at(1, column, column + 5))], lines(row))
    _, shown, caret = text.splitlines()
    assert len(shown) <= 110
    assert len(caret) <= len(shown)
    assert shown[caret.index("^")] == str(column % 10)


@pytest.mark.parametrize(
    "source",
    [at(99, 1), at(1, 99, 120), at(0, 1), Source("spec.yaml", 1), at(1, 3, 2), Source("spec.yaml")],
)
def test_a_place_that_the_file_no_longer_has_is_no_accident(source: Source) -> None:
    text = problems_text([Problem("c", "m", source)], lines("short"))
    assert text.startswith("spec.yaml")


def test_lines_are_read_from_the_file_only_when_needed(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\xff\n")
    shown = [
        problems_text([Problem("c", "m", Source(str(path), n, 1, 3))]).splitlines()[1]
        for n in (1, 2, 3)
    ]
    assert shown == ["    1 | one", "    2 | two", "    3 | three\ufffd"]
    missing = Source(str(tmp_path / "missing"), 1, 1)
    assert len(problems_text([Problem("c", "m", missing)]).splitlines()) == 1
    assert len(problems_text([Problem("c", "m", Source("/dev/zero", 1, 1))]).splitlines()) == 1


def test_colour_is_only_used_when_asked_for() -> None:
    problem = Problem("c", "m", at(1, 1, 2), "h")
    plain = problems_text([problem], lines("x"))
    coloured = problems_text([problem], lines("x"), colour=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert "\x1b[1;31merror[c]\x1b[0m" in coloured


hostile = st.text(st.characters(), max_size=80)


@given(hostile, hostile, hostile, st.integers(1, 90), st.integers(1, 90))
def test_outside_text_cannot_steer_the_terminal(
    path: str, message: str, row: str, column: int, end: int
) -> None:
    source = Source(path, 1, column, end)
    problem = Problem("code", message, source, message, related=(source,))
    text = problems_text([problem], lines(row))
    assert all(part.isprintable() for part in text.split("\n"))
    assert 2 <= text.count("\n") <= 5


def test_json_has_every_field_and_is_ascii() -> None:
    problem = Problem("c", "naïve \ud800", at(1, 2, 3), "h", related=(at(4, 5),))
    text = json_text(problems_json([problem], {"specs": []}))
    assert text.isascii()
    assert json.loads(text) == {
        "version": 1,
        "kover": "0.1.0",
        "valid": False,
        "problems": [
            {
                "code": "c",
                "severity": "error",
                "message": "naïve \ud800",
                "file": "spec.yaml",
                "line": 1,
                "column": 2,
                "end_column": 3,
                "help": "h",
                "explain": "kover explain c",
                "related": [{"file": "spec.yaml", "line": 4, "column": 5, "end_column": None}],
            }
        ],
        "specs": [],
    }


def test_warnings_leave_a_spec_valid() -> None:
    warning = Problem("c", "m", None, None, "warning")
    assert problems_json([warning])["valid"] is True
    assert problems_json([])["valid"] is True


def test_a_workflow_command_is_one_line_whatever_a_name_holds() -> None:
    problem = Problem(
        "c", "50% of\n::error::x", Source("a,b:c\n.yaml", 1, 2), "do\rthis", severity="note"
    )
    assert problems_github([problem]) == (
        "::notice file=a%2Cb%3Ac\\n.yaml,line=1,col=2,title=kover c"
        "::50%25 of\\n::error::x%0Ahelp: do\\rthis\n"
    )


@pytest.mark.parametrize("char", ["x", "\u754c", "e\u0301"])
@pytest.mark.parametrize("column", [1, 60, 200_000])
def test_of_a_long_line_only_the_part_around_the_place_is_read(char: str, column: int) -> None:
    class Watched(str):
        """A line that knows how much of it was taken."""

        __slots__ = ()
        taken: ClassVar[list[int]] = []

        def __getitem__(self, key: object) -> str:
            part = super().__getitem__(key)  # type: ignore[index]  # whatever a str takes
            self.taken.append(len(part))
            return part

    row = Watched(char * 300_000)
    text = problems_text([Problem("c", "m", at(1, column, 300_000))], lines(row))
    assert 0 < sum(row.taken) < 2000
    _, shown, caret, *_ = text.splitlines()
    assert shown.endswith("\u2026")
    assert "^" in caret
    assert len(caret) < 120


def test_a_workflow_command_in_a_usage_message_stays_on_its_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["show", "a.keras", "b", "x\x1b[31m\n::error::y"]) == 2
    assert "x\\x1b[31m\\n::error::y" in capsys.readouterr().err
