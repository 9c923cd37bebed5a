"""Every code of a problem has a page, and a spec that shows it, or a reason why none can.

A case is a folder below tests/cases/problems, named by its code: spec.yaml, what is printed
(expected.txt), and where needed model.json (a config.json; the tiny model by default), command.txt
(by default `validate spec.yaml --model model.keras`), keras_version.txt (of the Keras that is said
to have saved the model) and needs_keras (empty, or the versions of Keras that print this).

KOVER_WRITE_CASES=1 writes expected.txt, and the examples of the pages, anew.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kover.cli.main import run
from kover.explain.reading import codes, page
from kover.spec.schema import spec_schema

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "cases" / "problems"
PAGES = ROOT / "kover" / "explain" / "pages"
NAMES = sorted(path.name for path in CASES.iterdir())
WRITE = bool(os.environ.get("KOVER_WRITE_CASES"))
DEFAULT = "validate spec.yaml --model model.keras"

# Codes that no spec can bring about, and where they are tested.
ELSEWHERE = {
    "tests/catalogue, tests/engine: an older Keras is installed": {"keras-too-old"},
    "tests/archive: a fault of an archive": {
        "ambiguous-member",
        "archive-bomb",
        "broken-json",
        "broken-weights",
        "damaged-archive",
        "damaged-member",
        "input-changed",
        "missing-config",
        "missing-metadata",
        "truncated-archive",
        "unreadable",
        "unreadable-attributes",
        "unsafe-member",
        "unsafe-weights",
        "unsupported-archive",
        "unsupported-weights",
    },
    "tests/modelconfig: an oddity of a config": {"name-mismatch", "shared-name"},
    "tests/archive: a fault of the place where the output goes": {
        "disk-full",
        "output-damaged",
        "output-is-input",
        "output-unwritable",
    },
    "tests/cli: a plan file is at fault": {"stale-plan", "unreadable-plan"},
    "tests/diffing: the archive was edited by hand": {"idle-learning-rate"},
    "tests/engine: Keras or the stored weights decide": {
        "hidden-loss-scaling",
        "idle-adapters",
        "indistinguishable-variables",
        "keras-refuses-initializer",
        "keras-refuses-layer",
        "keras-warning",
        "mapped-by-position",
        "missing-weights",
        "no-keras",
        "no-rate-of-zero",
        "not-frozen",
        "told-apart-by-number",
        "not-trainable",
        "optimizer-state-not-carried",
        "optimizer-state-unreadable",
        "override-without-effect",
        "rate-not-stored",
        "rate-without-effect",
        "several-learning-rates",
        "uncorrected-slots",
        "unread-arrays",
        "unsafe-reference",
        "verification-failed",
        "weights-differ",
        "weights-not-followed",
    },
    "tests/planning: a model that Keras does not write": {
        "ambiguous-layer",
        "broken-index",
        "inputs-reordered",
        "nameless-layer",
        "pattern-names-layer",
    },
    "tests/report: a package is not installed": {"missing-extra"},
    "tests/cli: git is not there, or not willing": {"git-failed", "no-git", "no-repository"},
}
WITHOUT_CASE = set().union(*ELSEWHERE.values())


# ---------------------------------------------------------------- the codes that kover uses

MAKERS = {
    *("Problem", "Fault", "at", "add", "warning", "problem", "refused", "unwritable"),
    *("_refused", "_report", "_problem", "broken", "Rule"),
}
NO_CODES = {"utf-8", "utf-8-sig", "utf-16-le", "import-keras", "re-created"}


def codes_in(path: Path) -> Iterator[str]:
    """The codes in a module: the first argument of what makes problems, and `code = …`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            if ast.unparse(node.func).rpartition(".")[2] in MAKERS:
                yield from constants(node.args[0])
        elif isinstance(node, ast.Assign) and "code" in first_target(node):
            yield from constants(node.value)


def first_target(node: ast.Assign) -> list[str]:
    """The first name that is assigned to."""
    return ast.unparse(node.targets[0]).strip("()").split(",")[:1]


