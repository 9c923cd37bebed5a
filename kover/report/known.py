"""What an apply knows of one changed setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from kover.diffing.report import Setting

Fact = TypeVar("Fact")


def known(facts: Mapping[Setting, Fact], layer: str | None, attribute: str) -> Fact | None:
    """The fact on an attribute, or on the object around it (`optimizer`)."""
    name = attribute
    while name:
        found = facts.get((layer, name))
        if found is not None:
            return found
        name = name.rpartition(".")[0]
    return None
