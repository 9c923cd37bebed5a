"""The reference of the spec language as Markdown, made from the schema and the catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kover.catalogue import Argument, Entry, catalogue
from kover.spec.schema import spec_schema
from kover.values import MISSING

_SECTIONS: Final = {
    "guards": "`model`",
    "override": "An entry of `overrides`",
    "conditions": "A selector's conditions",
    "compile": "`compile`",
    "optimizer": "`compile.optimizer`",
    "layer_decay": "`compile.layer_decay`",
    "lint": "`lint`",
}
_KINDS: Final = {
    "layer": "Layers",
    "optimizer": "Optimizers",
    "schedule": "Learning rate schedules",
    "loss": "Losses",
    "metric": "Metrics",
    "regularizer": "Regularizers",
    "initializer": "Initializers",
    "constraint": "Constraints",
    "activation": "Activations",
}
_WORDS: Final = {
    "object": "mapping",
    "array": "list",
    "string": "text",
    "number": "number",
    "integer": "integer",
    "boolean": "true or false",
    "null": "null",
}
Schema = Mapping[str, Any]


def spec_reference() -> str:
    """Every key of a spec, and every class with its arguments."""
    return "\n".join([*_language(), *_classes()]) + "\n"


def _language() -> Iterator[str]:
    schema = spec_schema()
    definitions = schema["definitions"]
    yield from ["# The spec language, version 1", "", schema["description"], "", "## A spec", ""]
    yield from _keys(schema, definitions)
    for name, title in _SECTIONS.items():
        yield from ["", f"## {title}", ""]
        yield from _keys(definitions[name], definitions)


def _keys(schema: Schema, definitions: Schema) -> Iterator[str]:
    yield "| key | takes | means |"
    yield "| --- | --- | --- |"
    required = schema.get("required", ())
    for key, part in schema["properties"].items():
        takes = " or ".join(dict.fromkeys(_types(part, definitions))) or "anything"
        notes = [part["description"]]
        if key in required:
            notes.append("Required.")
        if "default" in part:
            notes.append(f"Default: `{_shown(part['default'])}`.")
        examples = ", ".join(f"`{_shown(example)}`" for example in part.get("examples", ()))
        if examples:
            notes.append(f"Such as {examples}.")
        yield f"| `{key}` | {takes} | {_cell(' '.join(notes))} |"


def _types(part: Schema, definitions: Schema, depth: int = 0) -> Iterator[str]:
    if "const" in part:
        yield f"`{_shown(part['const'])}`"
    elif "enum" in part:
        yield " or ".join(f"`{choice}`" for choice in part["enum"])
    elif "type" in part:
        yield _WORDS[part["type"]] + _bounds(part)
    for choice in [*part.get("anyOf", ()), *part.get("allOf", ())]:
        if depth < 4 and choice != {"$ref": "#/definitions/placeholder"}:
            yield from _types(choice, definitions, depth + 1)
    if "$ref" in part and depth < 4:
        yield from _types(definitions[part["$ref"].rpartition("/")[2]], definitions, depth + 1)


def _bounds(part: Schema) -> str:
    least, most = part.get("minimum"), part.get("maximum")
    above = part.get("exclusiveMinimum")
    if most is not None and most > 1e30:  # the largest float32
        most = None
    limits = [f">= {least}"] if least is not None else [f"> {above}"] if above is not None else []
    limits += [f"<= {most}"] if most is not None else []
    return f" ({', '.join(limits)})" if limits else ""


def _classes() -> Iterator[str]:
    known = catalogue()
    first, last = known.versions[0], known.versions[-1]
    yield from ["", "## Classes", ""]
    whose = f"Those of Keras {known.running or known.keras_version}."
    yield f"{whose} What is not in all of Keras {first} to {last} says in which it is."
    for kind, title in _KINDS.items():
        yield from ["", f"## {title}", ""]
        for name in known.class_names(kind):
            entry = known.entry(kind, name)
            if entry is not None:
                yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[str]:
    others = [f"`{name}`" for name in entry.names if name != entry.class_name]
    also = f" (also {', '.join(others)})" if others else ""
    versions = f", {entry.span.words}" if entry.span.words else ""
    yield f"- **{entry.class_name}**{also}{versions}"
    for argument in entry.arguments.values():
        if argument.name != "name":
            yield f"  - {_argument(entry, argument)}"


def _argument(entry: Entry, argument: Argument) -> str:
    domain = [_kind(argument)]
    if argument.choices:
        domain = [" or ".join(f"`{_shown(choice)}`" for choice in argument.choices)]
    for sign, limit in (
        (">=", argument.minimum),
        (">", argument.exclusive_minimum),
        ("<=", argument.maximum),
        ("<", argument.exclusive_maximum),
    ):
        if limit is not None:
            domain.append(f"{sign} {limit:g}")
    domain += ["or null"] if argument.nullable else []
    if argument.default is not MISSING:
        domain.append(f"default `{_shown(argument.default)}`")
    elif argument.required:
        domain.append("required")
    domain += [argument.span.words] if argument.span.words else []
    text = catalogue().documentation(entry, argument.name)
    return f"`{argument.name}` ({', '.join(domain)})" + (f": {text}" if text else "")


def _kind(argument: Argument) -> str:
    """What it takes: `number`, `list of int`, `int or list of int`."""
    if argument.kind != "any" or not argument.types:
        return argument.kind.replace("_", " ")
    items = f" of {argument.items.replace('?', ' or null')}" if argument.items else ""
    words = [f"list{items}" if name == "list" else name for name in argument.types]
    return " or ".join(words).replace("int or float", "number")


def _shown(value: object) -> str:
    if isinstance(value, dict) and "class_name" in value:
        return str(value["class_name"])
    return json.dumps(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
