"""The shape of the code: who imports whom, where heavy packages stand, how large files get."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kover"
MAX_LINES = 400

FOUNDATION = {"errors", "problems", "source", "suggest", "values", "yaml_text"}
LOW = {"archive", "catalogue", "modelconfig", "spec"}
REST = {"planning", "linting", "diffing", "showing", "drafting", "engine"}
LIBRARY = {
    "api",
    "apply_request",
    "applying",
    "archive_edit",
    "foreseeing",
    "overriding",
    "provenance",
    "validation",
}
LIBRARY |= {"git_driver", "plan_file"}
# part of kover -> the other parts that it may import (FOUNDATION always)
MAY_IMPORT: dict[str, set[str]] = {
    **{name: set() for name in FOUNDATION},
    "archive": set(),
    "spec": set(),
    "modelconfig": set(),
    "catalogue": {"spec.document", "modelconfig"},
    "planning": {"spec", "modelconfig", "catalogue"},
    "linting": {"spec", "modelconfig", "catalogue", "planning"},
    "explain": set(),
    "reference": {"spec", "modelconfig", "catalogue", "planning.layer_classes"},
    "showing": LOW - {"spec"} | {"diffing", "planning.layer_classes", "planning.meaning"},
    "drafting": LOW | {"planning", "diffing", "showing.model"},
    "diffing": {"archive", "modelconfig", "catalogue", "planning.plan"},  # the plan as data
    "engine": LOW | {"planning", "diffing"},
    "report": LOW | REST,
    **dict.fromkeys(LIBRARY, LOW | LIBRARY | REST),
    "cli": LOW | LIBRARY | REST | {"explain", "reference", "report", "schemas", ""},
    "": LOW | LIBRARY | REST | {"report"},  # what `import kover` offers
    "__main__": {"cli"},
}
# third-party package -> the parts of kover that may import it
HOMES: dict[str, set[str]] = {
    "keras": {"engine"},
    "tensorflow": {"engine"},
    "h5py": {"engine", "archive.hdf5_child"},
    "numpy": {"engine", "archive.hdf5_child", "diffing.measure"},
    "ml_dtypes": {"engine", "archive.hdf5_child", "diffing.measure"},
    "rich": {"report"},
    "jinja2": {"report"},
    "markupsafe": {"report"},
    "fast_sugiyama": {"report"},
    "click": {"cli"},
    "yaml": {"spec"},
    "jsonschema": {"spec"},
    "packaging": {"spec", "planning"},
}
OWN_PROCESS = {"archive.digest_child", "archive.hdf5_child"}  # programs of their own: may print


@dataclass(frozen=True)
class Import:
    """One imported module or name."""

    by: str  # the importing module below kover, such as `spec.document`; "" is kover itself
    module: str
    name: str | None
    line: int
    lazy: bool  # inside a function, or for the type checker alone

    def __str__(self) -> str:
        what = f"{self.module}.{self.name}" if self.name else self.module
        return f"kover.{self.by}:{self.line} imports {what}"

    @property
    def target(self) -> str | None:
        """What is imported from kover, below kover, or None. The version is free for all."""
        if self.module == "kover" and self.name == "__version__":
            return None
        if self.module == "kover":
            return self.name if f"{self.name}" in MODULES else ""
        return self.module.removeprefix("kover.") if self.module.startswith("kover.") else None


def modules() -> dict[str, tuple[Path, ast.Module]]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        name = "" if name == "__init__" else name.removesuffix(".__init__")
        found[name] = (path, ast.parse(path.read_text(encoding="utf-8"), str(path)))
    return found


MODULES = modules()


def imports_in(by: str, node: ast.AST, lazy: bool = False) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(by, alias.name, None, child.lineno, lazy)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                yield Import(by, child.module or "", alias.name, child.lineno, lazy)
        else:
            deferred = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or (
                isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            )
            yield from imports_in(by, child, lazy or deferred)


IMPORTS = [found for name, (_, tree) in MODULES.items() for found in imports_in(name, tree)]


def within(module: str, parts: set[str]) -> bool:
    """Whether a module below kover is one of `parts`, or lies inside one."""
    return any(module == part or (part and module.startswith(f"{part}.")) for part in parts)


def test_every_part_of_the_package_has_its_place_in_the_table() -> None:
    parts = {name.split(".")[0] for name in MODULES}
    assert parts - MAY_IMPORT.keys() == set()


def test_imports_are_absolute() -> None:
    relative = [
        f"{path}:{node.lineno}"
        for path, tree in MODULES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_a_part_imports_only_from_the_parts_below_it() -> None:
    wrong = []
    for found in IMPORTS:
        part = found.by.split(".")[0]
        if found.target is None or found.target.split(".")[0] == part:
            continue
        if not within(found.target, FOUNDATION | MAY_IMPORT.get(part, set())):
            wrong.append(str(found))
    assert wrong == []


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    edges: dict[str, set[str]] = {name: set() for name in MODULES}
    for found in IMPORTS:
        if found.target is not None and not found.lazy:
            deeper = f"{found.target}.{found.name}"
            edges[found.by].add(deeper if deeper in MODULES else found.target)
    done: set[str] = set()
    circles: list[str] = []

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            circles.append(" -> ".join((*trail[trail.index(name) :], name)))
        elif name not in done:
            for other in sorted(edges.get(name, ())):
                visit(other, (*trail, name))
            done.add(name)

    for name in edges:
        visit(name, ())
    assert circles == []


def test_a_report_takes_data_and_starts_no_work() -> None:
    workers = {"archive", "spec", "planning", "diffing", "engine"} | LIBRARY
    calls = [
        str(found)
        for found in IMPORTS
        if within(found.by, {"report"})
        and found.target is not None
        and within(found.target, workers)
        and not (found.name or "")[:1].isupper()
    ]
    assert calls == []


def test_only_the_command_line_and_the_library_start_the_engine_and_only_when_asked() -> None:
    wrong = [
        str(found)
        for found in IMPORTS
        if found.target is not None
        and within(found.target, {"engine"})
        and not within(found.by, {"engine"})
        and not found.lazy
    ]
    assert wrong == []


@pytest.mark.parametrize("package", HOMES)
def test_a_third_party_package_stays_in_its_home(package: str) -> None:
    strangers = [
        str(found)
        for found in IMPORTS
        if found.module.split(".")[0] == package and not within(found.by, HOMES[package])
    ]
    assert strangers == []


def test_what_is_private_to_keras_is_touched_in_one_package() -> None:
    private = [found for found in IMPORTS if f"{found.module}.".startswith("keras.src.")]
    assert private
    outside = [str(each) for each in private if not within(each.by, {"engine.keras_private"})]
    assert outside == []


def test_every_third_party_package_has_a_home() -> None:
    known = HOMES.keys() | sys.stdlib_module_names | {"kover"}
    unknown = [str(found) for found in IMPORTS if found.module.split(".")[0] not in known]
    assert unknown == []


def test_only_the_command_line_prints_and_exits() -> None:
    wrong = []
    for name, (path, tree) in MODULES.items():
        if within(name, {"cli", "__main__"} | OWN_PROCESS):
            continue
        for node in ast.walk(tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in {"print", "exit", "sys.exit", "sys.stdout.write", "sys.stderr.write"}:
                wrong.append(f"{path}:{node.lineno}: {called}")
    assert wrong == []


def test_no_file_outgrows_a_reader() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path, _ in MODULES.values()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert long == {}


def test_every_module_with_code_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path, tree in MODULES.values()
        if tree.body and not ast.get_docstring(tree)
    ]
    assert silent == []


def test_every_exemption_from_a_checker_gives_its_reason() -> None:
    exemption = re.compile(r"#\s*((?:noqa|type: ignore)(?::\s*[A-Z]+\d+|\[[\w, -]+\])?)(.*)$")
    unexplained = []
    for path, _ in MODULES.values():
        explained = set()  # a reason given once holds for the rest of the file
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if match := exemption.search(line):
                if match[2].strip():
                    explained.add(match[1])
                elif match[1] not in explained:
                    unexplained.append(f"{path.relative_to(ROOT)}:{number}")
    assert unexplained == []


def project_files() -> list[Path]:
    """All text of the project: code, schemas, specs, tests, and the pages at the top."""
    folders = ("kover", "schemas", "specs", "tests", ".ci")
    suffixes = {".py", ".json", ".yaml", ".yml", ".md", ".toml", ".txt", ".html", ".sh", ""}
    inner = [path for name in folders for path in (ROOT / name).rglob("*")]
    return sorted(
        path
        for path in [*inner, *ROOT.iterdir()]
        if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts
    )


def test_nothing_names_a_place_on_one_persons_machine() -> None:
    place = re.compile(r"(?<![\w.:/-])/(?:work|home|Users)/\w")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in project_files()
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1
        )
        if place.search(line)
    ]
    assert found == []


def test_the_top_level_holds_only_what_belongs_there() -> None:
    kept = {"CHANGELOG.md", "LICENSE", "Makefile", "README.md", "pyproject.toml"}
    folders = {"kover", "schemas", "specs", "tests"}
    generated = {"build", "dist", "kover.egg-info"}
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert names - generated == kept | folders
