"""What loading a model would touch, as problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kover.modelconfig.edit import json_path
from kover.modelconfig.references import Reference, dangerous_references
from kover.problems import Problem, Severity
from kover.source import Source
from kover.values import JSON

_NAMED = 20  # of those that commands which run nothing warn of


def danger_problems(
    found: Iterable[Reference], path: str, severity: Severity = "error"
) -> list[Problem]:
    """One problem for each reference; `path` is the archive's."""
    return [
        Problem(
            "unsafe-reference",
            f"loading it would touch '{each.name}' at {json_path(each.pointer)}: {each.why}",
            Source(path, inside="config.json"),
            "if you trust the file, pass `--unsafe-lambda`"
            if each.danger == "code"
            else "edit the archive alone with `--verify none`, or pass `--import PACKAGE` "
            "if it is a package that you trust",
            severity,
        )
        for each in found
    ]


def danger_warnings(config: Mapping[str, JSON], path: str) -> list[Problem]:
    """What commands that run nothing say of a config that a load should not touch."""
    return danger_problems(dangerous_references(config)[:_NAMED], path, "warning")
