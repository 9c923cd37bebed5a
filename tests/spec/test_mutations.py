"""Two thousand random edits of valid specs: always an answer from the table, never a traceback."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from kover.cli.main import run

EDITS = 2000
SEED = 20_260_101
PIECES = [
    *("[]{},:#&*!|>'\"%@`?-<~ \n\t"),
    *("\r", "\x00", "\u2028", "\ufeff", "é", "💡", "\\"),
    *("null", "true", "no", "1e-4", ".nan", "-1", "0", "1e999", "9" * 400, "${", "${p}", "$${"),
    *("&a ", "*a", "<<: *a", "!!python/object:os.system ", "---\n", "...\n", "? ", "- "),
    *("version: 1\n", "overrides:", "layers:", "set:", "class:", "where:", "not:", "any:", "from:"),
    *("units", "kernel_regularizer.l2", "..", "a/b", "**", "[", "dense_*", "{class: L2}", "{}"),
    *("expect: {min: 0}", "rename: x", "replace: ReLU", "learning_rate: {multiply: 2}"),
]
WORD = re.compile(r"[A-Za-z_.]+|\d[\d.e-]*|\S")


def mutated(text: str, random_: random.Random) -> str:
    """A text with one edit: something put in, taken out, doubled, swapped or moved."""
    at, to = sorted(random_.randrange(len(text) + 1) for _ in range(2))
    to = min(to, at + random_.choice((1, 1, 3, 10, 40)))
    words = WORD.findall(text)
    kind = random_.randrange(6)
    if kind == 0:
        return text[:at] + random_.choice(PIECES) + text[at:]
    if kind == 1:
        return text[:at] + text[to:]
    if kind == 2:
        return text[:at] + text[at:to] * 2 + text[to:]
    if kind == 3:
        return text[:at] + random_.choice(words) + text[to:]
    if kind == 4:
        return text.replace(random_.choice(words), random_.choice(PIECES), 1)
    lines = text.splitlines(keepends=True)
    random_.shuffle(lines)
    return "".join(lines)


@pytest.mark.slow
def test_no_edit_of_a_spec_ends_in_a_traceback(
    tiny_archive: Path,
    project_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tiny_archive.parent)
    texts = [path.read_text() for path in sorted((project_root / "specs").glob("*.yaml"))]
    texts += [text.replace("backbone", "dense_a").replace("Conv2D", "Dense") for text in texts]
    random_ = random.Random(SEED)
    codes = dict.fromkeys((0, 1, 2), 0)
    for number in range(EDITS):
        text = random_.choice(texts)
        for _ in range(random_.choice((1, 1, 2, 5))):
            text = mutated(text, random_) or "x"
        Path("spec.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
        extra = [[], ["--model", "tiny.keras"], ["--format", "sarif"]][number % 3]
        code = run(["validate", *extra, "spec.yaml"])
        printed = capsys.readouterr()
        assert code in codes, f"exit {code}:\n{printed.err}\n{text}"
        assert "internal error" not in printed.err, f"{printed.err}\n{text}"
        assert (code == 0) == ("error" not in re.sub(r'"kover.*', "", printed.err + printed.out))
        codes[code] += 1
    assert all(count > EDITS // 100 for count in codes.values()), codes
