"""Problems as SARIF 2.1.0, the format that code scanning tools read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

from kover import __version__
from kover.problems import Problem
from kover.report.clean import escape_unprintable
from kover.source import Source
from kover.values import JSON

_LEVELS: Final = {"error": "error", "warning": "warning", "note": "note"}
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_STDIN: Final = "stdin"


def problems_sarif(
    problems: Iterable[Problem], pages: Mapping[str, str] | None = None
) -> dict[str, JSON]:
    """The problems of a run.

    Args:
        problems: in the order in which they are listed.
        pages: what `kover explain` has to say of each code, in Markdown.
    """
    listed = list(problems)
    codes = sorted({problem.code for problem in listed})
    driver: dict[str, JSON] = {
        "name": "kover",
        "semanticVersion": __version__,
        "rules": [_rule(code, (pages or {}).get(code)) for code in codes],
    }
    run: dict[str, JSON] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, codes.index(problem.code)) for problem in listed],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, page: str | None) -> dict[str, JSON]:
    rule: dict[str, JSON] = {"id": code}
    if page is not None:
        first = next((row for row in page.splitlines()[1:] if row.strip()), code)
        rule["shortDescription"] = {"text": first}
        rule["help"] = {"text": page, "markdown": page}
    return rule


def _result(problem: Problem, index: int) -> dict[str, JSON]:
    text = escape_unprintable(problem.message)
    if problem.help:
        text += f"\nhelp: {escape_unprintable(problem.help)}"
    result: dict[str, JSON] = {
        "ruleId": problem.code,
        "ruleIndex": index,
        "level": _LEVELS[problem.severity],
        "message": {"text": text},
    }
    if problem.source is not None:
        result["locations"] = [_location(problem.source)]
    if problem.related:
        result["relatedLocations"] = [_location(source) for source in problem.related]
    return result


def _location(source: Source) -> dict[str, JSON]:
    uri = _STDIN if source.path == "-" else quote(source.path, errors="surrogateescape")
    place: dict[str, JSON] = {"artifactLocation": {"uri": uri}}
    region = {
        "startLine": source.line,
        "startColumn": source.column,
        "endColumn": source.end_column,
    }
    if source.line is not None:
        place["region"] = {key: value for key, value in region.items() if value is not None}
    return {"physicalLocation": place}
