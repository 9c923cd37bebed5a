"""Keras alone, as a process that never imports kover: one JSON request a line, one answer each.

A request is `["module.function", {arguments}]`, of a module in this folder.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any


def answer(request: str) -> dict[str, Any]:
    """What the function that was asked for says, or how it failed."""
    name, arguments = json.loads(request)
    module, function = name.split(".")
    try:
        return {"result": getattr(importlib.import_module(module), function)(**arguments)}
    except Exception:  # noqa: BLE001  (whatever it is, the test that asked shows it)
        return {"error": traceback.format_exc()}


def main() -> None:
    """Answer until there are no more requests."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what Keras prints is no answer
    for request in sys.stdin:
        text = json.dumps(answer(request))
        assert not any(module.split(".")[0] == "kover" for module in sys.modules)
        print(text, file=answers, flush=True)


if __name__ == "__main__":
    main()
