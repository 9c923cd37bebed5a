"""Write kover/catalogue/keras.json: what kover knows about Keras without importing it.

    python tests/make_catalogue.py kover/catalogue/keras.json --cache .catalogue
    python tests/make_catalogue.py facts.json --facts

The first asks every version of Keras in `VERSIONS`, each in a process of its own, and merges the
answers; those that are not installed go to the cache folder, on top of the installed TensorFlow.
The second is such a process. The documentation of the arguments goes to keras_docs.json beside the
data. The output depends on the versions alone: sorted, one entry a line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # also under `python -P`
if __name__ == "__main__":  # of a process that imports this, the environment stays as it is
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ["KERAS_BACKEND"] = "tensorflow"

VERSIONS = ("3.10.0", "3.11.3", "3.12.4", "3.13.2", "3.14.1", "3.15.1")
"""The last release of each minor version, the oldest first."""


def main(target: Path, cache: Path) -> None:
    from catalogue_making.merging import merged

    with ThreadPoolExecutor(2) as pool:
        facts = list(pool.map(lambda wanted: facts_of(wanted, cache), VERSIONS))
    data = merged(facts)
    entries = data.pop("entries")
    write(target, data, entries)
    shared, own = split_docs(facts[-1]["docs"])
    write(
        target.with_name("keras_docs.json"),
        {"keras": data["keras"], "shared": shared},
        [{"entry": key, "docs": text} for key, text in own.items() if text],
    )


def facts_of(wanted: str, cache: Path) -> Any:
    """What a process with that version of Keras finds."""
    cache.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    if version("keras") != wanted:
        environment["PYTHONPATH"] = str(installed(wanted, cache))
    target = cache / f"{wanted}.json"
    command = [sys.executable, "-P", __file__, str(target), "--facts"]
    subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
    facts = json.loads(target.read_bytes())
    assert facts["keras"] == wanted, f"Keras {facts['keras']} was run instead of {wanted}"
    print(f"Keras {wanted}: {len(facts['entries'])} classes and functions", file=sys.stderr)
    return facts


def installed(wanted: str, cache: Path) -> Path:
    """A folder with that version of Keras and nothing else, for PYTHONPATH."""
    folder = (cache / f"keras-{wanted}").resolve()
    if not (folder / "keras").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--target", str(folder), f"keras=={wanted}"], check=True)
    return folder


def write_facts(target: Path) -> None:
    """What the Keras of this process has."""
    import keras
    from catalogue_making.domains import dtype_names
    from catalogue_making.entries import compile_arguments, documented, entry
    from catalogue_making.public import public_objects

    publics = public_objects()
    facts = {
        "keras": keras.__version__,
        "dtypes": dtype_names(),
        "compile": compile_arguments(),
        "entries": [entry(public) for public in publics],
        "docs": {f"{p.kind}/{p.name}": documented(p) for p in publics if not p.is_function},
    }
    target.write_text(json.dumps(facts, allow_nan=False), "utf-8")


def split_docs(docs: dict[str, dict[str, str]]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """What most classes say of an argument, once; and where a class says something else."""
    counts: dict[str, dict[str, int]] = {}
    for texts in docs.values():
        for name, text in texts.items():
            counts.setdefault(name, {}).setdefault(text, 0)
            counts[name][text] += 1
    shared = {
        name: max(sorted(texts), key=lambda text: texts[text])
        for name, texts in sorted(counts.items())
        if max(texts.values()) > 1
    }
    own = {
        key: {name: text for name, text in sorted(texts.items()) if shared.get(name) != text}
        for key, texts in sorted(docs.items())
    }
    return shared, own


def write(target: Path, header: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    """Compact, one entry a line."""
    lines = [f'"{key}":{compact(value)}' for key, value in header.items()]
    listed = ",\n".join(map(compact, entries))
    target.write_text("{" + ",\n".join(lines) + ',\n"entries":[\n' + listed + "\n]}\n", "utf-8")


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("target", type=Path)
    parser.add_argument("--facts", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path(".catalogue"))
    arguments = parser.parse_args()
    if arguments.facts:
        write_facts(arguments.target)
    else:
        main(arguments.target, arguments.cache)
