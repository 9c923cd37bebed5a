"""Values with places, as the spec's loader would give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kover.source import Source
from kover.spec.document import Path, Value


def _placed(data: Any) -> Value:
    """Each part stands on the line of its depth; column 1 for keys, 5 for values."""
    sources: dict[Path, Source] = {}
    key_sources: dict[Path, Source] = {}

    def walk(part: Any, path: Path) -> None:
        inside = ".".join(map(str, path))
        sources[path] = Source("spec.yaml", len(path) + 1, 5, inside=inside)
        if isinstance(part, dict):
            for key, item in part.items():
                place = f"{inside}.{key}".lstrip(".")
                key_sources[(*path, key)] = Source("spec.yaml", len(path) + 2, 1, inside=place)
                walk(item, (*path, key))
        elif isinstance(part, list):
            for index, item in enumerate(part):
                walk(item, (*path, index))

    walk(data, ())
    return Value(data, sources, key_sources)


@pytest.fixture(scope="session")
def placed() -> Callable[[Any], Value]:
    return _placed
