"""Every case of the corpus on every command that needs no Keras: handled as its row says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
PARTS = 2  # processes at a time
MANY_S = 10
MUCH_MB = 1000
ROWS = [
    *(f"A{number}" for number in range(1, 12)), *(f"B{number}" for number in range(1, 9)),
    *(f"C{number}" for number in range(1, 6)), *(f"D{number}" for number in range(1, 9)), "E1",
    *(f"F{number}" for number in range(1, 12)), "G1", "G2", "H10",
]  # fmt: skip  # the rows that files alone can show; the others have tests of their own
EXPECTED = {
    "model": {"ok": {0}, "refused": {2}, "weights": {0, 2}, "code": {0, 1}, "odd": {0, 1, 2}},
    "spec": {"ok": {0}, "no": {1}, "unreadable": {2}, "odd": {0, 1, 2}},
}


def command_of(found: dict[str, Any]) -> str:
    arguments = found["command"]
    if arguments[0] != "apply":
        return str(arguments[0])
    return "plan" if "--dry-run" in arguments else "apply"


def expected(case: dict[str, str], found: dict[str, Any]) -> set[int]:
    """The exit codes that the case may end with."""
    command = command_of(found)
    if command == "git":
        return {0}  # git would stop otherwise; what cannot be read is printed
    if case["name"] == "m_h5_bytes_zip" and command == "diff":
        return {0, 2}  # 0 for the archive that is in its place
    if case["verdict"] == "weights" and command in ("diff", "apply"):
        return {2}
    if case["name"] == "m_not_zip_hdf5" and command == "diff":
        return {0}  # diff takes bare weights files as well
    if case["kind"] == "spec" and command == "validate" and "--model" not in found["command"]:
        return EXPECTED["spec"][case["verdict"]] | {0}  # what does not fit a model may be valid
    return EXPECTED[case["kind"]][case["verdict"]]


def faults(case: dict[str, str], found: dict[str, Any]) -> list[str]:
    """What is wrong with the way a command took a case."""
    told = [
        (found["code"] not in expected(case, found), f"exit code {found['code']}"),
        (found["seconds"] > MANY_S, f"{found['seconds']} s"),
        (found["unprintable"], f"printed {found['unprintable']}"),
        (found["opened"], f"opened {found['opened']}"),
        (found["left"] and found["code"], f"left {found['left']}"),
        ("Traceback" in found["said"] or "internal error" in found["said"], "is a bug"),
        (found["code"] and "error[" not in found["said"] and "--format" not in found["command"],
         "said nothing"),
    ]  # fmt: skip
    return [f"{case['name']}: {command_of(found)}: {text}" for bad, text in told if bad]


@pytest.fixture(scope="module")
def results(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What every command did with every case."""
    folder = tmp_path_factory.mktemp("results")
    canary = tmp_path_factory.mktemp("canary")
    (canary / "canary_module.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_name('CANARY_module').touch()\n"
    )
    environment = {**os.environ, "KOVER_CANARY": str(canary), "PYTHONPATH": str(canary)}
    before = sorted(corpus.iterdir())
    running = [
        subprocess.Popen(
            [sys.executable, "-P", HERE / "run_cases.py", corpus, folder / f"{part}.jsonl",
             str(part), str(PARTS)],
            env=environment, cwd=folder,
        )
        for part in range(PARTS)
    ]  # fmt: skip
    assert [process.wait(1800) for process in running] == [0] * PARTS
    assert sorted(corpus.iterdir()) == before
    assert sorted(path.name for path in canary.iterdir()) == ["canary_module.py"]
    assert sorted(path.name for path in folder.iterdir()) == [f"{n}.jsonl" for n in range(PARTS)]
    return [
        json.loads(line)
        for part in range(PARTS)
        for line in (folder / f"{part}.jsonl").read_text().splitlines()
    ]


def test_the_corpus_has_a_case_for_every_row_and_sound_ones(corpus: Path) -> None:
    cases = json.loads((corpus / "index.json").read_text())
    assert len(cases) >= 250
    assert set(ROWS) <= {case["row"] for case in cases}
    assert sum(case["verdict"] == "ok" for case in cases) >= 10
    assert sum(path.stat().st_size for path in corpus.iterdir() if path.is_file()) < 200_000_000


def test_every_case_is_handled_as_its_row_says(corpus: Path, results: list[dict[str, Any]]) -> None:
    cases = {case["name"]: case for case in json.loads((corpus / "index.json").read_text())}
    runs = [found for found in results if "done" not in found]
    assert {found["name"] for found in runs} == set(cases)
    assert [fault for found in runs for fault in faults(cases[found["name"]], found)] == []


def test_no_command_takes_much_memory_or_imports_a_framework(
    results: list[dict[str, Any]],
) -> None:
    ends = [found for found in results if "done" in found]
    assert len(ends) == PARTS
    assert [end["heavy"] for end in ends] == [[]] * PARTS
    assert max(end["peak_mb"] for end in ends) < MUCH_MB


def test_code_in_a_config_is_told_by_the_commands_that_do_not_run_it(
    corpus: Path, results: list[dict[str, Any]]
) -> None:
    cases = json.loads((corpus / "index.json").read_text())
    # A class of a package that Keras does not import may be a custom one, to be registered.
    custom = {case["name"] for case in cases if case["name"].startswith("m_code_module_")}
    code = {case["name"] for case in cases if case["verdict"] == "code"} - custom
    silent = {
        (found["name"], command_of(found))
        for found in results
        if found.get("name") in code
        and found["code"] == 0
        and command_of(found) in ("validate", "plan")
        and "unsafe-reference" not in found["said"] + found["printed"]
    }
    assert silent == set()
