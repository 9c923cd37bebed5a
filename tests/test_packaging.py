"""What is installed is complete, and what kover imports is declared."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# import name -> distribution, where they differ
DISTRIBUTIONS = {"yaml": "pyyaml", "fast_sugiyama": "fast-sugiyama"}
BROUGHT_ALONG = {"ml_dtypes": "keras"}  # a hard dependency of Keras, which defines bfloat16 by it


def third_party_imports() -> set[str]:
    names = set()
    for path in (ROOT / "kover").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {"kover"}


def declared() -> dict[str, str]:
    """Lower-case distribution name -> its version specifier."""
    lines = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["html"]]
    pairs = (re.match(r"([\w.-]+)\s*(.*)", line) for line in lines)
    return {pair[1].lower(): pair[2] for pair in pairs if pair}


def test_every_package_that_kover_imports_is_declared() -> None:
    needed = {
        BROUGHT_ALONG.get(name, DISTRIBUTIONS.get(name, name)) for name in third_party_imports()
    }
    assert needed <= declared().keys()


def test_every_declared_package_has_a_lower_bound_and_is_used() -> None:
    assert all(specifier.startswith(">=") for specifier in declared().values())
    used = {DISTRIBUTIONS.get(name, name) for name in third_party_imports()}
    assert declared().keys() - used <= {"tensorflow"}  # Keras' backend, never named by its user


def test_every_development_tool_has_a_lower_bound() -> None:
    tools = PROJECT["optional-dependencies"]["dev"]
    assert [line for line in tools if ">=" not in line] == []


def test_every_package_folder_is_listed_for_installation() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = settings["tool"]["setuptools"]["packages"]
    folders = [path.parent for path in (ROOT / "kover").rglob("__init__.py")]
    found = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(listed) == found | {"kover.schemas"}
    stray = {path.parent for path in (ROOT / "kover").rglob("*.py")} - set(folders)
    assert stray == set()


def test_the_changelog_speaks_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text or f"## [{PROJECT['version']}]" in text
    assert PROJECT["version"] in text


READ_DATA = """
import json, sys
from importlib.resources import files
import kover
for name in ("spec.schema.json", "report.schema.json"):
    json.loads((files("kover.schemas") / name).read_text(encoding="utf-8"))
from kover.catalogue import catalogue
assert catalogue().names("optimizer")
assert (files("kover") / "py.typed").is_file()
print(kover.__file__)
"""


def where_kover_is_found(*path: Path) -> Path:
    """The `kover/__init__.py` that a process with this module path imports, its data read."""
    lines = "".join(f"sys.path.insert(0, {str(entry)!r})\n" for entry in path)
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys\n{lines}{READ_DATA}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_the_editable_install_finds_schemas_and_catalogue() -> None:
    assert where_kover_is_found() == ROOT / "kover" / "__init__.py"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the project, built without a network from a copy of what belongs in it."""
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    source.mkdir()
    for name in ("kover", "schemas"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    (built,) = folder.glob("*.whl")
    return built


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_installed_wheel_finds_schemas_and_catalogue(wheel: Path, tmp_path: Path) -> None:
    pip("install", "--no-deps", "--no-index", "--target", tmp_path / "site", wheel)
    found = where_kover_is_found(tmp_path / "site")
    assert found == tmp_path / "site" / "kover" / "__init__.py"
    assert (tmp_path / "site" / "bin" / "kover").is_file()


def test_a_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "kover").rglob("*.py")}
    schemas = {f"kover/schemas/{path.name}" for path in (ROOT / "schemas").glob("*.json")}
    assert modules | schemas <= names
    assert {name.split("/")[0] for name in names} == {
        "kover",
        f"kover-{PROJECT['version']}.dist-info",
    }
    assert f"kover-{PROJECT['version']}.dist-info/licenses/LICENSE" in names
