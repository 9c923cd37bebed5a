"""An argument of a Keras class as JSON Schema: what an editor completes, explains and checks.

Nothing that kover accepts is refused here; where the catalogue is more patient than a schema can
be, the schema only completes.
"""

from __future__ import annotations

from typing import Any, Final

from kover.catalogue import Argument, Entry, catalogue
from kover.values import MISSING

Schema = dict[str, Any]
_PLACEHOLDER: Final = {"$ref": "#/definitions/placeholder"}
_OPEN: Final[list[Schema]] = [{"type": "string"}, {"type": "object"}]
_NUMBERS: Final = {"int": "integer", "float": "number", "number": "number"}
_BOUNDS: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusive_minimum": "exclusiveMinimum",
    "exclusive_maximum": "exclusiveMaximum",
}
_NAMED: Final = frozenset(
    {"activation", "constraint", "dtype", "dtype_policy", "initializer", "regularizer"}
)


def attributes_of(entry: Entry) -> dict[str, Schema]:
    """Each argument of a class that a spec can set, described in Keras' words."""
    return {
        name: argument_schema(argument, catalogue().documentation(entry, name), entry.class_name)
        for name, argument in sorted(entry.arguments.items())
        if name != "name" and argument.kind != "layer"
    }


def argument_schema(argument: Argument, text: str | None, owner: str) -> Schema:
    """One argument.

    Args:
        argument: from the catalogue.
        text: what Keras' documentation says of it.
        owner: the class that it belongs to.
    """
    words = [text] if text else []
    if argument.default is not MISSING and not isinstance(argument.default, (dict, list)):
        words.append(f"Default: `{_shown(argument.default)}`.")
    if argument.span.words:
        words.append(f"{argument.span.words[0].upper()}{argument.span.words[1:]}.")
    schema: Schema = {
        "title": f"{owner}.{argument.name}",
        "description": " ".join(words) or f"An argument of {owner}.",
    }
    alternatives = _alternatives(argument)
    if alternatives:
        if argument.nullable:
            alternatives.append({"type": "null"})
        schema["anyOf"] = [*alternatives, _PLACEHOLDER]
    return schema


def _alternatives(argument: Argument) -> list[Schema]:
    """What it takes, as far as a schema can say; empty for anything."""
    if argument.choices:
        return [{"enum": list(argument.choices)}]
    if argument.kind == "bool":
        return [{"type": "boolean"}]
    if argument.kind in _NUMBERS:
        bounds = {
            key: limit
            for field, key in _BOUNDS.items()
            if (limit := getattr(argument, field)) is not None
        }
        return [{"type": _NUMBERS[argument.kind], **bounds}]
    names = _names(argument.kind)
    return [{"enum": names}, *_OPEN] if names else []


def _names(kind: str) -> list[str]:
    """The usual names of a kind of object; each thing once, as Keras writes it in configs."""
    return list(catalogue().names(kind)) if kind in _NAMED else []


def _shown(value: object) -> str:
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else f"{value}"
    )
