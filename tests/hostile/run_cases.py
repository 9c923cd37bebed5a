"""Run every light command on a part of the corpus: run_cases.py CORPUS RESULTS FIRST STEP [KERAS].

In one process, which may have 2 GB, with every file and address that is opened watched. Writes
what happened as JSON lines; a case that ends the process is the one after the last line.
"""

from __future__ import annotations

import io
import json
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kover.cli.main import run

UNPRINTABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
ONE_VALUE = re.compile("m_odd_(type|graph|compile)_")  # fuzzing goes through these commands
HEAVY = ("keras", "tensorflow", "torch", "jax", "canary_module")
TIMEOUT_S = 10
opened: list[str] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Remember what is opened that no archive may make anyone open."""
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        opened.append(event)
    elif event == "open" and str(arguments[0]).startswith(("/etc/passwd", "/dev/zero")):
        opened.append(str(arguments[0]))


def commands(case: dict[str, str], corpus: Path, out: str) -> Iterator[list[str]]:
    """What is run on a case."""
    base, base_spec = str(corpus / "base.keras"), str(corpus / "base.yaml")
    given = str(corpus / case["file"])
    if case["kind"] == "spec":
        yield ["validate", given]
        yield ["validate", given, "--model", base, "--format", "json"]
        yield ["apply", base, given, "-o", out, "--dry-run"]
        yield ["apply", base, given, "-o", out, "--verify", "none"]
        return
    yield ["validate", base_spec, "--model", given]
    yield ["diff", base, given]
    bare = Path(given).with_suffix(".weights.h5")
    if bare.exists():
        yield ["diff", base, str(bare)]
    yield ["show", given]
    if not ONE_VALUE.match(case["name"]):
        yield ["show", given, "--format", "html"]
        yield ["diff", given, base, "--format", "html"]
    if case["name"].startswith("m_odd_") and not ONE_VALUE.match(case["name"]):
        yield ["init", given]
        yield ["schema", "--model", given]
        yield ["git", "textconv", given]
    yield ["apply", given, base_spec, "-o", out, "--dry-run"]
    yield ["apply", given, base_spec, "-o", out, "--verify", "none"]
    if case["row"].startswith("G"):
        for form in ("json", "markdown", "html"):
            yield ["show", given, "--format", form]
        yield ["schema", "--model", given]
        yield ["init", given]
        yield ["validate", base_spec, "--model", given, "--format", "github"]
        yield ["diff", given, base, "--format", "json"]


def run_one(arguments: list[str]) -> dict[str, Any]:
    """Run a command and say what came of it."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    kept = sys.stdout, sys.stderr
    opened.clear()
    start = time.monotonic()
    signal.alarm(TIMEOUT_S if "--verify" in arguments or arguments[0] != "apply" else 100)
    try:
        sys.stdout, sys.stderr = streams
        code = run(arguments)
    finally:
        signal.alarm(0)
        sys.stdout, sys.stderr = kept
    texts = [each.buffer.getvalue().decode() for each in streams]  # type: ignore[attr-defined]
    return {
        "command": arguments,
        "code": code,
        "seconds": round(time.monotonic() - start, 2),
        "unprintable": sorted(set(UNPRINTABLE.findall("".join(texts)))),
        "opened": sorted(set(opened)),
        "size": sum(map(len, texts)),
        "said": texts[1][:3000],
        "printed": texts[0][-3000:],
    }


def with_keras(case: dict[str, str]) -> bool:
    """Whether the case is one that Keras could see."""
    odd = case["row"][0] in "BCDH" and case["verdict"] in ("odd", "code", "ok")
    few = case["row"][0] == "C" or not case["name"].startswith("m_odd_")
    return case["kind"] == "model" and odd and few and "_random_" not in case["name"]


def main(arguments: list[str]) -> None:
    """Run the part that the arguments name."""
    corpus, results = Path(arguments[0]), Path(arguments[1])
    cases = json.loads((corpus / "index.json").read_text())
    keras = arguments[4:] == ["keras"]
    if keras:
        cases = [case for case in cases if with_keras(case)]
    else:
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    sys.addaudithook(watch)
    signal.signal(signal.SIGALRM, _too_slow)
    with results.open("w") as file:
        for case in cases[int(arguments[2]) :: int(arguments[3])]:
            folder = results.with_suffix(f".{case['name']}")
            folder.mkdir()
            out = str(folder / "out.keras")
            given = ["apply", str(corpus / case["file"]), str(corpus / "base.yaml"), "-o", out]
            for command in [given] if keras else commands(case, corpus, out):
                found = run_one(command)
                found["left"] = sorted(path.name for path in folder.iterdir())
                file.write(json.dumps({"name": case["name"], **found}) + "\n")
                file.flush()
            shutil.rmtree(folder)
        # What ru_maxrss says of this process began with the memory of the one that forked it.
        status = Path("/proc/self/status").read_text()
        own = int(status.partition("VmHWM:")[2].split()[0])
        usage = [
            peak // 1024 for peak in (own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        ]
        heavy = [name for name in HEAVY if name in sys.modules]
        file.write(json.dumps({"done": True, "peak_mb": max(usage), "heavy": heavy}) + "\n")


def _too_slow(*_: object) -> None:
    raise TimeoutError


if __name__ == "__main__":
    main(sys.argv[1:])
