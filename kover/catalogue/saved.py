"""Arguments of custom classes: what their saved config shows, and nothing more."""

from __future__ import annotations

from kover.catalogue.model import Argument
from kover.catalogue.records import is_record, reference
from kover.values import JSON, as_mapping

_SUFFIXES = {
    "activation": "activation",
    "regularizer": "regularizer",
    "initializer": "initializer",
    "constraint": "constraint",
}
_NAMES = {"dtype": "dtype_policy", "learning_rate": "learning_rate"}


def argument_from_saved(name: str, saved: JSON) -> Argument:
    """The argument that a custom class seems to have, from its name and its saved value.

    Permissive: the kind is only said where name and value agree; null is always taken.
    """
    return Argument(name, _kind(name, saved), nullable=True)


def _kind(name: str, saved: JSON) -> str:
    for suffix, kind in _SUFFIXES.items():
        if (name == suffix or name.endswith(f"_{suffix}")) and _fits(kind, saved):
            return kind
    if name in _NAMES:
        return "dtype" if name == "dtype" and isinstance(saved, str) else _NAMES[name]
    return "bool" if isinstance(saved, bool) else "any"


def _fits(kind: str, saved: JSON) -> bool:
    if saved is None:
        return True
    if not is_record(saved):
        return isinstance(saved, str)
    found = reference(as_mapping(saved))
    return found is None or found.kind in {kind, None}
