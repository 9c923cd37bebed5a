"""The kind and the domain of one argument, found by trying values against Keras."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from catalogue_making.instances import Instance
from catalogue_making.knowledge import (
    FIXED,
    FLOATS,
    GARBAGE,
    INTS,
    LISTS,
    NESTED,
    NUMBERS,
    OBJECT_SUFFIXES,
    POOL,
    SENSE,
    WHOLE,
    WORDS,
)


def kind_by_name(name: str) -> str | None:
    """The kind of argument that its name alone tells."""
    if name in NESTED:
        return NESTED[name]
    if name == "learning_rate":
        return "learning_rate"
    for suffix, kind in OBJECT_SUFFIXES.items():
        if name == suffix or name.endswith(f"_{suffix}"):
            return kind
    return None


def domain(
    instance: Instance, name: str, default: Any, text: str, *, asked_for: bool
) -> dict[str, Any]:
    """Kind, bounds, choices, nullability: what `keras.json` holds besides name and default."""
    takes = lambda value: instance.takes(name, value)  # noqa: E731 (short, used as a value)
    null = {"null": True} if not asked_for and _nullable(takes, default, text) else {}
    kind = kind_by_name(name)
    if kind and takes_some_name(takes, kind):
        return {"kind": kind, **({"null": True} if takes(None) else {})}
    if name == "dtype" or f"{instance.public.name}.{name}" == "DTypePolicy.name":
        return {**_dtype(instance, name), "null": True}
    if name == "seed" and takes(None) and takes(1):
        return {"kind": "int", "null": True}
    fixed = FIXED.get(f"{instance.public.name}.{name}", FIXED.get(name))
    if fixed:
        return {**null, **overlaid(name, fixed), **_lengths(instance, name, fixed)}
    for found in (
        _boolean(takes, default, text),
        _choices(takes, default, text),
        _numbers(takes, default, text, name),
    ):
        if found:
            return {**overlaid(name, found), **_lengths(instance, name, found), **null}
    return {"kind": "any", **_types(takes), **null}


def _dtype(instance: Instance, name: str) -> dict[str, Any]:
    """A dtype policy, or a dtype stored by its name; with the names taken where not all are."""
    by_name = instance.public.kind in {"loss", "dtype_policy"}
    named = by_name or isinstance(instance.stored(name, "int32"), str)
    taken = [dtype for dtype in dtype_names() if instance.takes(name, dtype)]
    limited = {} if len(taken) == len(dtype_names()) else {"choices": taken}
    return {"kind": "dtype" if named else "dtype_policy", **limited}


@cache
def dtype_names() -> list[str]:
    """The names that a dtype, and a dtype policy, goes by."""
    import keras
    from keras.src.backend.common import dtypes

    names = {"mixed_float16", "mixed_bfloat16", *dtypes.ALLOWED_DTYPES}
    return sorted(name for name in names if _is_policy(keras, name))


def _is_policy(keras: Any, name: str) -> bool:
    try:
        keras.dtype_policies.get(name)
    except (ValueError, TypeError):
        return False
    return True


def takes_some_name(takes: Callable[[Any], bool], kind: str) -> bool:
    """Whether the argument takes what its name says (a `STFT.regularizer` might not)."""
    names = {
        "activation": "relu",
        "regularizer": "l2",
        "initializer": "zeros",
        "constraint": "non_neg",
    }
    return kind not in names or takes(names[kind])


def _nullable(takes: Callable[[Any], bool], default: Any, text: str) -> bool:
    return takes(None) and (default is None or "None" in text)


def overlaid(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """The domain found, narrowed by sense where Keras checks less."""
    if found["kind"] not in {"int", "float", "number", "shape"} or name not in SENSE:
        return found
    sense = SENSE[name]
    lower = {} if {"min", "xmin"} & set(found) else {k: v for k, v in sense.items() if "min" in k}
    if found.get("min") == 0 and sense.get("min") == 1:
        lower = {"min": 1}
    upper = {} if {"max", "xmax"} & set(found) else {k: v for k, v in sense.items() if "max" in k}
    return {**found, **lower, **upper}


def _boolean(takes: Callable[[Any], bool], default: Any, text: str) -> dict[str, Any]:
    says_so = re.match(
        r"(?i)(optional |a |whether |if `?true|python )*(bool|whether|if `?true)", text
    )
    if not (isinstance(default, bool) or (default is None and says_so)):
        return {}
    if not takes(True) and not takes(False):
        return {}
    words = [word for word in _quoted(text) if takes(word)] if not takes(GARBAGE[0]) else []
    return {"kind": "any", "choices": [*words, True, False]} if words else {"kind": "bool"}


def _quoted(text: str) -> list[str]:
    words = re.findall(r"[\"'`]+([\w-]+)[\"'`]+", text)
    return sorted({word for word in words if word not in {"None", "True", "False"}})


def _choices(takes: Callable[[Any], bool], default: Any, text: str) -> dict[str, Any]:
    """Strings: some of them, where Keras refuses others or the documentation names them all."""
    says_so = bool(
        re.match(r"(?i)(optional |a |an |either |the )*(string|str\b|one of|name)", text)
    )
    if not isinstance(default, str) and not (
        default is None and (says_so or takes_only_words(takes))
    ):
        return {}
    if re.match(NEAR_LIST, text) or re.match(r"(?i).{0,80}callable", text):
        others = [kind for kind in _types(takes).get("types", []) if kind != "bool"]
        return {"kind": "any", **({"types": others} if others else {})} if default else {}
    if any(map(takes, GARBAGE)):
        documented = _documented_choices(text)
        if (
            documented
            and all(map(takes, documented))
            and (default is None or default in documented)
        ):
            return {"kind": "string", "choices": documented}
        return {"kind": "string"}
    pool = (*_quoted(text), *POOL, default)
    words = sorted({word for word in pool if isinstance(word, str) and takes(word)})
    extra = (
        [True, False] if re.search(r"(?i)bool|true", text) and takes(True) and takes(False) else []
    )
    if re.match(r"(?i).{0,80}\b(int|float|number)", text) and (takes(1) or takes(0.5)):
        return {"kind": "any", "types": ["int", "float", "string"]}
    return {"kind": "any" if extra else "string", "choices": [*words, *extra]} if words else {}


def takes_only_words(takes: Callable[[Any], bool]) -> bool:
    return _types(takes).get("types") == ["string"]


TRIGGER = r"(?i)(either|one of|options|support|can be|possible values)"


def _documented_choices(text: str) -> list[str]:
    """All the words of a text such as `one of "valid" or "same"`."""
    for sentence in text.split(". "):
        if (
            re.search(TRIGGER, sentence)
            and len(words := re.findall(r"[\"']([\w-]+)[\"']", sentence)) > 1
        ):
            return sorted(set(words))
    return []


NEAR_LIST = r"(?i).{0,80}\b(tuple|list|sequence|pair)"
LIST = r"(?i)(.{0,80}\b(tuple|list|sequence|pair)|.*\b(list|tuple) of)"


def _says(text: str, words: str) -> bool:
    lead = r"(?i)((an?|the|optional|positive|non-negative|nonnegative|python|single|strictly) )*"
    return bool(re.match(lead + words, text))


def _numbers(takes: Callable[[Any], bool], default: Any, text: str, name: str) -> dict[str, Any]:
    """Integers, numbers, and lists of them: what the default and the text say, if Keras agrees."""
    if any(takes(word) for word in _quoted(text)) and not takes("a"):
        return {}  # such as `"auto"` or an integer
    if isinstance(default, bool) or default == []:
        return {}
    listed = isinstance(default, list) or bool(re.match(LIST, text))
    listed = listed or (name == "axis" and "`[0, 1" in text)  # the constraints of convolutions
    flat = default if isinstance(default, list) else [default]
    numeric = all(isinstance(item, (int, float, list)) and item is not True for item in flat)
    known = name in WHOLE or name in NUMBERS or name.endswith("factor") or name.startswith("num_")
    says_so = known or _says(text, r"(int|float|number|scalar)")
    listed = listed or (name.endswith("factor") and name not in NUMBERS)
    if not (says_so or (numeric and default is not None)) or isinstance(default, dict):
        return {}
    ints = [value for value in INTS if takes(value)]
    halves = [value for value in FLOATS if takes(value) and value != int(value)]
    if not ints and not halves:
        return {}
    whole = _is_whole(default, text, name) or (not halves and not _has_float(flat))
    return (
        _listed(takes, ints, halves, whole=whole) if listed else _single(takes, ints, whole=whole)
    )


def _single(takes: Callable[[Any], bool], ints: list[int], *, whole: bool) -> dict[str, Any]:
    if whole:
        return {"kind": "int", **_bounds(ints, INTS, whole=True)} if ints else {}
    floats = [value for value in FLOATS if takes(value)]
    if not ints and floats:  # Keras asks for a float by type
        return {"kind": "float", **_bounds(floats, FLOATS, whole=False)}
    both = sorted({*ints, *floats})
    return {"kind": "number", **_bounds(both, tuple(sorted({*INTS, *FLOATS})), whole=False)}


def _is_whole(default: Any, text: str, name: str) -> bool:
    """Whether only integers make sense, whatever the constructor lets through."""
    if name in WHOLE or name.startswith("num_"):
        return True
    if re.match(r"(?i).{0,60}\bfloat", text) or _has_float([default]):
        return False
    return _says(text, r"(int\b|ints\b|integer|tuple of int|list of int)")


def _listed(
    takes: Callable[[Any], bool], ints: list[int], halves: list[float], *, whole: bool
) -> dict[str, Any]:
    if not any(takes(value) for value in LISTS if value):
        return _single(takes, ints, whole=whole)
    if whole:
        return {"kind": "shape", **_bounds(ints, INTS, whole=True)}
    both = sorted({*ints, *halves, *(value for value in FLOATS if takes(value))})
    return {"kind": "numbers", **_bounds(both, tuple(sorted({*INTS, *FLOATS})), whole=False)}


def _has_float(values: list[Any]) -> bool:
    return any(isinstance(v, float) or (isinstance(v, list) and _has_float(v)) for v in values)


def _bounds(taken: list[float], tried: tuple[float, ...], *, whole: bool) -> dict[str, Any]:
    """Bounds where the values taken are one run of the values tried, at a round border."""
    if len(taken) < 2 or len(taken) == len(tried):
        return {}  # a lone value depends on other arguments
    run = tried[tried.index(taken[0]) : tried.index(taken[-1]) + 1]
    if list(run) != list(taken):
        return {}
    found: dict[str, Any] = {}
    if taken[0] != tried[0]:
        below = tried[tried.index(taken[0]) - 1]
        exclusive = not whole and below == int(below) and taken[0] != int(taken[0])
        found["xmin" if exclusive else "min"] = below if exclusive else taken[0]
    if taken[-1] != tried[-1]:
        above = tried[tried.index(taken[-1]) + 1]
        exclusive = not whole and above == int(above) and taken[-1] != int(taken[-1])
        found["xmax" if exclusive else "max"] = above if exclusive else taken[-1]
    most = {"min": 2, "xmin": 2, "max": 8, "xmax": 8}  # farther out it depends on other arguments
    return {key: bound for key, bound in found.items() if abs(bound) <= most[key]}


def _lengths(instance: Instance, name: str, found: dict[str, Any]) -> dict[str, Any]:
    """The lengths of the lists that are taken, and the one that an integer is stored as."""
    if found["kind"] not in {"shape", "numbers"}:
        return {}
    taken = {len(value) for value in LISTS if value and instance.takes(name, value)}
    lengths = {"lengths": sorted(taken)} if taken and taken != {1, 2, 3, 4} else {}
    if "lengths" in found:
        lengths = {}
    for value in (2, 3, 1):
        stored = instance.stored(name, value) if found["kind"] == "shape" else None
        if isinstance(stored, list) and stored and set(map(str, stored)) == {str(value)}:
            return {**lengths, "length": len(stored)}
    return lengths


def _types(takes: Callable[[Any], bool]) -> dict[str, Any]:
    """The JSON types of which Keras takes at least one value that was tried; all when unsure."""
    tried: dict[str, tuple[Any, ...]] = {
        "bool": (True, False), "int": INTS, "float": FLOATS, "string": (*GARBAGE, *POOL),
        "list": (*LISTS, *WORDS), "mapping": ({}, {"a": 1}),
    }  # fmt: skip
    types = [kind for kind, values in tried.items() if any(map(takes, values))]
    if "int" in types or "float" in types:
        types = [kind for kind in types if kind != "bool"]  # only because True is 1 in Python
    return {"types": types} if types and len(types) < len(tried) - 1 else {}
