"""The README tells the truth: its specs are valid, its commands print what it says.

Markers in the page, as HTML comments before a fence:
    <!-- file: NAME -->   the block is written to NAME, for the commands below it
    <!-- run -->          each `$ command` of the console block runs and exits 0
    <!-- run: exit N -->  the same, and the last command exits N
Output is compared line by line, in order; `…` stands for any text, a line `…` for any lines.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(
    r"(?:^<!-- (?P<marker>[^\n]*) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of the page, and the marker before it."""

    kind: str
    text: str
    marker: str

    @property
    def exit_code(self) -> int | None:
        """How the last command must end, or None if the block is not to be run."""
        match = re.fullmatch(r"run(?:: exit (\d+))?", self.marker)
        return int(match[1] or 0) if match else None

    def commands(self) -> list[tuple[str, list[str]]]:
        """Each command with the output that the page shows for it."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found and found[-1][0].endswith("\\"):
                found[-1] = (f"{found[-1][0][:-1]}{line.strip()}", [])
            elif found:
                found[-1][1].append(line)
        return found


BLOCKS = [
    Block(match["kind"], match["text"], match["marker"] or "") for match in FENCE.finditer(README)
]
SPECS = [block for block in BLOCKS if block.kind == "yaml"]


def test_the_page_has_specs_and_commands_to_check() -> None:
    assert len(SPECS) >= 5
    assert sum(block.exit_code is not None for block in BLOCKS) >= 4
    assert all(block.exit_code is not None for block in BLOCKS if block.marker.startswith("run"))


@pytest.mark.parametrize("block", SPECS, ids=lambda block: block.text.split("\n")[0][:40])
def test_every_spec_in_the_page_is_valid(block: Block, tmp_path: Path) -> None:
    from kover.spec.loading import load_spec

    text = block.text
    if not re.search(r"^version:", text, re.MULTILINE):
        text = f"version: 1\n{text}"
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    load_spec(str(path))


def test_every_file_that_the_page_names_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    paths = re.findall(r"`((?:kover|specs|schemas|tests)/[\w./-]*)`", README)
    assert links
    assert [name for name in links + paths if not (ROOT / name).exists()] == []


def test_every_example_spec_is_listed_in_the_page() -> None:
    assert [path.name for path in (ROOT / "specs").iterdir() if path.name not in README] == []


def test_every_command_and_exit_code_is_in_the_page() -> None:
    for command in ("apply", "diff", "validate", "show", "init", "schema"):
        assert f"| `kover {command} " in README or f"| `kover {command}`" in README
    for code in (0, 1, 2, 70):
        assert re.search(rf"^\| {code} \|", README, re.MULTILINE)


def test_the_benchmark_table_stands_between_its_markers() -> None:
    assert README.count("<!-- bench:begin -->") == README.count("<!-- bench:end -->") == 1


@pytest.mark.keras
@pytest.mark.needs_keras(">=3.15.1")  # as the page says; rates by layer need it
@pytest.mark.needs_backend("tensorflow")
def test_the_commands_in_the_page_print_what_it_says(demo_model: Path, tmp_path: Path) -> None:
    shutil.copy(demo_model, tmp_path / "flowers.keras")
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    for block in BLOCKS:
        if block.marker.startswith("file: "):
            (tmp_path / block.marker.removeprefix("file: ")).write_text(block.text)
        elif block.exit_code is not None:
            *first, last = block.commands()
            for command, shown in first:
                run_and_compare(command, shown, 0, tmp_path)
            run_and_compare(*last, block.exit_code, tmp_path)


def run_and_compare(command: str, shown: list[str], exit_code: int, folder: Path) -> None:
    tools = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == exit_code, f"$ {command}\n{done.stdout}"
    missing = first_line_missing(shown, done.stdout.splitlines())
    assert missing is None, f"$ {command}\nexpected: {missing}\ngot:\n{done.stdout}"


def first_line_missing(shown: list[str], printed: list[str]) -> str | None:
    """The first shown line that is not printed where it should be, or None.

    Lines must follow each other without a gap, except where the page shows a line `…`.
    Empty lines do not count.
    """
    shown, printed = ([line for line in lines if line.strip()] for lines in (shown, printed))
    at, gap = 0, False
    for line in shown:
        if line.strip() == "…":
            gap = True
            continue
        pattern = re.compile(r".*".join(map(re.escape, line.rstrip().split("…"))))
        while gap and at < len(printed) and not pattern.fullmatch(printed[at].rstrip()):
            at += 1
        if at >= len(printed) or not pattern.fullmatch(printed[at].rstrip()):
            return line
        at, gap = at + 1, False
    if not gap and shown and at < len(printed):
        return f"nothing more after {shown[-1]!r}"
    return None


@pytest.mark.parametrize(
    ("shown", "printed", "missing"),
    [
        (["a", "b"], ["a", "b"], None),
        (["a", "b"], ["a", "x", "b"], "b"),
        (["a", "…", "b"], ["a", "x", "b"], None),
        (["a … c"], ["a b c"], None),
        (["a"], ["a", "b"], "nothing more after 'a'"),
        (["a", "…"], ["a", "b"], None),
        (["a.c"], ["abc"], "a.c"),
        (["a", "…", "", "b"], ["a", "", "x", "", "b", ""], None),
        ([], ["anything"], None),
    ],
)
def test_the_comparison_notices_what_is_missing(
    shown: list[str], printed: list[str], missing: str | None
) -> None:
    assert first_line_missing(shown, printed) == missing
