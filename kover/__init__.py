"""kover changes the hyperparameters inside a saved .keras model, without the code that built it.

Importing the package imports next to nothing; each public name is loaded when it is first used.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["apply", "diff", "override", "validate"]

_HOMES = {
    "apply": "kover.api",
    "diff": "kover.diffing.compare",
    "override": "kover.overriding",
    "validate": "kover.validation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kover' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
