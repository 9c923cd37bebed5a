"""Untyped objects of Keras: the names say what they are, since mypy is told to skip Keras."""

from __future__ import annotations

from typing import Any

KerasModel = Any
KerasOptimizer = Any
KerasVariable = Any
