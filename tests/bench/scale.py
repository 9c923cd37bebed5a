"""Measure kover alone on ever larger models: scale.py [--sizes small|all] [--readme FILE].

Models of many layers, specs of many overrides, archives of many gigabytes. Writes .bench/scale.json
and .bench/scale.md, and with --readme the tables between the markers in that file. Archives are
made once and kept in .bench/; those of gigabytes are sparse and take no room until they are copied.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import FOLDER, HERE, KOVER, PYTHON, seconds, write_readme
from measure import Command, Measured, alternate, run_once

BEGIN, END = "<!-- scale:begin -->", "<!-- scale:end -->"
LAYERS = {"small": (100, 1000), "all": (100, 1000, 10_000)}
GIGABYTES = {"small": (0.01, 0.1), "all": (1, 10)}
ROUNDS = 2
OVERRIDES = 1000
PER_BLOCK = 5  # layers of a block, the third of which is a Dropout
SPARSE_SPEC = """\
version: 1
overrides:
  - layers: {class: Dense, index: ":3"}
    set: {kernel_regularizer: {l2: 1e-4}}
"""


@dataclass
class Row:
    """One command on models of ever larger size."""

    command: str
    measured: dict[float, Measured] = field(default_factory=dict)

    def growth(self) -> float:
        """How many times longer it takes on the largest model than on the one before."""
        *_, before, last = self.measured.values()
        return last.wall_s / before.wall_s

    def layers_line(self) -> str:
        """One line of the table of layers."""
        times = " | ".join(seconds(each.wall_s) for each in self.measured.values())
        last = list(self.measured.values())[-1]
        return f"| `{self.command}` | {times} | {self.growth():.1f} | {last.peak / 1e6:.0f} MB |"

    def gigabytes_line(self) -> str:
        """One line of the table of sizes."""
        times = " | ".join(seconds(each.wall_s) for each in self.measured.values())
        peaks = " | ".join(f"{each.peak / 1e6:.0f} MB" for each in self.measured.values())
        return f"| `{self.command}` | {times} | {peaks} |"

    def as_json(self) -> dict[str, object]:
        """The row with every single run."""
        return {
            "command": self.command,
            "measured": {size: vars(each) for size, each in self.measured.items()},
        }


def many_overrides(layers: int) -> str:
    """A spec of a thousand overrides: by name, by pattern, by conditions."""
    blocks = (layers - 1) // PER_BLOCK
    selectors = (
        "large_block{}_2",
        '"*_block{}_[0-2]"',
        '{{class: Dropout, name: "*_block{}_*", where: {{seed: null}}, not: "head*"}}',
    )
    lines = ["version: 1", "overrides:"]
    for number in range(OVERRIDES):
        selector = selectors[number % len(selectors)].format(number % blocks)
        lines += [f"  - layers: {selector}", f"    set: {{rate: 0.{number + OVERRIDES}}}"]
    return "\n".join(lines) + "\n"


def made(name: str, script: str, *arguments: str) -> str:
    """A file in the folder, made by a script if it is not there yet."""
    if not (FOLDER / name).exists():
        run_once([PYTHON, str(HERE / script), f"making.{name}", *arguments], FOLDER)
        (FOLDER / f"making.{name}").rename(FOLDER / name)
    return name


def layer_commands(layers: int) -> dict[str, Command]:
    """What is measured on a model of so many layers; the keys are what the table says."""
    plain = made(f"plain.{layers}.keras", "make_large.py", str(layers))
    changed = made(
        f"all_changed.{layers}.keras", "make_large.py", str(layers), "--variant", "changed"
    )
    (FOLDER / "one.yaml").write_text(
        "version: 1\noverrides:\n  - layers: large_block9_2\n    set: {rate: 0.3}\n"
    )
    (FOLDER / f"many.{layers}.yaml").write_text(many_overrides(layers))
    one = f"one.{layers}.keras"
    alone = ["--verify", "none", "--force", "--no-report", "-q"]
    run_once([KOVER, "apply", plain, "one.yaml", *alone, "-o", one], FOLDER)
    many = f"many.{layers}.yaml"
    return {
        "kover validate --model": [KOVER, "validate", "one.yaml", "--model", plain],
        "kover apply --dry-run": [KOVER, "apply", plain, "one.yaml", "--dry-run"],
        f"kover apply --dry-run, {OVERRIDES:,} overrides": [
            *(KOVER, "apply", plain, many, "--dry-run"),
        ],
        "kover apply --verify none": [KOVER, "apply", plain, "one.yaml", *alone, "-o", "out.keras"],
        "kover diff, one layer changed": [KOVER, "diff", plain, one],
        "kover diff, every layer changed": [KOVER, "diff", plain, changed],
        "kover show": [KOVER, "show", plain],
        "kover init": [KOVER, "init", plain, "-o", "starter.yaml", "--force"],
        "kover schema --model": [KOVER, "schema", "--model", plain],
    }


def layer_rows(sizes: Sequence[int]) -> list[Row]:
    """Commands that need no Keras, on models of many layers."""
    rows: dict[str, Row] = {}
    for layers in sizes:
        print(f"-- {layers} layers", file=sys.stderr)
        for name, measured in alternate(layer_commands(layers), ROUNDS, FOLDER).items():
            rows.setdefault(name, Row(name)).measured[layers] = measured
    return list(rows.values())


def size_commands(gigabytes: float) -> dict[str, Command]:
    """What is measured on an archive of so many gigabytes, in this order."""
    model = made(f"sparse.{gigabytes}.keras", "make_sparse.py", str(gigabytes))
    written = [model, "sparse.yaml", "-o", "out.keras", "--force", "--no-report", "-q"]
    return {
        "kover validate --model": [KOVER, "validate", "sparse.yaml", "--model", model],
        "kover show": [KOVER, "show", model],
        "kover apply --verify none": [KOVER, "apply", *written, "--verify", "none"],
        "kover diff": [KOVER, "diff", model, "out.keras"],
        "kover apply": [KOVER, "apply", *written],
    }


def size_rows(sizes: Sequence[float]) -> list[Row]:
    """Large archives; each command runs once."""
    (FOLDER / "sparse.yaml").write_text(SPARSE_SPEC)
    rows: dict[str, Row] = {}
    for gigabytes in sizes:
        print(f"-- {gigabytes} GB", file=sys.stderr)
        for name, command in size_commands(gigabytes).items():
            os.sync()
            wall, peak = run_once(command, FOLDER)
            rows.setdefault(name, Row(name)).measured[gigabytes] = Measured([wall], [peak])
        (FOLDER / "out.keras").unlink()
    return list(rows.values())


def tables(layers: list[Row], sizes: list[Row]) -> str:
    """Both tables as Markdown, and how they were measured."""
    counts = [f"{count:,} layers" for count in layers[0].measured]
    gigabytes = [f"{size} GB" for size in sizes[0].measured]
    peaks = [f"peak at {size}" for size in gigabytes]
    return "\n".join([
        *heading(["command", *counts, "last to the one before", "peak at the last"]),
        *(row.layers_line() for row in layers),
        "",
        *heading(["command", *gigabytes, *peaks]),
        *(row.gigabytes_line() for row in sizes),
        "",
        f"Wall time on {os.cpu_count()} cores, warm file cache; means of {ROUNDS} runs for layers, "
        "one run for gigabytes, of which `kover apply` alone imports Keras. Peak is that of the "
        "largest process.",
    ])  # fmt: skip


def heading(names: Sequence[str]) -> list[str]:
    """The first two lines of a table."""
    return [f"| {' | '.join(names)} |", f"|---|{'---:|' * (len(names) - 1)}"]


def as_json(rows: Mapping[str, list[Row]]) -> str:
    """All that was measured."""
    found = {name: [row.as_json() for row in each] for name, each in rows.items()}
    return json.dumps(found, indent=1) + "\n"


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", choices=LAYERS, default="small")
    parser.add_argument("--readme", type=Path, help="write the tables there (with --sizes all)")
    options = parser.parse_args()
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    FOLDER.mkdir(exist_ok=True)
    layers, sizes = layer_rows(LAYERS[options.sizes]), size_rows(GIGABYTES[options.sizes])
    text = tables(layers, sizes)
    (FOLDER / "scale.md").write_text(f"{text}\n", encoding="utf-8")
    (FOLDER / "scale.json").write_text(as_json({"layers": layers, "gigabytes": sizes}))
    print(text)
    if options.readme and options.sizes == "all":
        write_readme(options.readme, text, (BEGIN, END))


if __name__ == "__main__":
    main()
