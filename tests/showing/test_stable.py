"""The lines that git compares: the same for the same model, wherever and whenever saved."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kover.archive.reader import open_archive
from kover.showing.stable import stable_lines

Write = Callable[[Path, dict[str, Any]], None]


def lines(path: Path) -> list[str]:
    with open_archive(path) as archive:
        return list(stable_lines(archive))


def test_a_layer_is_a_block_of_lines(tiny_archive: Path) -> None:
    found = lines(tiny_archive)
    start = found.index("layer dense_a Dense")
    assert found[start + 1 : start + 4] == ["  units: 3", "  activation: relu", "  inputs: input"]
    assert found[start + 4].startswith("  kernel: float32 (4, 3) ")


def test_dates_paths_and_object_ids_are_no_difference(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> None:
    archive_of(tmp_path / "a.keras", tiny_config)
    other = copy.deepcopy(tiny_config)
    other["config"]["layers"][2]["config"]["kernel_initializer"]["shared_object_id"] = 12345
    archive_of(tmp_path / "b.keras", other)
    with (
        zipfile.ZipFile(tmp_path / "b.keras") as old,
        zipfile.ZipFile(tmp_path / "c.keras", "w") as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            if name == "metadata.json":
                data = json.dumps(json.loads(data) | {"date_saved": "1999-01-01@00:00:00"}).encode()
            new.writestr(zipfile.ZipInfo(name), data)
    assert lines(tmp_path / "a.keras") == lines(tmp_path / "c.keras")


def test_one_changed_setting_is_one_changed_line(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> None:
    archive_of(tmp_path / "a.keras", tiny_config)
    tiny_config["config"]["layers"][1]["config"]["activation"] = "tanh"
    archive_of(tmp_path / "b.keras", tiny_config)
    pairs = zip(lines(tmp_path / "a.keras"), lines(tmp_path / "b.keras"), strict=True)
    assert [pair for pair in pairs if pair[0] != pair[1]] == [
        ("  activation: relu", "  activation: tanh")
    ]


def test_every_real_model_has_lines(real_models: Path) -> None:
    for path in sorted(real_models.glob("*.keras")):
        found = lines(path)
        assert found == lines(path)
        assert not any(str(real_models) in line for line in found)
