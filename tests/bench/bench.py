"""Compare kover with other ways to do the same: bench.py [--sizes small|all] [--readme FILE].

Writes .bench/results.json and .bench/results.md, and with --readme the table between the
markers in that file. Archives are made once and kept in .bench/.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from measure import Command, Measured, alternate, run_once

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = ROOT / ".bench"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
SIZES = {  # name -> (megabytes, rounds)
    "small": {"2 MB": (2, 3)},
    "all": {"10 MB": (10, 5), "300 MB": (300, 5), "1.3 GB": (1300, 3)},
}
LIGHT_ROUNDS = 15
PYTHON = sys.executable
KOVER = str(Path(sys.executable).parent / "kover")
SPEC = """\
version: 1
overrides:
  - layers: {class: Dense}
    set: {kernel_regularizer: {l2: 1e-4}}
  - layers: {class: Dropout}
    set: {rate: 0.3}
"""


@dataclass(frozen=True)
class Row:
    """Kover against one other way."""

    size: str
    ours: str
    theirs: str
    measured: tuple[Measured, Measured]

    @property
    def ratio(self) -> float:
        """Our wall time as a part of theirs."""
        return self.measured[0].wall_s / self.measured[1].wall_s

    def as_json(self) -> dict[str, object]:
        """The row with every single run."""
        ours, theirs = self.measured
        return {
            "size": self.size,
            "kover": {"command": self.ours, **vars(ours)},
            "other": {"command": self.theirs, **vars(theirs)},
            "wall_ratio": round(self.ratio, 3),
        }

    def as_markdown(self) -> str:
        """One line of the table."""
        ours, theirs = self.measured
        walls = f"{seconds(ours.wall_s)} | {seconds(theirs.wall_s)} | {self.ratio:.2f}"
        return (
            f"| {self.size} | `{self.ours}` | {self.theirs} | {walls} | {mb(ours)} | {mb(theirs)} |"
        )


def seconds(value: float) -> str:
    """Three digits are enough."""
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.0f} ms"


def mb(measured: Measured) -> str:
    """Peak memory, rounded."""
    return f"{measured.peak / 1e6:.0f} MB"


def archives(size: str, megabytes: int) -> dict[str, str]:
    """Make the model, its copy, the same weights under a changed config, and other weights."""
    stem = size.replace(" ", "").replace(".", "_")
    kinds = ("model", "copy", "changed", "other")
    before, copy, after, other = (f"{stem}.{kind}.keras" for kind in kinds)
    for name, seed in ((before, 11), (other, 12)):
        if not (FOLDER / name).exists():
            making = f"making.{stem}.keras"
            command = [PYTHON, "-P", str(HERE / "make_model.py"), making, str(megabytes), str(seed)]
            run_once(command, FOLDER)
            (FOLDER / making).rename(FOLDER / name)
    shutil.copy(FOLDER / before, FOLDER / copy)
    run_once([KOVER, "apply", before, "spec.yaml", "-o", after, "--force", "--no-report"], FOLDER)
    return {"before": before, "copy": copy, "after": after, "other": other}


def apply_rows(size: str, files: Mapping[str, str], rounds: int) -> list[Row]:
    """Changing a model: the whole way, and the archive alone."""
    before, out = files["before"], "out.keras"
    import_keras = f"{PYTHON} -c 'import keras'"
    options = ["-o", out, "--force", "--no-report", "-q"]
    commands: dict[str, Command] = {
        "apply": [KOVER, "apply", before, "spec.yaml", *options],
        "by hand": [PYTHON, "-P", str(HERE / "by_hand.py"), "change", before, "by_hand.keras"],
        "cp, import": ["sh", "-c", f"cp {before} copied.keras && {import_keras}"],
        "apply none": [KOVER, "apply", before, "spec.yaml", *options, "--verify", "none"],
        "cp": ["cp", before, "copied.keras"],
    }
    got = alternate(commands, rounds, FOLDER)
    for name in (out, "by_hand.keras", "copied.keras"):
        (FOLDER / name).unlink()
    ours, none = "kover apply", "kover apply --verify none"
    return [
        Row(size, ours, "by hand in Keras (loses optimizer state)", (got["apply"], got["by hand"])),
        Row(size, ours, "`cp`, then `import keras`", (got["apply"], got["cp, import"])),
        Row(size, none, "`cp`", (got["apply none"], got["cp"])),
    ]


def diff_rows(size: str, files: Mapping[str, str], rounds: int) -> list[Row]:
    """Comparing two models: equal weights, the same file twice, all weights different.

    JSON and HTML tell the sha256 of both files, and HTML how far each entry moved.
    """
    before, after, other = files["before"], files["after"], files["other"]
    diff = [KOVER, "diff", before]
    commands: dict[str, Command] = {
        "diff": [*diff, after],
        "digests": [*diff, after, "--format", "json"],
        "same": [*diff, files["copy"], "--format", "json"],
        "cmp": ["cmp", before, files["copy"]],
        "hash": [PYTHON, "-P", str(HERE / "by_hashlib.py"), before, after],
        "load": [PYTHON, "-P", str(HERE / "by_hand.py"), "compare", before, after],
        "other": [*diff, other],
        "other html": [*diff, other, "--format", "html"],
        "read": [PYTHON, "-P", str(HERE / "by_numpy.py"), before, other],
    }
    got = alternate(commands, rounds, FOLDER)
    read = "reading both with NumPy"
    rows = [
        ("diff", "kover diff", "load both in Keras, compare", "load"),
        ("diff", "kover diff", "`cmp` of two equal files", "cmp"),
        ("digests", "kover diff --format json", "`cmp` of two equal files", "cmp"),
        ("digests", "kover diff --format json", "`sha256` of both, at once", "hash"),
        ("same", "kover diff --format json", "the same two equal files, `cmp`", "cmp"),
        ("other", "kover diff", f"all weights different: {read}", "read"),
        ("other html", "kover diff --format html", f"all weights different: {read}", "read"),
    ]
    return [Row(size, ours, label, (got[mine], got[theirs])) for mine, ours, label, theirs in rows]


def light_rows() -> list[Row]:
    """Commands whose cost is starting up."""
    schema = str(ROOT / "schemas" / "spec.schema.json")
    checker = str(Path(PYTHON).parent / "check-jsonschema")
    commands: dict[str, Command] = {
        "validate": [KOVER, "validate", "spec.yaml"],
        "check-jsonschema": [checker, "--schemafile", schema, "spec.yaml"],
        "help": [KOVER, "--help"],
        "click": [PYTHON, "-c", "import click"],
        "bare": [PYTHON, "-c", "pass"],
    }
    got = alternate(commands, LIGHT_ROUNDS, FOLDER)
    return [
        Row("", "kover validate", "`check-jsonschema`", (got["validate"], got["check-jsonschema"])),
        Row("", "kover --help", "`python -c 'import click'`", (got["help"], got["click"])),
        Row("", "kover --help", "`python -c pass`", (got["help"], got["bare"])),
    ]


def table(rows: list[Row], rounds: str) -> str:
    """The rows as Markdown, and how they were measured."""
    head = "| model | kover | other way | kover | other | ratio | kover peak | other peak |"
    rule = "|---|---|---|---:|---:|---:|---:|---:|"
    machine = (
        f"Medians of {rounds} alternating runs on {os.cpu_count()} cores, warm file cache; "
        f"Python {platform.python_version()}, Keras {version('keras')}, "
        f"TensorFlow {version('tensorflow')}. Peak is that of the largest process; "
        "what is smaller than the benchmark itself, such as `cp`, shows the benchmark's."
    )
    return "\n".join([head, rule, *(row.as_markdown() for row in rows), "", machine])


def write_readme(readme: Path, text: str, markers: tuple[str, str] = (BEGIN, END)) -> None:
    """Put the table between the markers."""
    begin, end = markers
    start, rest = readme.read_text(encoding="utf-8").split(begin)
    readme.write_text(f"{start}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", choices=SIZES, default="small")
    parser.add_argument("--readme", type=Path, help="write the table there (with --sizes all)")
    options = parser.parse_args()
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "spec.yaml").write_text(SPEC, encoding="utf-8")
    rows = light_rows()
    for size, (megabytes, rounds) in SIZES[options.sizes].items():
        print(f"-- {size}", file=sys.stderr)
        files = archives(size, megabytes)
        rows += [*apply_rows(size, files, rounds), *diff_rows(size, files, rounds)]
    counts = sorted({rounds for _, rounds in SIZES[options.sizes].values()} | {LIGHT_ROUNDS})
    text = table(rows, " or ".join(map(str, counts)))
    (FOLDER / "results.md").write_text(f"{text}\n", encoding="utf-8")
    results = json.dumps([row.as_json() for row in rows], indent=1)
    (FOLDER / "results.json").write_text(f"{results}\n", encoding="utf-8")
    print(text)
    if options.readme and options.sizes == "all":
        write_readme(options.readme, text)


if __name__ == "__main__":
    main()
