"""What a GitHub workflow gets when it asks: a summary of the step, and outputs for later steps.

`$GITHUB_STEP_SUMMARY` and `$GITHUB_OUTPUT` name files to which lines are appended.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kover.cli.messages import print_problems
from kover.problems import Problem, errors_among
from kover.report.clean import clean, escape_unprintable

if TYPE_CHECKING:
    from kover.validation import Verdict


def report_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Report what became of specs: outputs `valid`, `errors` and `warnings`."""
    problems = [problem for verdict in verdicts for problem in verdict.problems]
    errors = len(errors_among(problems))
    warnings = sum(problem.severity == "warning" for problem in problems)
    lines = [
        f"| {_cell(path)} | {'no' if errors_among(verdict.problems) else 'yes'} |"
        for verdict in verdicts
        for path in verdict.paths
    ]
    table = ["| spec | valid |", "| --- | --- |", *lines]
    valid = "true" if all(verdict.exit_code == 0 for verdict in verdicts) else "false"
    write_github(
        "kover validate",
        [*table, *_problem_lines(problems)],
        {"valid": valid, "errors": str(errors), "warnings": str(warnings)},
    )


def write_github(title: str, rows: Iterable[str], outputs: Mapping[str, str]) -> None:
    """Append a section to the step's summary, and outputs for the steps that follow.

    Args:
        title: of the section.
        rows: Markdown.
        outputs: by name.
    """
    summary, output = os.environ.get("GITHUB_STEP_SUMMARY"), os.environ.get("GITHUB_OUTPUT")
    if not (summary or output):
        note = "neither GITHUB_STEP_SUMMARY nor GITHUB_OUTPUT is set, so there is no summary"
        help = "--github-summary is for GitHub workflows"
        print_problems([Problem("no-workflow", note, None, help, "note")])
    if summary:
        _append(summary, "\n".join([f"### {title}", "", *rows, "", ""]))
    if output:
        _append(output, "".join(_output(name, value) for name, value in outputs.items()))


def _output(name: str, value: str) -> str:
    if value.isprintable():
        return f"{name}={value}\n"
    end = f"end-{secrets.token_hex(8)}"  # a value with line ends could otherwise set other outputs
    return f"{name}<<{end}\n{value}\n{end}\n"


def _append(path: str, text: str) -> None:
    with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def _problem_lines(problems: Iterable[Problem]) -> list[str]:
    listed = list(dict.fromkeys(problems))
    if not listed:
        return []
    rows = [
        f"| {problem.severity} | {_cell(str(problem.source or 'kover'))} | `{problem.code}` "
        f"| {_cell(problem.message)} | {_cell(problem.help or '')} |"
        for problem in listed
    ]
    return ["", "| | place | code | problem | help |", "| --- | --- | --- | --- | --- |", *rows]


def _cell(text: str) -> str:
    """Text for a cell of a table: no markup of its own, on one line."""
    shown = escape_unprintable(clean(text, 400))
    for char in "\\`*_{}[]<>|#!~$@":
        shown = shown.replace(char, f"&#{ord(char)};")
    return shown
