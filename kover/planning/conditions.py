"""The conditions of a selector written as a mapping: all of them must hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kover.planning.dotted import attribute_value
from kover.planning.globs import compile_glob
from kover.planning.layer_classes import layer_argument
from kover.planning.layer_index import LayerIndex
from kover.planning.meaning import fulfils
from kover.planning.selector_faults import Faults
from kover.spec.document import Glob, Selector, Value, Where
from kover.suggest import did_you_mean
from kover.values import MISSING

Matching = Callable[[Selector, LayerIndex, Faults], frozenset[int]]

_SLICE = re.compile(r"\s*([+-]?\d+)?\s*:\s*([+-]?\d+)?\s*(?::\s*([+-]?\d+)?\s*)?")


def matching_conditions(
    where: Where, index: LayerIndex, faults: Faults, matching: Matching
) -> frozenset[int]:
    """The positions of the layers for which every condition holds.

    Args:
        where: the conditions.
        index: of the model's layers.
        faults: takes what is wrong.
        matching: evaluates the selectors under `any` and `not`.
    """
    found = index.everything
    for condition in _by_lookup(where, index, faults):
        found &= condition
    if where.any is not None:
        found &= frozenset().union(*(matching(member, index, faults) for member in where.any))
    if where.not_ is not None:
        found -= matching(where.not_, index, faults)
    return frozenset(at for at in found if _config_fits(where, index, at))


def _by_lookup(where: Where, index: LayerIndex, faults: Faults) -> Iterator[frozenset[int]]:
    """The conditions that the index answers."""
    if where.name is not None:
        yield _named(where.name, index, faults)
    if where.path is not None:
        yield _at_paths(where.path, index, faults)
    if where.class_ is not None:
        yield _of_classes(where.class_, index, faults)
    if where.index is not None:
        yield _at_index(where.index, index, faults)
    if where.from_ is not None or where.to is not None:
        yield _between(where.from_, where.to, index, faults)


def _named(globs: tuple[Glob, ...], index: LayerIndex, faults: Faults) -> frozenset[int]:
    found: frozenset[int] = frozenset()
    for written in globs:
        glob = compile_glob(written.pattern)
        matched = index.named(glob)
        if not matched and glob.literal is not None:
            faults.unknown_layer(written, by_name=True)
        found |= matched
    return found


def _at_paths(globs: tuple[Glob, ...], index: LayerIndex, faults: Faults) -> frozenset[int]:
    found: frozenset[int] = frozenset()
    for written in globs:
        glob = compile_glob(written.pattern)
        matched = index.at_path(glob)
        if not matched and glob.literal is not None:
            faults.unknown_layer(written, by_name=False)
        found |= matched
    return found


def _of_classes(globs: tuple[Glob, ...], index: LayerIndex, faults: Faults) -> frozenset[int]:
    found: frozenset[int] = frozenset()
    for written in globs:
        glob = compile_glob(written.pattern)
        matched = index.of_class(glob)
        if not matched and glob.literal is not None:
            faults.unknown_class(written)
        found |= matched
    return found


def _at_index(value: Value, index: LayerIndex, faults: Faults) -> frozenset[int]:
    """An integer or a slice over the model's own layers."""
    own, wanted = index.top_level, value.data
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        if -len(own) <= wanted < len(own):
            return frozenset({own[wanted]})
        if not faults.none_is_fine:
            faults.add(
                "index-out-of-range",
                f"there is no layer {wanted}: the model has {len(own)} at the top",
                value.source(),
                f"use {-len(own)} to {len(own) - 1}" if own else None,
            )
        return frozenset()
    read = _SLICE.fullmatch(wanted) if isinstance(wanted, str) else None
    if read is None or (read[3] is not None and int(read[3]) == 0):
        faults.add(
            "broken-index",
            f"'{wanted}' is neither an integer nor a slice",
            value.source(),
            "write 3, -1, ':100', '-5:' or '::2'",
        )
        return frozenset()
    start, stop, step = (None if part is None else int(part) for part in read.groups())
    return frozenset(own[start:stop:step])


def _between(
    first: Glob | None, last: Glob | None, index: LayerIndex, faults: Faults
) -> frozenset[int]:
    """From one layer to another, both included, with what the last one holds."""
    start = 0 if first is None else _position(first, index, faults)
    end = len(index.layers) - 1 if last is None else _position(last, index, faults)
    if start is None or end is None:
        return frozenset()
    if end < start and first is not None and last is not None:
        faults.add(
            "backward-range",
            f"'{first.pattern}' comes after '{last.pattern}' in the model",
            first.source,
            "swap `from` and `to`",
        )
        return frozenset()
    return frozenset(range(start, index.inside(end).stop if last is not None else end + 1))


def _position(end: Glob, index: LayerIndex, faults: Faults) -> int | None:
    """The layer at a path, which is taken literally."""
    path = end.pattern.removeprefix("/")
    if path in index.position:
        return index.position[path]
    elsewhere = sorted(index.layers[at].path for at in index.by_name.get(path, ()))
    faults.add(
        "unknown-layer",
        f"no layer has the path '{end.pattern}'",
        end.source,
        f"did you mean '{elsewhere[0]}'?"
        if elsewhere
        else did_you_mean(path, index.position, "layers"),
    )
    return None


def _config_fits(where: Where, index: LayerIndex, at: int) -> bool:
    """The conditions that look into the layer's config."""
    if where.trainable is None and where.has is None and not where.where:
        return True
    node = index.layers[at]
    config = index.tree.config(node)
    if where.trainable is not None and config.get("trainable", True) is not where.trainable.data:
        return False
    for attribute in where.has or ():
        if attribute_value(config, attribute.pattern) is MISSING:
            return False
    for name, wanted in where.where.items():
        actual = attribute_value(config, name)
        if not fulfils(actual, wanted.data, layer_argument(node, name, actual)):
            return False
    return True