def constants(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be: itself, either branch, or the first of a tuple."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*constants(node.body), *constants(node.orelse))
    elif isinstance(node, ast.Tuple):
        yield from constants(node.elts[0])


def codes_used() -> set[str]:
    found = {
        code
        for path in (ROOT / "kover").rglob("*.py")
        for code in codes_in(path)
        if re.fullmatch(r"[a-z0-9-]+", code) and ("-" in code or code in codes())
    }
    return found - NO_CODES


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert codes_used() ^ set(codes()) == set()


def test_every_code_has_a_case_or_a_reason_why_it_has_none() -> None:
    assert set(NAMES) & WITHOUT_CASE == set()
    assert set(codes()) ^ (set(NAMES) | WITHOUT_CASE) == set()


# ---------------------------------------------------------------- the pages


@pytest.mark.parametrize("code", codes())
def test_a_page_says_what_why_how_it_looks_and_how_to_fix_it(code: str) -> None:
    text = page(code) or ""
    assert text.startswith(f"# {code}\n\n")
    parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    assert parts[1::2] == ["Why", "Example", "Fix"]
    assert all(len(part.strip()) > 8 for part in [parts[0].partition("\n")[2], *parts[2::2]])
    assert f"[{code}]" in parts[4]
    assert max(map(len, parts[0].splitlines())) < 120


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_page_is_its_case(name: str) -> None:
    assert example(name) in (page(name) or "")


def example(name: str) -> str:
    """A case as the example of a page."""
    folder = CASES / name
    printed = (folder / "expected.txt").read_text(encoding="utf-8")
    wanted = [part for part in re.split(r"^(?=\S)", printed, flags=re.M) if f"[{name}]" in part]
    lines = [f"```text\n$ kover {command_of(folder)}\n{wanted[0] if wanted else ''}```"]
    data = (folder / "spec.yaml").read_bytes()
    shown = data.decode("utf-8", "replace")
    is_shown = command_of(folder).startswith(("validate spec.yaml", "apply")) and shown.isascii()
    if is_shown and all(char.isprintable() or char == "\n" for char in shown):
        lines.insert(0, f"```yaml\n{shown}```")
    return "\n\n".join(lines)


def command_of(folder: Path) -> str:
    path = folder / "command.txt"
    return path.read_text().strip() if path.exists() else DEFAULT


def test_every_warning_that_a_spec_can_switch_off_has_a_page() -> None:
    listed = spec_schema()["definitions"]["lint"]["properties"]["off"]["items"]["enum"]
    assert set(listed) <= set(codes())
    assert listed == sorted(listed)


# ---------------------------------------------------------------- the cases


@pytest.fixture(autouse=True)
def _stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Come back from the folder of the case."""
    monkeypatch.chdir(Path.cwd())


def params() -> Iterator[Any]:
    for name in NAMES:
        needs, marks = CASES / name / "needs_keras", []
        if needs.exists():
            marks = [pytest.mark.keras, pytest.mark.needs_keras(needs.read_text().strip())]
        yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", list(params()))
def test_a_case_prints_what_is_expected(
    name: str,
    tmp_path: Path,
    tiny_config: dict[str, Any],
    archive_of: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = CASES / name
    os.chdir(tmp_path)
    shutil.copy(folder / "spec.yaml", tmp_path)
    model, version = folder / "model.json", folder / "keras_version.txt"
    archive_of(
        tmp_path / "model.keras",
        json.loads(model.read_text()) if model.exists() else tiny_config,
        version.read_text().strip() if version.exists() else "3.15.1",
    )
    command = shlex.split(command_of(folder))
    code = run(command)
    printed = capsys.readouterr().err
    expected = folder / "expected.txt"
    if WRITE:
        expected.write_text(printed, encoding="utf-8")
        write_example(name)
    assert printed == expected.read_text(encoding="utf-8")
    assert f"[{name}]" in printed
    assert printed.endswith("\n")
    assert code == (0 if ": error[" not in printed else 2 if code == 2 else 1)
    if command[0] == "validate" and name != "bad-parameter":
        assert_places_and_help(command, name, capsys)


def assert_places_and_help(
    command: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run([*command, "--format", "json"])
    problems = json.loads(capsys.readouterr().out)["problems"]
    if name == "no-workflow":
        return
    assert name in {problem["code"] for problem in problems}
    for problem in problems:
        assert problem["file"] is not None, problem
        assert problem["help"], problem
        if problem["file"] == "spec.yaml" and name != "not-an-archive":
            assert None not in (problem["line"], problem["column"]), problem


def write_example(name: str) -> None:
    path = PAGES / f"{name}.md"
    before, after = re.split(r"(?<=## Example\n\n).*(?=\n\n## Fix)", path.read_text(), flags=re.S)
    path.write_text(before + example(name) + after, encoding="utf-8")
