"""Write kover/catalogue/keras.json: what kover knows about Keras without importing it.

    python tests/make_catalogue.py kover/catalogue/keras.json

The documentation of the arguments goes to keras_docs.json beside it. The output depends on
the installed Keras alone: sorted, one entry a line.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # also under `python -P`
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"


def main(target: Path) -> None:
    import keras
    from catalogue_making.domains import dtype_names
    from catalogue_making.entries import compile_arguments, documented, entry
    from catalogue_making.public import public_objects

    publics = public_objects()
    entries = [entry(public) for public in publics]
    header = {"keras": keras.__version__, "dtypes": dtype_names(), "compile": compile_arguments()}
    write(target, header, entries)
    docs = {f"{p.kind}/{p.name}": documented(p) for p in publics if not p.is_function}
    shared, own = split_docs(docs)
    write(
        target.with_name("keras_docs.json"),
        {"keras": keras.__version__, "shared": shared},
        [{"entry": key, "docs": text} for key, text in own.items() if text],
    )


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
    main(Path(sys.argv[1]))
