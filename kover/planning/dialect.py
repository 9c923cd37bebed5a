"""New values as the Keras that saved the model would write them.

A short form is filled with its class's defaults, as Keras does when it saves. Those that came into
Keras later are left out again: they mean nothing else, and the older Keras would refuse them. What
the spec itself asks for stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from kover.catalogue import Argument
from kover.modelconfig.keras_values import is_record, shorten
from kover.planning.layer_classes import layer_entry, record_entry
from kover.planning.layer_edits import Net
from kover.planning.meaning import same_as_default
from kover.values import JSON, MISSING, same

_DEEPEST = 100


def nets_as_saved_by(nets: Iterable[Net], version: str | None) -> Iterator[Net]:
    """What changes in the layers, without the later defaults.

    Args:
        nets: the changes.
        version: of the Keras that saved the model; None where it is not known.
    """
    listed = list(nets)
    replaced = {net.node.path for net in listed if net.attribute == "class"}
    for net in listed:
        if net.node.path in replaced and _is_later_default(net, version):
            continue
        value = net.value if net.value is MISSING else as_saved_by(net.value, version)
        if value is MISSING or same(value, net.value):
            yield net
        else:
            change = replace(net.change, after=shorten(value))
            edits = dict.fromkeys(net.edits, value)
            yield replace(net, value=value, change=change, edits=edits)


def compile_as_saved_by(
    config: Mapping[str, JSON], before: Mapping[str, JSON], version: str | None
) -> dict[str, JSON]:
    """The compile config likewise; what is not new in it stays as it was."""
    return {
        name: value if name in before and before[name] == value else as_saved_by(value, version)
        for name, value in config.items()
    }


def as_saved_by(value: JSON, version: str | None) -> JSON:
    """A value in Keras' form without the later defaults of the objects in it."""
    return _walked(value, version, _DEEPEST)


def _walked(value: JSON, version: str | None, depth: int) -> JSON:
    if depth == 0 or not isinstance(value, (list, dict)):
        return value
    if isinstance(value, list):
        return [_walked(item, version, depth - 1) for item in value]
    walked = {key: _walked(item, version, depth - 1) for key, item in value.items()}
    config = walked.get("config")
    entry = record_entry(walked) if isinstance(config, dict) and is_record(walked) else None
    if entry is None or not isinstance(config, dict):
        return walked
    kept = {
        name: item
        for name, item in config.items()
        if not _is_later(entry.arguments.get(name), item, version)
    }
    return {**walked, "config": kept}


def _is_later_default(net: Net, version: str | None) -> bool:
    entry = layer_entry(net.node)
    argument = entry.arguments.get(net.attribute) if entry is not None else None
    return net.value is not MISSING and _is_later(argument, net.value, version)


def _is_later(argument: Argument | None, value: JSON, version: str | None) -> bool:
    """Whether it is a default that the version does not know."""
    if argument is None or not argument.span.lacks(version):
        return False
    return same_as_default(value, argument)
