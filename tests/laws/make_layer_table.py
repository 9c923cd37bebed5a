"""Write layer_table.tsv: every attribute of every layer class, and whether it can be set.

    python tests/laws/make_layer_table.py tests/laws/layer_table.tsv

Without an argument, the rows of that file on standard input are tried anew and printed; `--list`
prints the class and attribute of each row that there should be. What a refusal says goes to
standard error.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from table_making.outcomes import Subject

sys.path.insert(0, str(Path(__file__).parent))  # also under `python -P`
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["KERAS_BACKEND"] = "tensorflow"

HEADER = "class\tattribute\tvalue\toutcome"


def subjects(folder: Path) -> Iterator[Subject]:
    """Every layer class, saved in its minimal model."""
    from table_making.minimal_models import layer_classes
    from table_making.outcomes import Subject

    for name, layer_class in layer_classes().items():
        yield Subject(name, layer_class, folder)


def all_rows(folder: Path) -> Iterator[str]:
    """The whole table, each value chosen anew."""
    for subject in subjects(folder):
        for attribute in subject.attributes:
            row = subject.row(attribute, subject.value_for(attribute))
            if row.outcome != "holds":
                print(f"{row.line}\t{row.said}", file=sys.stderr, flush=True)
            yield row.line


def attribute_names(folder: Path) -> Iterator[str]:
    """The first two columns."""
    for subject in subjects(folder):
        yield from (f"{subject.class_name}\t{attribute}" for attribute in subject.attributes)


def rows_again(lines: list[str], folder: Path) -> Iterator[str]:
    """The same rows, tried anew with the same values."""
    from table_making.minimal_models import layer_classes
    from table_making.outcomes import Subject

    classes = layer_classes()
    subject: Subject | None = None
    for line in lines:
        name, attribute, value, _ = line.split("\t")
        if subject is None or subject.class_name != name:
            subject = Subject(name, classes[name], folder)
        row = subject.row(attribute, json.loads(value))
        yield row.line


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments == ["--list"]:
            print(*attribute_names(folder), sep="\n")
        elif arguments:
            text = "\n".join([HEADER, *all_rows(folder), ""])
            Path(arguments[0]).write_text(text, encoding="utf-8")
        else:
            for row in rows_again(sys.stdin.read().splitlines(), folder):
                print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
