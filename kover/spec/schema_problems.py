"""What `jsonschema` found, as problems in plain words at the exact key or value.

`anyOf` is resolved by the type of the value: only the alternative that has this type is
explained, so that a wrong factor is reported as that and not as "matches none of three".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from kover.problems import Problem, cut
from kover.spec.nodes import Node
from kover.spec.yaml_scalars import ScalarError, resolve_plain
from kover.suggest import did_you_mean, nearest

_PLACEHOLDER: Final = {"$ref": "#/definitions/placeholder"}
_WORDS: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def explain(error: Any, root: Node) -> Iterator[Problem]:
    """The problems that one jsonschema error stands for."""
    if error.validator == "anyOf":
        yield from _explain_alternatives(error, root)
        return
    node = root.at(tuple(error.absolute_path))
    if "propertyNames" in error.schema_path:
        yield _bad_name(error, node)
    elif error.validator == "additionalProperties":
        yield from _unknown_keys(error, node)
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        if not _is_misspelt(error, missing[:1]):
            yield _missing(error, node, missing[:1])
    else:
        yield _bad_value(error, node)


def _explain_alternatives(error: Any, root: Node) -> Iterator[Problem]:
    node = root.at(tuple(error.absolute_path))
    alternatives = error.validator_value
    if all(set(alternative) == {"required"} for alternative in alternatives):
        keys = [key for alternative in alternatives for key in alternative["required"]]
        if not _is_misspelt(error, keys):
            yield _missing(error, node, keys)
        return
    branches: dict[int, list[Any]] = {}
    for child in error.context:
        branches.setdefault(child.schema_path[0], []).append(child)
    branches = {i: found for i, found in branches.items() if alternatives[i] != _PLACEHOLDER}
    fitting = [found for found in branches.values() if not any(map(_is_type_error, found))]
    if fitting:
        for child in min(fitting, key=len):
            yield from explain(child, root)
        return
    types = [kind for found in branches.values() for kind in _expected_types(found)]
    yield _wrong_type(error, node, types)


def _is_type_error(error: Any) -> bool:
    """Whether the value itself, not a part of it, has the wrong type."""
    if error.relative_path:
        return False
    if error.validator == "anyOf":  # an alternative that is itself a choice
        children = [e for e in error.context if e.validator != "pattern"]
        return bool(children) and all(map(_is_type_error, children))
    return bool(error.validator == "type")


def _expected_types(errors: Iterable[Any]) -> Iterator[str]:
    for error in errors:
        if error.validator == "type":
            yield error.validator_value
        elif error.validator == "anyOf":
            yield from _expected_types(e for e in error.context if not e.relative_path)


def _unknown_keys(error: Any, node: Node) -> Iterator[Problem]:
    known = error.schema.get("properties", {})
    for key in error.instance:
        if key in known:
            continue
        help = did_you_mean(key, known, "keys")
        part = node.get(key)
        if ":" in key and part is not None and part.data is None:
            help = _spaced(key)
        elif "set" in known and help and not help.startswith("did"):
            help = f"attributes of layers go under 'set'; {help}"
        where = f" in {_name(error)}" if error.absolute_path else ""
        yield Problem("unknown-key", f"unknown key '{cut(key)}'{where}", node.key_source(key), help)


def _is_misspelt(error: Any, keys: list[str]) -> bool:
    """Whether a key that is missing is there under another name, which is a problem already."""
    known = error.schema.get("properties", {})
    others = (key for key in error.instance if key not in known)
    return any(near in keys for other in others for near in nearest(other, known, 1))


def _missing(error: Any, node: Node, keys: list[str]) -> Problem:
    listed = [f"'{key}'" for key in keys]
    what = listed[0] if len(listed) == 1 else "one of " + _joined(listed)
    help = f"add {what}"
    if keys == ["version"]:
        help = "begin the spec with 'version: 1'"
    return Problem("missing-key", f"{_name(error)} lacks {what}", node.source, help)


def _bad_name(error: Any, node: Node) -> Problem:
    key = error.instance
    help = "names are letters, digits and underscores, such as 'units'; attributes may have dots"
    part = node.get(key)
    if ":" in key and part is not None and part.data is None:
        help = _spaced(key)
    message = f"'{cut(key)}' in {_name(error)} is no name"
    return Problem("bad-name", message, node.key_source(key), help)


def _spaced(key: str) -> str:
    return f"a space follows the colon: '{cut(key.replace(':', ': ', 1))}'"


def _bad_value(error: Any, node: Node) -> Problem:
    kind, limit, name = error.validator, error.validator_value, _name(error)
    shown = _shown(error.instance)
    if kind == "type":
        return _wrong_type(error, node, [limit])
    if kind == "const":
        return _bad_version(error, node)
    code, message, help = "bad-format", f"{name} cannot be {shown}", None
    if kind in ("minProperties", "minItems", "minLength"):
        code, message = "empty", f"{name} is empty"
        help = "give it a value, or leave it out"
    elif kind == "enum":
        code = "not-a-choice"
        message = f"{name} must be {_joined([repr(choice) for choice in limit])}, not {shown}"
        help = did_you_mean(str(error.instance), map(str, limit), "values")
    elif kind in _BOUNDS:
        code, message = (
            "out-of-range",
            f"{name} must be {_BOUNDS[kind]} {_shown(limit)}, not {shown}",
        )
    return _problem(code, message, error, node, help)


_BOUNDS: Final = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "greater than",
    "exclusiveMaximum": "less than",
}


def _bad_version(error: Any, node: Node) -> Problem:
    if str(error.instance) == "1":
        return Problem(
            "wrong-type", "'version' must be a number", node.source, "write 1 without quotes"
        )
    message = f"version {_shown(error.instance)} of the spec language is not known"
    return Problem("unknown-version", message, node.source, "this kover reads version 1")


def _wrong_type(error: Any, node: Node, types: list[str]) -> Problem:
    words = [_WORDS[kind] for kind in dict.fromkeys(types)]
    instance = error.instance
    help = None
    if isinstance(instance, str):
        help = _help_for_text(instance, types)
    elif not isinstance(instance, list | dict) and "string" in types:
        help = f'quote it to mean text: "{_plain(instance)}"' if instance is not None else None
    elif "array" in types and not isinstance(instance, dict):
        help = "write it as a list: [...]"
    what = _described(instance)
    message = f"{_name(error)} must be {_joined(words)}, not {what}"
    return _problem("wrong-type", message, error, node, help)


def _help_for_text(text: str, types: list[str]) -> str | None:
    if "${" in text:
        return 'a parameter that stands alone is written "${name}"'
    if "array" in types and "string" not in types:
        return f"write it as a list: [{cut(text)}]"
    if "boolean" in types and text.lower() in ("yes", "no", "on", "off"):
        return "write true or false"
    kind = _type_without_quotes(text)
    fits = kind in types or (kind == "integer" and "number" in types)
    return "remove the quotes" if fits and kind != "string" else None


def _type_without_quotes(text: str) -> str:
    try:
        value = resolve_plain(text)
    except ScalarError:
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def _problem(code: str, message: str, error: Any, node: Node, help: str | None = None) -> Problem:
    if node.parameter is not None:
        origin = f"the value comes from the parameter '{node.parameter}'"
        help = f"{origin}; {help}" if help else origin
    return Problem(code, message, node.source, help or _description(error))


def _description(error: Any) -> str:
    """The schema's own words on the nearest property."""
    while error is not None:
        if isinstance(error.schema, dict) and "description" in error.schema:
            text: str = error.schema["description"]
            return text[:1].lower() + text[1:].rstrip(".")
        error = error.parent
    return "see schemas/spec.schema.json"


def _name(error: Any) -> str:
    """The key that the error is about, as it is called in a message."""
    path = list(error.absolute_path)
    if not path:
        return "the spec"
    if isinstance(path[-1], str):
        return f"'{path[-1]}'"
    names = [step for step in path if isinstance(step, str)]
    if path[:1] == ["overrides"] and len(path) == 2:
        return "the override"
    return f"an item of '{names[-1]}'"


def _described(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text '{cut(value)}'"
    if isinstance(value, int | float):
        return f"the number {value!r}"
    return "a mapping" if isinstance(value, dict) else "a list"


def _shown(value: object) -> str:
    return f"'{cut(value)}'" if isinstance(value, str) else _plain(value)


def _plain(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return cut(repr(value))


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
