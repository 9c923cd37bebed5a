"""Whether a plain value (number, string, list) is in an argument's domain.

Each check gives faults with the path of the wrong part within the value; places are added by
`kover.catalogue.checking`.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from kover.catalogue.model import Argument
from kover.catalogue.records import is_record
from kover.spec.document import Path
from kover.suggest import did_you_mean
from kover.values import JSON

_SHOWN = 60
_FLOAT32_MAX = 3.4028235677973366e38
_WORDS = {
    "bool": "true or false",
    "int": "an integer",
    "float": "a number",
    "number": "a number",
    "string": "a string",
    "shape": "an integer or a list of integers",
    "numbers": "a number or a list of numbers",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the part of a value at `path`; `message` follows the part's name.

    `at_key`: the key there is wrong, not what stands behind it.
    """

    code: str
    message: str
    help: str | None = None
    path: Path = ()
    at_key: bool = False


def shown(data: JSON) -> str:
    """The value as a message quotes it, cut to a readable length."""
    text = f"'{data}'" if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def type_name(data: JSON) -> str:
    """The JSON type of a value, in the words that `Argument.types` uses."""
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string")):
        if isinstance(data, kind):
            return name
    return "null" if data is None else "list" if isinstance(data, list) else "mapping"


def faults(argument: Argument, data: JSON) -> Iterator[Fault]:
    """Everything wrong with a value that is neither null nor an object."""
    if is_record(data) and (argument.kind == "any" or argument.name == "seed"):
        return  # a serialised array, function or seed generator: only Keras can judge it
    if argument.choices:
        yield from _choice(argument, data)
    else:
        yield from _CHECKS.get(argument.kind, _any)(argument, data)


def _choice(argument: Argument, data: JSON) -> Iterator[Fault]:
    if any(
        data is choice or (data == choice and type(data) is type(choice))
        for choice in argument.choices
    ):
        return
    words = [choice for choice in argument.choices if isinstance(choice, str)]
    listed = " or ".join(json.dumps(choice) for choice in argument.choices)
    if isinstance(data, str):
        nearest = did_you_mean(data, words, "values")
        yield Fault("out-of-domain", f"must be {listed}, not {shown(data)}", nearest)
    else:
        yield Fault("wrong-type", f"must be {listed}, not {shown(data)}")


def _bool(argument: Argument, data: JSON) -> Iterator[Fault]:
    if not isinstance(data, bool):
        yield _wrong_type(argument, data)


def _int(argument: Argument, data: JSON) -> Iterator[Fault]:
    if not isinstance(data, int) or isinstance(data, bool):
        yield _wrong_type(argument, data)
    else:
        yield from bounds(argument, data)


def _number(argument: Argument, data: JSON) -> Iterator[Fault]:
    if not isinstance(data, (int, float)) or isinstance(data, bool):
        yield _wrong_type(argument, data)
    else:
        yield from bounds(argument, data)


def _string(argument: Argument, data: JSON) -> Iterator[Fault]:
    if not isinstance(data, str):
        yield _wrong_type(argument, data)


def _shape(argument: Argument, data: JSON) -> Iterator[Fault]:
    if not isinstance(data, list):
        yield from _int(argument, data)
        return
    yield from _length(argument, data)
    inner = replace(argument, length=None, lengths=())
    for index, item in enumerate(data):
        for fault in _shape(inner, item) if isinstance(item, list) else _int(argument, item):
            yield Fault(fault.code, fault.message, fault.help, (index, *fault.path))


def _numbers(argument: Argument, data: JSON) -> Iterator[Fault]:
    if not isinstance(data, list):
        yield from _number(argument, data)
        return
    yield from _length(argument, data)
    each = Argument(argument.name, "number", maximum=argument.maximum)
    for index, item in enumerate(data):
        for fault in _number(each, item):
            yield Fault(fault.code, fault.message, fault.help, (index,))


