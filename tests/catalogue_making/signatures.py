"""The arguments that a class takes: names, defaults and documentation."""

from __future__ import annotations

import inspect
import re
from typing import Any

_POSITIONAL = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_ENTRY = re.compile(r"^( {4,8})`?(\*{0,2}\w+(?:, \w+)*)`?(?: \([^)]*\))?:\s*(.*)$")


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    """Every parameter of the constructor, followed through `**kwargs` to the base classes."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        signature = inspect.signature(base.__init__).parameters
        for name, parameter in signature.items():
            if name != "self" and parameter.kind in _POSITIONAL:
                found.setdefault(name, parameter)
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.values()):
            break
    return found


def required(cls: type) -> list[str]:
    """The parameters of the class's own constructor that have no default."""
    return [name for name, p in parameters(cls).items() if p.default is inspect.Parameter.empty]


def documentation(cls: type) -> dict[str, str]:
    """Argument name -> its text under `Args:`, from the class and then its bases."""
    found: dict[str, str] = {}
    for base in cls.__mro__:
        for name, text in _arguments_section(base.__doc__ or "").items():
            found.setdefault(name, text)
    return found


def _arguments_section(docstring: str) -> dict[str, str]:
    lines = inspect.cleandoc(docstring).splitlines()
    entries: dict[str, list[str]] = {}
    inside, current = False, []
    for line in lines:
        if re.match(r"^(Args|Arguments):", line):
            inside = True
        elif inside and line and not line.startswith(" "):
            inside = False
        elif inside and (match := _ENTRY.match(line)) and len(match[1]) == 4:
            current = [match[3]]
            entries.update({name.strip("*"): current for name in match[2].split(", ")})
        elif inside:
            current.append(line.strip())
    return {name: " ".join(" ".join(text).split()) for name, text in entries.items()}


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence."""
    match = re.match(r"(.+?[.])(?:\s+[A-Z`\"]|$)", text)
    sentence: str = match[1] if match else text
    return sentence if len(sentence) <= 240 else sentence[:237] + "..."


def default_of(parameter: inspect.Parameter | None) -> Any:
    """The default as JSON, or `inspect.Parameter.empty`."""
    if parameter is None or parameter.default is inspect.Parameter.empty:
        return inspect.Parameter.empty
    value = parameter.default
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else None
