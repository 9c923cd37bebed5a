"""The JSON Schema of specs for one model: it completes layer paths, classes and attributes.

The schema of the language stays what it is; definitions are made narrower where a model tells
more. A selector that is a plain name must be a layer's, unless `expect` allows none; under `set`
stand the attributes of the selected class, or those of all of the model's classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.layer_classes import attribute_names, layer_entry
from kover.reference.arguments import Schema, attributes_of
from kover.spec.schema import spec_schema

_PATTERN: Final = r"[*?\[\]\\$]|^/|/$"  # a glob, an anchored path, or a text with a parameter
_DOTTED: Final = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+$"
_PUSHED: Final = "Whether it trains; every layer inside gets the same."
_NONE_IS_FINE: Final = {
    "required": ["expect"],
    "properties": {
        "expect": {
            "anyOf": [
                {"const": 0},
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"min": {"anyOf": [{"const": 0}, {"type": "string"}]}},
                    "anyOf": [
                        {"required": ["min"]},
                        {"required": ["max"], "properties": {"max": {"const": 0}}},
                    ],
                },
            ]
        }
    },
}


def model_schema(tree: ModelTree, path: str) -> dict[str, Any]:
    """The schema for specs that are for that model.

    Args:
        tree: the model's layers.
        path: of the model, for the title.
    """
    schema = spec_schema()
    schema["title"] = f"kover override spec for {path}"
    del schema["$id"]
    definitions: dict[str, Any] = schema["definitions"]
    classes = _classes(tree)
    definitions["layer_name"] = _layer_names(tree)
    definitions["glob"] = {**definitions["glob"], **_either("layer_name")}
    selectable = (*tree.layers, *([tree.root_node] if tree.root_node is not None else ()))
    definitions["settings"] = _settings(selectable, tree, definitions["settings"])
    for number, nodes in enumerate(classes.values()):
        definitions[f"settings_{number}"] = _settings(nodes, tree, None)
    conditions: dict[str, Any] = definitions["conditions"]["properties"]
    conditions["class"] = {**conditions["class"], **_globs(classes)}
    attributes = sorted(set().union(*(attribute_names(tree, node) for node in selectable)))
    conditions["has"] = {**conditions["has"], **_globs(attributes)}
    for end in ("from", "to"):
        conditions[end] = {**conditions[end], **_either("layer_name")}
    definitions["override"]["allOf"] = [
        {"if": {"not": _NONE_IS_FINE}, "then": {"properties": {"layers": _KNOWN}}},
        *_by_class(classes),
    ]
    return schema


_KNOWN: Final[Schema] = {
    "anyOf": [
        {"$ref": "#/definitions/layer_name"},
        {"type": "string", "pattern": _PATTERN},
        {"type": ["array", "object"]},
    ]
}


def _classes(tree: ModelTree) -> Mapping[str, list[LayerNode]]:
    found: dict[str, list[LayerNode]] = {}
    for node in tree.layers:
        found.setdefault(node.class_name, []).append(node)
    return dict(sorted(found.items()))


def _layer_names(tree: ModelTree) -> Schema:
    """Every path, and every name that stands for a layer at any depth."""
    names = {node.path: None for node in tree.layers} | {node.name: None for node in tree.layers}
    if tree.root_node is not None:
        names[tree.root_node.name] = None
    return {
        "title": "Layer",
        "description": f"A layer of '{tree.name}', by its path or its name.",
        "enum": list(names),
    }


def _either(definition: str) -> Schema:
    return {"anyOf": [{"$ref": f"#/definitions/{definition}"}, {"type": "string"}]}


def _globs(names: Iterable[str]) -> Schema:
    known = {"enum": sorted(names)}
    one: Schema = {"anyOf": [known, {"type": "string", "minLength": 1}]}
    return {"anyOf": [*one["anyOf"], {"type": "array", "minItems": 1, "items": one}]}


def _settings(nodes: Iterable[LayerNode], tree: ModelTree, base: Schema | None) -> Schema:
    """The attributes that some layers can be given.

    Args:
        nodes: the layers.
        tree: the model.
        base: the definition to narrow; without it the mapping is closed, as these layers have
            no others.
    """
    properties: dict[str, Schema] = {}
    for node in nodes:
        if node.is_model or node.is_wrapper:  # pushed down to what it holds
            properties.setdefault("trainable", {"title": "trainable", "description": _PUSHED})
        entry = layer_entry(node)
        described = attributes_of(entry) if entry is not None else {}
        for name in attribute_names(tree, node) - properties.keys():
            properties[name] = described.get(name) or {
                "title": f"{node.class_name}.{name}",
                "description": f"An attribute of {node.class_name}.",
            }
    listed = {name: properties[name] for name in sorted(properties)}
    if base is None:
        return {
            "properties": listed,
            "patternProperties": {_DOTTED: {}},
            "additionalProperties": False,
        }
    return {**base, "properties": {name: _only_words(part) for name, part in listed.items()}}


def _only_words(schema: Schema) -> Schema:
    """Without the types: another class may take other values."""
    return {key: schema[key] for key in ("title", "description")}


def _by_class(classes: Mapping[str, list[LayerNode]]) -> list[Schema]:
    """Overrides whose selector names layers of one class, or that class: its own attributes."""
    owners: dict[str, set[str]] = {}
    for name, nodes in classes.items():
        for node in nodes:
            for called in (node.path, node.name):
                owners.setdefault(called, set()).add(name)
    found = []
    for number, name in enumerate(classes):
        names = [called for called, of in owners.items() if of == {name}]
        of_class = {
            "type": "object",
            "required": ["class"],
            "properties": {"class": {"const": name}},
        }
        chosen = {"anyOf": [{"enum": names}, of_class] if names else [of_class]}
        settings = {"$ref": f"#/definitions/settings_{number}"}
        found.append({
            "if": {
                "required": ["layers"],
                "not": {"required": ["replace"]},  # then `set` is about the new class
                "properties": {"layers": chosen},
            },
            "then": {"properties": {"set": settings}},
        })  # fmt: skip
    return found
