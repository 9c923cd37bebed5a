"""What real archives hold, the catalogue knows and does not refuse."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kover.catalogue import catalogue
from kover.catalogue.checking import value_faults

FOLDER = Path(os.environ.get("KOVER_REAL_MODELS", Path(__file__).parents[2] / "../shared/models"))
MODELS = sorted(FOLDER.glob("*.keras")) if FOLDER.is_dir() else []


@pytest.mark.skipif(not MODELS, reason="the folder of real models is not there")
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem[:40])
def test_nothing_that_keras_saved_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    refused, checked = [], 0
    for record in records(config):
        entry = catalogue().entry_for_record(record)
        if entry is None or not isinstance(record["config"], dict):
            continue
        for name, value in record["config"].items():
            if name in entry.arguments:
                checked += 1
                found = [fault.message for fault in value_faults(entry.arguments[name], value)]
                refused += [(entry.class_name, name, message) for message in found]
    assert refused == []
    assert checked > 0


def records(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str) and "config" in value:
            yield value
        for item in value.values():
            yield from records(item)
    elif isinstance(value, list):
        for item in value:
            yield from records(item)
