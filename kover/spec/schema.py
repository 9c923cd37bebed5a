"""The JSON Schema of specs as judge, and its verdict as problems at the exact key.

`schemas/spec.schema.json` is the one source of truth for the language; the `jsonschema` package
applies it. Its messages are not shown: `kover.spec.schema_problems` says them in plain words.
"""

from __future__ import annotations

import functools
import json
from importlib import import_module
from pathlib import Path
from typing import Any

from kover.errors import AnswerIsNo
from kover.problems import Problem
from kover.spec.nodes import Node
from kover.spec.schema_problems import explain


def check_schema(root: Node, placeholders: bool = True) -> None:
    """Check a document against the schema.

    Args:
        root: the document.
        placeholders: whether `${name}` may stand where another type is expected.

    Raises:
        AnswerIsNo: with every problem found.
    """
    if root.data is None:
        place = root.source
        raise AnswerIsNo.at("empty-spec", "the spec is empty", place, "begin with 'version: 1'")
    problems: list[Problem] = []
    for error in _validator(placeholders).iter_errors(root.data):
        problems += explain(error, root)
    if problems:
        raise AnswerIsNo(problems)


def spec_schema() -> dict[str, Any]:
    """The JSON Schema of specs, read anew."""
    folder = Path(str(import_module("kover.schemas").__file__)).parent
    schema: dict[str, Any] = json.loads((folder / "spec.schema.json").read_text("utf-8"))
    return schema


@functools.cache
def _validator(placeholders: bool) -> Any:
    from jsonschema import Draft7Validator

    schema = spec_schema()
    if not placeholders:
        schema["definitions"]["placeholder"] = False
    return Draft7Validator(schema)
