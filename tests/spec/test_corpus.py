"""A corpus of broken specs: each is refused at the right place, its corrected twin accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from packaging.version import Version

from kover.catalogue.installed import installed_keras
from kover.cli.main import run
from kover.errors import AnswerIsNo, KoverError
from kover.modelconfig.tree import read_tree
from kover.planning.planner import ModelFacts, plan_specs
from kover.reference.model_schema import model_schema
from kover.spec.files import read_spec_text
from kover.spec.loading import load_spec
from kover.spec.yaml_nodes import read_nodes

CORPUS = Path(__file__).with_name("corpus") / "specs.txt"
CHOICE = re.compile(r"⟪(.*?)¦(.*?)⟫")
HASH = "0" * 64
AROUND = {
    "T": "{}",
    "S": "version: 1\noverrides:\n  - layers: dense_a\n    reinitialize: true\n    set: {{{}}}\n",
    "L": "version: 1\noverrides:\n  - layers: {}\n    set: {{trainable: false}}\n",
    "O": "version: 1\noverrides:\n  - {{layers: dense_a, {}}}\n",
    "C": "version: 1\ncompile: {{{}}}\n",
    "G": f'version: 1\nparameters: {{{{hash: "{HASH}"}}}}\nmodel: {{{{{{}}}}}}\n'
    "compile: {{loss: mse}}\n",
    "P": "version: 1\nparameters: {{{}}}\n{}\n",
}


@dataclass(frozen=True)
class Case:
    """A broken spec, and its twin."""

    code: str
    bad: str
    good: str
    line: int
    column: int


def read_case(row: str) -> Case:
    kind, code, text = re.fullmatch(r"(\w) ([\w-]+): (.*)", row).groups()  # type: ignore[union-attr]
    marked = assembled(kind, chosen(text, 1))
    before = marked.partition("«")[0]
    return Case(
        code,
        marked.replace("«", ""),
        assembled(kind, chosen(text, 2)).replace("«", ""),
        before.count("\n") + 1,
        len(before.rpartition("\n")[2]) + 1,
    )


def chosen(text: str, which: int) -> str:
    return CHOICE.sub(lambda match: match[which], text)


def assembled(kind: str, text: str) -> str:
    escapes = {"n": "\n", "t": "\t", "\\": "\\", "x07": "\x07", "u2028": "\u2028"}
    text = re.sub(r"\\(n|t|\\|x07|u2028)", lambda match: escapes[match[1]], text)
    if kind == "P":
        return AROUND["P"].format(*text.split("\n", 1))
    if kind == "O" and re.search(r"(^|, )«?layers:", text):
        return "version: 1\noverrides:\n  - {" + text + "}\n"
    return AROUND[kind].format(text)


ROWS = [
    row for row in CORPUS.read_text(encoding="utf-8").splitlines() if row and row[0] not in "# "
]
CASES = [read_case(row) for row in ROWS]
IDS = [f"{number}-{case.code}" for number, case in enumerate(CASES)]


@pytest.fixture
def tree(tiny_config: dict[str, Any]) -> Any:
    return read_tree(tiny_config)


@pytest.fixture
def accept(tmp_path: Path, tree: Any) -> Callable[[str], Any]:
    """Load and plan a text for the tiny model."""

    def plan(text: str) -> Any:
        path = tmp_path / "spec.yaml"
        path.write_bytes(text.encode())
        facts = ModelFacts("model.keras", "3.15.1", lambda: HASH)
        return plan_specs([load_spec(str(path))], tree, facts)

    return plan


def test_the_corpus_is_large_and_of_many_kinds() -> None:
    assert len(CASES) >= 150
    assert len({case.bad for case in CASES}) == len(CASES)
    assert len({case.code for case in CASES}) >= 40


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_broken_spec_is_refused_at_the_right_place(case: Case, accept: Any) -> None:
    with pytest.raises(KoverError) as caught:
        accept(case.bad)
    found = {
        (problem.source.line, problem.source.column, problem.code)
        for problem in caught.value.problems
        if problem.source is not None
    }
    assert (case.line, case.column, case.code) in found, f"{case.bad}\n{found}"


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_its_corrected_twin_is_accepted(case: Case, accept: Any) -> None:
    try:
        accept(case.good)
    except AnswerIsNo as error:
        pytest.fail(f"{case.good}\n{error}")


def test_the_schema_of_the_model_accepts_every_twin(tree: Any, tmp_path: Path) -> None:
    validator = Draft7Validator(model_schema(tree, "tiny.keras"))
    for case in CASES:
        path = tmp_path / "spec.yaml"
        path.write_bytes(case.good.encode())
        data = read_nodes(read_spec_text(str(path))).data
        assert [error.message for error in validator.iter_errors(data)] == [], case.good


ENCODINGS = {
    "utf-16": ("version: 1\ncompile: {loss: mse}\n".encode("utf-16"), "not-utf8", 1, 1),
    "utf-32": ("version: 1\ncompile: {loss: mse}\n".encode("utf-32"), "not-utf8", 1, 1),
    "latin-1": (b"version: 1\ndescription: na\xefve\ncompile: {loss: mse}\n", "not-utf8", 2, 16),
    "zip": (b"PK\x03\x04\x14\x00", "control-character", 1, 3),
    "nul": (b"version: 1\x00\n", "control-character", 1, 11),
    "gzip": (b"\x1f\x8b\x08\x00", "not-utf8", 1, 2),
    "truncated": (b"version: 1\ndescription: \xe2\x82\n", "not-utf8", 2, 14),
    "bom within": (b"version: 1\n\xef\xbb\xbfcompile: {}\n", "control-character", 2, 1),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_file_of_another_encoding_is_refused_at_the_byte(name: str, tmp_path: Path) -> None:
    data, code, line, column = ENCODINGS[name]
    path = tmp_path / "spec.yaml"
    path.write_bytes(data)
    with pytest.raises(KoverError) as caught:
        load_spec(str(path))
    (problem,) = caught.value.problems
    assert problem.source is not None
    assert (problem.code, problem.source.line, problem.source.column) == (code, line, column)


@pytest.mark.keras
@pytest.mark.slow
def test_every_corrected_twin_applies(
    tiny_archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tiny_archive.parent)
    tiny_archive.rename("model.keras")
    refused = []
    for case in CASES:
        Path("spec.yaml").write_bytes(case.good.encode())
        good = case.good.replace(HASH, sha256_of("model.keras"))
        Path("spec.yaml").write_bytes(good.encode())
        if run(["apply", "model.keras", "spec.yaml", "-o", "out.keras", "--force", "-q"]):
            refused.append(f"{good}\n{capsys.readouterr().err}")
    too_old = Version(installed_keras() or "0") < Version("3.15.1")  # for rates by layer
    assert [each for each in refused if not (too_old and "keras-too-old" in each)] == []


def sha256_of(path: str) -> str:
    import hashlib

    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_problems_of_the_corpus_have_help(tmp_path: Path, accept: Any) -> None:
    for case in CASES:
        with pytest.raises(KoverError) as caught:
            accept(case.bad)
        silent = [problem for problem in caught.value.problems if not problem.help]
        assert silent == [], json.dumps([problem.message for problem in silent])
