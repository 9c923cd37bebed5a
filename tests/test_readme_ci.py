"""The page's section on CI: its workflow and its scripts run as they stand, by `bash -e`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^<!-- ci: (\w+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall(README))
EXPRESSION = re.compile(r"\$\{\{ matrix\.(\w+) \}\}")


def workflow() -> dict[str, Any]:
    """The jobs of the page's workflow."""
    import yaml

    jobs: dict[str, Any] = yaml.safe_load(BLOCKS["workflow"])["jobs"]
    return jobs


def matrices(job: Mapping[str, Any]) -> list[dict[str, str]]:
    matrix = job.get("strategy", {}).get("matrix", {})
    found: list[dict[str, str]] = [{}]
    for name, values in matrix.items():
        found = [{**one, name: str(value)} for one in found for value in values]
    return found


def scripts(name: str) -> Iterator[str]:
    """What a job runs, once for each cell of its matrix."""
    job = workflow()[name]
    for cell in matrices(job):
        for step in job["steps"]:
            yield EXPRESSION.sub(lambda match, cell=cell: cell[match[1]], step["run"])  # type: ignore[misc]


@pytest.fixture
def folder(tmp_path: Path, demo_model: Path) -> Path:
    """A checkout as the page takes it: a model, and a spec for it."""
    (tmp_path / "models").mkdir()
    shutil.copy(demo_model, tmp_path / "models" / "flowers.keras")
    (tmp_path / "overrides").mkdir()
    spec = re.search(r"^<!-- file: finetune.yaml -->\n```yaml\n(.*?)^```$", README, re.M | re.S)
    assert spec is not None
    (tmp_path / "overrides" / "finetune.yaml").write_text(spec[1])
    return tmp_path


def bash(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    tools = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_OUTPUT": str(folder / "output"),
    }
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_page_has_a_gate_a_nightly_override_and_a_matrix() -> None:
    assert set(workflow()) == {"gate", "nightly", "matrix"}
    assert set(BLOCKS) == {"workflow", "plan"}


@pytest.mark.keras
def test_the_gate_lets_a_good_spec_pass_and_stops_a_bad_one(folder: Path) -> None:
    for script in scripts("gate"):
        done = bash(script, folder)
        assert done.returncode == 0, f"{script}\n{done.stdout}"
    assert "| overrides/finetune.yaml | yes |" in (folder / "summary.md").read_text()
    spec = folder / "overrides" / "finetune.yaml"
    spec.write_text(spec.read_text().replace("set: {units", "sett: {units"))
    for script in scripts("gate"):
        done = bash(script, folder)
        assert done.returncode == 1
        assert "::error file=overrides/finetune.yaml,line=" in done.stdout


@pytest.mark.keras
@pytest.mark.needs_keras(">=3.15.1")  # as the page says; rates by layer need it
@pytest.mark.parametrize(
    ("job", "written"),
    [
        ("nightly", ["nightly.keras"]),
        (
            "matrix",
            [
                f"{name}"
                for rate in ("0.2", "0.5")
                for name in (f"flowers.rate-{rate}.keras", f"rate-{rate}.yaml")
            ],
        ),
    ],
)
def test_a_job_of_the_page_writes_what_it_says(job: str, written: list[str], folder: Path) -> None:
    for script in scripts(job):
        done = bash(script, folder)
        assert done.returncode == 0, f"{script}\n{done.stdout}"
    assert [name for name in written if not (folder / name).is_file()] == []
    if job == "nightly":
        outputs = (folder / "output").read_text().splitlines()
        assert "changed=true" in outputs
        assert "output=nightly.keras" in outputs


@pytest.mark.keras
@pytest.mark.needs_keras(">=3.15.1")  # as the page says; rates by layer need it
def test_the_plan_of_the_page_is_carried_out_and_a_stale_one_is_not(folder: Path) -> None:
    done = bash(BLOCKS["plan"], folder)
    assert done.returncode == 0, done.stdout
    assert "there was something to change" not in done.stdout
    assert (folder / "reviewed.keras").is_file()
    with (folder / "overrides" / "finetune.yaml").open("a") as file:
        file.write("# one more line\n")
    done = bash("kover apply --plan plan.json -o other.keras", folder)
    assert done.returncode == 1
    assert "error[stale-plan]: 'overrides/finetune.yaml' has changed" in done.stdout
    assert not (folder / "other.keras").exists()
