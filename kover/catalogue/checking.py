"""Checking a value of a spec against an argument, down to the part that is wrong.

Principle: what is accepted here, Keras constructs; where the catalogue is unsure the value
passes, and Keras judges it later.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from kover.catalogue.forms import (
    accepted_kinds,
    elsewhere,
    is_object_kind,
    names_an_object,
    read_object,
)
from kover.catalogue.loading import catalogue
from kover.catalogue.model import Argument, Entry
from kover.catalogue.scalars import Fault, faults, shown
from kover.catalogue.spans import code_of, help_of, told
from kover.problems import Problem
from kover.spec.document import Path, Value
from kover.suggest import did_you_mean
from kover.values import JSON, as_mapping

SPECIAL_NAMES = {"losses": ("crossentropy", "ce"), "metrics": ("acc", "crossentropy", "ce")}
"""Names that `Model.compile` resolves by the outputs' shapes; no class goes by them."""

_QUANTIZED = re.compile(r"(int8|int4(/-?\d+)?|float8|gptq\S*|awq\S*)_from_(\w+)")
_HELP = "`kover explain spec` lists what each class takes"
_ITEM_KINDS = {"losses": "loss", "metrics": "metric"}


def check_value(argument: Argument, value: Value, where: str) -> list[Problem]:
    """What is wrong with a value for an argument, each problem at the part that is wrong.

    Args:
        argument: what the value is for.
        value: as written in the spec.
        where: how messages call the value, such as `rate` or `compile.optimizer`.

    Returns:
        Problems of the codes `unknown-name`, `wrong-type`, `out-of-domain`,
        `unknown-argument` and `missing-argument`.
    """
    return [_problem(fault, value, where) for fault in value_faults(argument, value.data)]


def check_arguments(
    entry: Entry, value: Value, where: str, own: Collection[str] = ()
) -> list[Problem]:
    """What is wrong with a mapping of arguments that change an object of that class.

    No argument is asked for: the object keeps what the mapping leaves out.

    Args:
        entry: the object's class.
        value: the mapping.
        where: how messages call the mapping.
        own: keys that are no arguments, to be passed over.
    """
    given = {key: item for key, item in as_mapping(value.data).items() if key not in own}
    return [_problem(fault, value, where) for fault in _argument_faults(entry, given, ())]


def _problem(fault: Fault, value: Value, where: str) -> Problem:
    source = value.key_source(*fault.path) if fault.at_key else value.source(*fault.path)
    path = fault.path[:-1] if fault.at_key else fault.path
    part = ".".join(
        (where, *(str(step) for step in path if step not in {"config", "class", "class_name"}))
    )
    return Problem(fault.code, f"{part} {fault.message}", source, fault.help or _HELP)


def value_faults(argument: Argument, data: JSON) -> Iterator[Fault]:
    """Everything wrong with a value, by path."""
    if data is None:
        if not argument.nullable:
            yield Fault("wrong-type", "cannot be null")
    elif argument.kind in {"dtype", "dtype_policy"}:
        yield from _dtype_faults(argument, data)
    elif argument.kind == "learning_rate" and not isinstance(data, (str, dict, list)):
        yield from faults(Argument(argument.name, "number", minimum=0), data)
    elif argument.kind in _ITEM_KINDS:
        yield from _structure_faults(argument, data, ())
    elif argument.kind == "weights":
        yield from _weight_faults(data)
    elif is_object_kind(argument.kind):
        yield from _object_faults(argument.kind, data)
    else:
        yield from faults(argument, data)


def _dtype_faults(argument: Argument, data: JSON) -> Iterator[Fault]:
    if not isinstance(data, str):
        yield from _object_faults("dtype_policy", data)
        return
    known = argument.choices or catalogue().dtypes
    quantized = _QUANTIZED.fullmatch(data)
    if data not in known and not (quantized and not argument.choices and quantized[3] in known):
        usual = [str(name) for name in known if "float" in str(name)]
        nearest = did_you_mean(data, usual or map(str, known), "policies")
        yield Fault("unknown-name", f"names no dtype policy that fits: {shown(data)}", nearest)


def _structure_faults(argument: Argument, data: JSON, path: Path) -> Iterator[Fault]:
    """Losses or metrics: one, a list of them, or a mapping by output name."""
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from _structure_faults(argument, item, (*path, index))
    elif isinstance(data, dict) and not names_an_object(data):
        for key, item in data.items():
            yield from _structure_faults(argument, item, (*path, key))
    elif data is not None and data not in SPECIAL_NAMES[argument.kind]:
        for fault in _object_faults(_ITEM_KINDS[argument.kind], data):
            yield _under(path, fault)


def _weight_faults(data: JSON) -> Iterator[Fault]:
    number = Argument("loss_weights", "number")
    if isinstance(data, dict):
        parts: list[tuple[Path, JSON]] = [((key,), item) for key, item in data.items()]
    elif isinstance(data, list):
        parts = [((index,), item) for index, item in enumerate(data)]
    else:
        parts = [((), data)]
    for path, item in parts:
        if item is not None:
            yield from (_under(path, fault) for fault in faults(number, item))


def _object_faults(kind: str, data: JSON) -> Iterator[Fault]:
    noun = accepted_kinds(kind)[0].replace("_", " ")
    if not isinstance(data, (str, dict)):
        article = "an" if noun[0] in "aeio" else "a"
        wanted = "a number or a schedule" if kind == "learning_rate" else f"{article} {noun}"
        yield Fault("wrong-type", f"must be {wanted}, not {shown(data)}")
        return
    form = read_object(kind, data)
    if form.name is None:
        short = ", or write `{l1: …}`, `{l2: …}` or both" if kind == "regularizer" else ""
        message = f"does not say which {noun} it is"
        yield Fault("missing-argument", message, f"add the key 'class'{short}")
    elif form.entry is not None:
        yield from _argument_faults(form.entry, form.arguments, form.arguments_path)
        for name, argument in form.entry.arguments.items():
            if argument.required and name not in form.arguments:
                message = f"is {form.entry.class_name}, which needs '{name}'"
                yield Fault("missing-argument", message, path=form.name_path)
    elif (span := elsewhere(kind, form.name)) is not None and not form.is_custom:
        message = f"is '{form.name}', which exists {told(span)}"
        yield Fault(code_of(span, "unknown-name"), message, help_of(span), form.name_path)
    elif not form.is_custom:
        help_line = did_you_mean(form.name, catalogue().names(accepted_kinds(kind)[0]), f"{noun}s")
        message = f"names no {noun} that Keras knows: '{form.name}'"
        yield Fault("unknown-name", message, help_line, form.name_path)


def _argument_faults(entry: Entry, given: Mapping[str, JSON], path: Path) -> Iterator[Fault]:
    for name, data in given.items():
        argument = entry.arguments.get(name)
        if argument is not None:
            yield from (_under((*path, name), fault) for fault in value_faults(argument, data))
        elif name in entry.elsewhere:
            span = entry.elsewhere[name]
            message = f"is {entry.class_name}, which takes '{name}' {told(span)}"
            code = code_of(span, "unknown-argument")
            yield Fault(code, message, help_of(span), (*path, name), at_key=True)
        else:
            message = f"is {entry.class_name}, which takes no '{name}'"
            nearest = did_you_mean(name, entry.arguments, "arguments")
            yield Fault("unknown-argument", message, nearest, (*path, name), at_key=True)


def _under(path: Path, fault: Fault) -> Fault:
    return replace(fault, path=(*path, *fault.path))