def _length(argument: Argument, data: list[JSON]) -> Iterator[Fault]:
    """Lists beyond four items were not tried one by one: they count as four."""
    repeated = argument.length is not None and len(data) == 1
    if data and (not argument.lengths or repeated or min(len(data), 4) in argument.lengths):
        return
    wanted = " or ".join(map(str, argument.lengths)) or "one or more"
    plural = "" if wanted == "1" else "s"
    yield Fault("out-of-domain", f"must have {wanted} item{plural}, not {len(data)}: {shown(data)}")


def _any(argument: Argument, data: JSON) -> Iterator[Fault]:
    kind = type_name(data)
    if argument.types and kind not in argument.types:
        listed = " or ".join(argument.types)
        yield Fault("wrong-type", f"must be of type {listed}, not {shown(data)}")
    elif isinstance(data, list):
        yield from _length(argument, data) if argument.lengths else ()
        yield from _items(argument, data) if argument.items else _all_finite(data, ())
    elif isinstance(data, (int, float)) and not isinstance(data, bool):
        yield from bounds(argument, data)
    else:
        yield from _all_finite(data, ())


def _items(argument: Argument, data: list[JSON]) -> Iterator[Fault]:
    kind = argument.items.rstrip("?")
    each = replace(argument, kind=kind, items="", types=(kind,), lengths=())
    for index, item in enumerate(data):
        if item is not None or kind == argument.items:
            for fault in _CHECKS.get(kind, _any)(each, item):
                yield Fault(fault.code, fault.message, fault.help, (index, *fault.path))


def _all_finite(data: JSON, path: Path) -> Iterator[Fault]:
    if isinstance(data, float):
        yield from _finite(data, path)
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from _all_finite(item, (*path, index))
    elif isinstance(data, dict):
        for key, item in data.items():
            yield from _all_finite(item, (*path, key))


def _wrong_type(argument: Argument, data: JSON) -> Fault:
    return Fault("wrong-type", f"must be {_WORDS[argument.kind]}, not {shown(data)}")


def bounds(argument: Argument, number: float) -> Iterator[Fault]:
    """Whether a number is finite and within the argument's bounds."""
    yield from _finite(number, ())
    limits = (
        (argument.minimum, operator.lt, "at least"),
        (argument.exclusive_minimum, operator.le, "greater than"),
        (argument.maximum, operator.gt, "at most"),
        (argument.exclusive_maximum, operator.ge, "less than"),
    )
    for limit, is_beyond, words in limits:
        if limit is not None and is_beyond(number, limit):
            allowed = domain_text(argument)
            yield Fault("out-of-domain", f"must be {words} {limit:g}, not {shown(number)}", allowed)


def domain_text(argument: Argument) -> str | None:
    """The bounds as a help line: `0 <= rate <= 1`."""
    low = argument.minimum if argument.exclusive_minimum is None else argument.exclusive_minimum
    high = argument.maximum if argument.exclusive_maximum is None else argument.exclusive_maximum
    if low is None or high is None:
        return None
    below = "<=" if argument.exclusive_minimum is None else "<"
    above = "<=" if argument.exclusive_maximum is None else "<"
    return f"what is taken: {low:g} {below} {argument.name} {above} {high:g}"


def _finite(number: float, path: Path) -> Iterator[Fault]:
    if not math.isfinite(number):
        yield Fault("out-of-domain", f"must be finite, not {shown(number)}", path=path)
    elif isinstance(number, float) and abs(number) > _FLOAT32_MAX:
        yield Fault("out-of-domain", f"is too large for float32: {shown(number)}", path=path)


_CHECKS: dict[str, Callable[[Argument, JSON], Iterator[Fault]]] = {
    "bool": _bool,
    "int": _int,
    "float": _number,
    "number": _number,
    "string": _string,
    "shape": _shape,
    "numbers": _numbers,
    "any": _any,
}
