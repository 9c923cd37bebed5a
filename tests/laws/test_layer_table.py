"""Every attribute of every layer of Keras can be overridden, or the reason is a clear problem.

`layer_table.tsv` says which; a twelfth of it is tried anew, another one after each change of kover.
With `KOVER_LAYER_TABLE=all` in the environment it is the whole (five minutes).
"""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAM = HERE / "make_layer_table.py"
WHOLE = os.environ.get("KOVER_LAYER_TABLE") == "all"
PARTS = 12

HEADER, *ROWS = (HERE / "layer_table.tsv").read_text(encoding="utf-8").splitlines()


def outcome(row: str) -> str:
    return row.split("\t")[3]


tabled = pytest.mark.needs_keras(">=3.15")  # the table is about its layers


def part(row: str) -> int:
    name, attribute, *_ = row.split("\t")
    return zlib.crc32(f"{name}.{attribute}".encode()) % PARTS


def todays_part() -> int:
    """Rotates with the code: the same sources always try the same rows."""
    digest = 0
    for path in sorted(Path(HERE.parent.parent, "kover").rglob("*.py")):
        digest = zlib.crc32(path.read_bytes(), digest)
    return digest % PARTS


def answered(question: str, *arguments: str) -> list[str]:
    """What the generator says, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", PROGRAM, *arguments],
        input=question,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


@pytest.mark.keras
@tabled
def test_the_table_has_every_attribute_of_every_layer_class() -> None:
    listed = ["\t".join(row.split("\t")[:2]) for row in ROWS]
    assert listed == answered("", "--list")


def test_nearly_all_attributes_hold_and_none_is_lost() -> None:
    counts = Counter(outcome(row) for row in ROWS)
    known = {
        "holds",
        "needs consent, holds",
        "needs consent, holds, Keras warns as the report says",
        "not kept by Keras, as the report says",
    }
    strange = {each for each in counts if each not in known and not each.startswith("refused: ")}
    assert strange == set()
    settable = [row for row in ROWS if outcome(row) != "refused: structural-change"]
    assert sum("holds" in outcome(row) for row in settable) > 0.95 * len(settable) > 1000


def test_a_refusal_is_one_that_was_looked_into() -> None:
    codes = {outcome(row).partition(": ")[2] for row in ROWS if "refused" in outcome(row)}
    assert codes == {
        "keras-refuses-layer",  # the value does not fit the layer's other attributes
        "keras-refuses-model",  # nor its inputs
        "not-frozen",  # sublayers that the class makes itself when it is loaded
        "out-of-domain",  # only the value that is there is taken
        "override-without-effect",  # Keras drops the attribute
        "structural-change",  # the name, and layers within
    }


@pytest.mark.keras
@tabled
@pytest.mark.parametrize("number", range(PARTS) if WHOLE else [todays_part()])
def test_rows_tried_anew_have_the_outcome_of_the_table(number: int) -> None:
    rows = [row for row in ROWS if part(row) == number]
    assert answered("\n".join(rows)) == rows
