"""Each case folder: two models, and the text and JSON of what differs between them.

`KOVER_WRITE_GOLDENS=1` writes the expected files anew.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kover.diffing.compare import diff
from kover.diffing.model_diff import ArchiveFacts, ModelDiff
from kover.diffing.patch import patch
from kover.diffing.report import Report
from kover.report.diff_json import to_json
from kover.report.diff_text import render

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
SCHEMA = Path(__file__).parents[2] / "schemas" / "report.schema.json"


@dataclass(frozen=True)
class Compared:
    """A case, compared both ways."""

    folder: Path
    before: dict[str, Any]
    after: dict[str, Any]
    there: ModelDiff
    back: ModelDiff
    itself: ModelDiff


@pytest.fixture(params=CASES, ids=lambda case: case.name, scope="module")
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    folder = Path(request.param)
    place = tmp_path_factory.mktemp("case")
    models, paths = [], []
    for side in ("before", "after"):
        models.append(json.loads((folder / f"{side}.json").read_text()))
        paths.append(place / f"{side}.keras")
        request.getfixturevalue("write_model")(paths[-1], **_fields(models[-1]))
    return Compared(
        folder,
        *(model["config"] for model in models),
        diff(*paths),
        diff(*paths[::-1]),
        diff(paths[0], paths[0]),
    )


def _fields(model: dict[str, Any]) -> dict[str, Any]:
    files = {name: text.encode() for name, text in model.get("files", {}).items()}
    return {**model, "files": files}


def _timeless(found: ModelDiff) -> ModelDiff:
    """Without what depends on the HDF5 library or the folder."""

    def timeless(facts: ArchiveFacts) -> ArchiveFacts:
        return replace(facts, path=Path(facts.path).name, sha256=None, size_bytes=None)

    warnings = tuple(
        replace(each, source=replace(each.source, path=Path(each.source.path).name))
        for each in found.warnings
        if each.source
    )
    return replace(
        found, before=timeless(found.before), after=timeless(found.after), warnings=warnings
    )


def _expect(file: Path, text: str) -> None:
    if os.environ.get("KOVER_WRITE_GOLDENS"):
        file.write_text(text)
    assert text == file.read_text()


def test_the_text_says_what_differs(case: Compared) -> None:
    _expect(case.folder / "expected.txt", render(Report(_timeless(case.there))))


def test_the_json_says_what_differs(case: Compared) -> None:
    found = to_json(Report(_timeless(case.there)))
    found["kover"] = "0"
    _expect(case.folder / "expected.json", json.dumps(found, indent=1) + "\n")


def test_the_json_fits_its_schema(case: Compared) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    for found in (case.there, case.back, case.itself):
        jsonschema.validate(to_json(Report(found)), schema)


def test_a_model_is_identical_to_itself(case: Compared) -> None:
    assert case.itself.identical
    assert not case.itself.config_patch.edits


def test_swapping_the_models_swaps_the_sides(case: Compared) -> None:
    there, back = case.there, case.back
    assert [(each.attribute, each.before, each.after) for each in there.compile] == [
        (each.attribute, each.after, each.before) for each in back.compile
    ]
    assert sorted(_sides(there)) == sorted(_sides(back, swapped=True))
    assert there.identical == back.identical


def _sides(found: ModelDiff, swapped: bool = False) -> list[str]:
    opposite = {"added": "removed", "removed": "added"} if swapped else {}
    rows = []
    for layer in found.layers:
        paths = [found.config_patch.origins.get(layer.layer, layer.layer), layer.layer]
        changes = sorted(
            (each.attribute, *map(repr, _swapped([each.before, each.after], swapped)))
            for each in layer.changes
        )
        kind = opposite.get(layer.kind, layer.kind)
        rows.append(repr((_swapped(paths, swapped), kind, changes)))
    return rows


def _swapped(pair: list[Any], swapped: bool) -> list[Any]:
    return pair[::-1] if swapped else pair


def test_the_patch_turns_one_config_into_the_other(case: Compared) -> None:
    assert patch(case.before, case.there.config_patch) == case.after
    assert patch(case.after, case.back.config_patch) == case.before
