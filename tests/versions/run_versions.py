"""Run the tests that need Keras on other versions and backends: run_versions.py [NAME...].

Each name is an environment of environments.py; by default all. The oldest and the newest Keras run
every test that is marked `keras`, the others the modules of the engine that are named here.
Results are kept in .versions, and --readme FILE writes the table of all that have been run
between the markers in that file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from environments import ENVIRONMENTS, FOLDER, ROOT, Environment, build, facts

BEGIN, END = "<!-- versions:begin -->", "<!-- versions:end -->"
MODULES = {  # a module of tests/engine to what it is about
    "test_keras_private": "what Keras stores",
    "test_state_by_name": "optimizer state by name",
    "test_fresh": "values made anew",
    "test_rates": "rates by layer",
    "test_levels": "verify load, train",
}
ENGINE, REST = "the rest of the engine", "the rest of kover"
COLUMNS = (*MODULES.values(), ENGINE, REST)
BACK = "there and back"
WORKERS = ("-n", "2", "--dist", "loadfile")
TOLD = {"passed": "{} pass", "failed": "**{} fail**", "skipped": "{} not there"}
SPEC = """\
version: 1
overrides:
  - layers: a
    set: {trainable: false}
  - layers: drop
    set: {rate: 0.375}
  - layers: lstm
    set: {kernel_regularizer: {l2: 0.001}}
  - layers: head
    set: {kernel_initializer: he_normal}
    reinitialize: {seed: 3}
compile:
  optimizer: {class: AdamW, learning_rate: 0.001, weight_decay: 0.01}
"""


def run_tests(environment: Environment) -> dict[str, dict[str, int]]:
    """Outcomes of the tests of each column."""
    report = FOLDER / f"{environment.name}.xml"
    report.unlink(missing_ok=True)
    files = [f"tests/engine/{name}.py" for name in MODULES]
    chosen = [*WORKERS, "tests"] if environment.whole else files
    command = [environment.python, "-P", "-m", "pytest", "-q", "-m", "keras", "--tb=short"]
    # Warnings of another version are no news; the cache is that of the usual environment.
    command += ["-W", "default", "-o", "filterwarnings=", "-p", "no:cacheprovider"]
    subprocess.run(
        [*command, f"--junitxml={report}", *chosen],
        cwd=ROOT,
        env=environment.variables,
        check=False,
    )
    return counted(report.read_text(encoding="utf-8"))


def counted(report: str) -> dict[str, dict[str, int]]:
    """Column to how many tests passed, failed and were skipped, of a JUnit report."""
    found: dict[str, Counter[str]] = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        children = {child.tag for child in case}
        failed = bool(children & {"failure", "error"})
        outcome = "failed" if failed else "skipped" if "skipped" in children else "passed"
        found.setdefault(column_of(str(case.get("classname"))), Counter())[outcome] += 1
    return {column: dict(counts) for column, counts in found.items()}


def column_of(place: str) -> str:
    """The column of a test by its place: `tests.engine.test_rates`, or a class in there."""
    _, folder, module, *_ = f"{place}..".split(".")
    if folder != "engine":
        return REST
    return MODULES.get(module, ENGINE)


def there_and_back(environment: Environment) -> dict[str, int]:
    """Saved there, edited by kover here, loaded and trained there again."""
    folder = FOLDER / "models"
    folder.mkdir(exist_ok=True)
    before, after = (folder / f"{environment.name}.{part}.keras" for part in ("before", "after"))
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    program = Path(__file__).parent / "plain" / "there_and_back.py"
    there = [environment.python, "-P", program]
    here = [sys.executable, "-P", "-m", "kover", "apply", before, folder / "spec.yaml"]
    for command, variables in (
        ([*there, "save", before], environment.variables),
        ([*here, "-o", after, "--force", "-q", "--no-report"], None),
        ([*there, "check", before, after], environment.variables),
    ):
        if subprocess.run(command, env=variables, check=False).returncode:
            return {"failed": 1}
    return {"passed": 1}


def table(results: dict[str, dict[str, dict[str, int]]]) -> str:
    """What has been run, as Markdown, in the order of the environments."""
    columns = [*COLUMNS, BACK]
    rows = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for environment in ENVIRONMENTS:
        for title, found in results.get(environment.name, {}).items():
            cells = [told(found.get(column, {})) for column in columns]
            rows.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(rows)


def told(counts: dict[str, int]) -> str:
    """A cell: `33 pass, 16 not there`."""
    if set(counts) == {"passed"} and counts["passed"] == 1:
        return "yes"
    return (
        ", ".join(TOLD[name].format(counts[name]) for name in TOLD if counts.get(name)) or "not run"
    )


def write_readme(readme: Path, text: str) -> None:
    """Put the table between the markers."""
    page = readme.read_text(encoding="utf-8")
    start, rest = page.split(BEGIN)
    readme.write_text(f"{start}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def main() -> None:
    """Build, run, print; exit 1 where a test failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [environment.name for environment in ENVIRONMENTS]
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(names)}; by default all")
    parser.add_argument("--readme", type=Path, help="write the table there")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"there is no environment {', '.join(sorted(unknown))}")
    FOLDER.mkdir(exist_ok=True)
    kept = FOLDER / "results.json"
    results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    failed = False
    for environment in ENVIRONMENTS:
        if options.names and environment.name not in options.names:
            continue
        print(f"-- {environment.name}", file=sys.stderr)
        build(environment)
        found = {**run_tests(environment), BACK: there_and_back(environment)}
        failed |= any("failed" in counts for counts in found.values())
        results[environment.name] = {facts(environment): found}
        kept.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))
    if options.readme:
        write_readme(options.readme, table(results))
    sys.exit(failed)


if __name__ == "__main__":
    main()
