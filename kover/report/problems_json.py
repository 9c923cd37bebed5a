"""Problems as JSON, and as annotations of GitHub's workflow log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from kover import __version__
from kover.problems import Problem, errors_among
from kover.report.clean import escape_unprintable
from kover.source import Source
from kover.values import JSON


def problems_json(
    problems: Iterable[Problem], more: Mapping[str, JSON] | None = None
) -> dict[str, JSON]:
    """The problems of a run; `valid` when none of them is an error.

    Args:
        problems: in the order in which they are listed.
        more: further keys of the result.
    """
    listed = list(problems)
    return {
        "version": 1,
        "kover": __version__,
        "valid": not errors_among(listed),
        "problems": [_problem(problem) for problem in listed],
        **(more or {}),
    }


def json_text(value: JSON | Mapping[str, JSON]) -> str:
    """JSON for standard output: ASCII alone, so that no name in it can steer a terminal."""
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def problems_github(problems: Iterable[Problem]) -> str:
    """The problems as workflow commands, one a line: `::error file=…,line=…,col=…::…`."""
    return "".join(f"{_command(problem)}\n" for problem in problems)


def _problem(problem: Problem) -> dict[str, JSON]:
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        **_place(problem.source),
        "help": problem.help,
        "explain": f"kover explain {problem.code}",
        "related": [_place(source) for source in problem.related],
    }


def _place(source: Source | None) -> dict[str, JSON]:
    if source is None:
        return {"file": None, "line": None, "column": None, "end_column": None}
    place: dict[str, JSON] = {
        "file": source.path,
        "line": source.line,
        "column": source.column,
        "end_column": source.end_column,
    }
    if source.inside is not None:
        place["inside"] = source.inside
    return place


def _command(problem: Problem) -> str:
    kind = {"error": "error", "warning": "warning", "note": "notice"}[problem.severity]
    source = problem.source
    properties = {"title": f"kover {problem.code}"}
    if source is not None:
        places = {"file": source.path, "line": source.line, "col": source.column}
        places["endColumn"] = source.end_column
        properties = {k: str(v) for k, v in places.items() if v is not None} | properties
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    help = f"\nhelp: {escape_unprintable(problem.help)}" if problem.help else ""
    return f"::{kind} {listed}::{_data(escape_unprintable(problem.message) + help)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(escape_unprintable(text)).replace(":", "%3A").replace(",", "%2C")
