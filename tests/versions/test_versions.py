"""The README says what was run, and pyproject.toml asks for the oldest Keras that was."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

HERE = Path(__file__).resolve().parent


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module("run_versions")


def test_the_oldest_keras_that_is_run_is_the_oldest_that_may_be_installed(
    versions: ModuleType, project_root: Path
) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [Requirement(each) for each in project["project"]["dependencies"]]
    (keras,) = [each.specifier for each in wanted if each.name == "keras"]
    run = [each.keras for each in versions.ENVIRONMENTS if each.keras]
    assert all(keras.contains(version) for version in run)
    assert not keras.contains("3.9.2")
    assert run[0].startswith("3.10.")


def test_the_table_of_the_readme_has_the_columns_that_are_run(
    versions: ModuleType, project_root: Path
) -> None:
    readme = (project_root / "README.md").read_text(encoding="utf-8")
    table = readme.split(versions.BEGIN)[1].split(versions.END)[0].strip().splitlines()
    assert table[:2] == versions.table({}).splitlines()
    assert [row for row in table if row.startswith("| Keras 3.10.")]


def test_a_report_is_counted_by_column(versions: ModuleType) -> None:
    report = (
        '<testsuites><testsuite><testcase classname="tests.engine.test_rates" name="a"/>'
        '<testcase classname="tests.engine.test_rates" name="b"><skipped/></testcase>'
        '<testcase classname="tests.engine.test_fresh" name="c"><failure/></testcase>'
        '<testcase classname="tests.engine.test_fresh" name="d"><error/></testcase>'
        '<testcase classname="tests.engine.test_traps" name="e"/>'
        '<testcase classname="tests.engine.test_traps.TestThese" name="f"/>'
        '<testcase classname="tests.apply.test_outcome" name="g"/>'
        '<testcase classname="tests.laws.test_memory" name="h"><skipped/></testcase>'
        '<testcase classname="tests.test_readme" name="i"/>'
        "</testsuite></testsuites>"
    )
    assert versions.counted(report) == {
        "rates by layer": {"passed": 1, "skipped": 1},
        "values made anew": {"failed": 2},
        "the rest of the engine": {"passed": 2},
        "the rest of kover": {"passed": 2, "skipped": 1},
    }


def test_the_oldest_and_the_newest_keras_run_every_test_that_needs_keras(
    versions: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = {}

    def run(command: list[str], **_: object) -> None:
        (report,) = [part for part in map(str, command) if part.startswith("--junitxml=")]
        Path(report.partition("=")[2]).write_text("<testsuites/>")
        started[environment.name] = list(map(str, command))

    monkeypatch.setattr(versions, "FOLDER", tmp_path)
    monkeypatch.setattr(versions.subprocess, "run", run)
    for environment in versions.ENVIRONMENTS:
        versions.run_tests(environment)
    whole = {name for name, command in started.items() if command[-1] == "tests"}
    assert whole == {"3.10", "newest", "jax", "torch"}
    assert all(command[command.index("-m", 3) + 1] == "keras" for command in started.values())
    modules = [f"tests/engine/{name}.py" for name in versions.MODULES]
    assert all(started[name][-len(modules) :] == modules for name in started.keys() - whole)


@pytest.mark.parametrize(
    ("counts", "cell"),
    [
        ({"passed": 1}, "yes"),
        ({"passed": 33, "skipped": 16}, "33 pass, 16 not there"),
        ({"failed": 2, "passed": 3}, "3 pass, **2 fail**"),
        ({}, "not run"),
    ],
)
def test_a_cell_tells_every_outcome(
    versions: ModuleType, counts: dict[str, int], cell: str
) -> None:
    assert versions.told(counts) == cell


def test_the_table_replaces_only_what_stands_between_the_markers(
    versions: ModuleType, tmp_path: Path
) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"above\n{versions.BEGIN}\nold\n{versions.END}\nbelow\n")
    versions.write_readme(page, "new")
    assert page.read_text() == f"above\n{versions.BEGIN}\nnew\n{versions.END}\nbelow\n"
