"""A selector and a model's layers: which layers are meant.

Selectors look at the model as it is in the archive, never at what an earlier override makes of
it. Layers come in the model's order, each once. A selector that no layer fits may mean the model
itself, where that has a config of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kover.errors import AnswerIsNo
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.conditions import matching_conditions
from kover.planning.globs import compile_glob
from kover.planning.layer_index import LayerIndex
from kover.planning.selector_faults import Faults, selector_text
from kover.problems import Problem, errors_among
from kover.source import Source
from kover.spec.document import AnyOf, Glob, Selector

__all__ = ["Selection", "select", "select_layers", "selector_text"]


@dataclass(frozen=True)
class Selection:
    """The layers that a selector means.

    Attributes:
        layers: in the model's order.
        named: paths of those that a glob without wildcards names. Of these every attribute that
            is set is expected; of the others only what they have.
        problems: what is wrong with the selector; with errors, `layers` is not to be used.
    """

    layers: tuple[LayerNode, ...]
    named: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


def select(
    selector: Selector, tree: ModelTree, *, none_is_fine: bool = False
) -> tuple[LayerNode, ...]:
    """The layers that `selector` means, in the model's order.

    Args:
        selector: from a spec.
        tree: the model.
        none_is_fine: matching nothing, and naming a layer that does not exist, are allowed.

    Raises:
        AnswerIsNo: `unknown-layer`, `unknown-class`, `no-match`, `index-out-of-range`,
            `broken-index`, `backward-range`.
    """
    selection = select_layers(selector, LayerIndex(tree), none_is_fine=none_is_fine)
    if errors := errors_among(selection.problems):
        raise AnswerIsNo(errors)
    return selection.layers


def select_layers(
    selector: Selector,
    index: LayerIndex,
    *,
    source: Source | None = None,
    none_is_fine: bool = False,
    or_model: bool = True,
) -> Selection:
    """As `select`, with an index that serves many selectors, and the problems as data.

    Args:
        selector: from a spec.
        index: of the model's layers.
        source: where the selector as a whole stands; its own place by default.
        none_is_fine: as for `select`.
        or_model: the model itself may be meant, where it is of a class of its own.
    """
    faults = Faults(index, none_is_fine)
    positions = _matching(selector, index, faults)
    if not positions and or_model and index.model is not None and _fits(selector, index.model):
        return Selection(index.model.layers, frozenset({""}))
    if not positions and not faults.found and not none_is_fine:
        faults.no_match(selector, source or selector.source)
    layers = tuple(index.layers[at] for at in sorted(positions))
    named = frozenset(index.layers[at].path for at in _named(selector, index) if at in positions)
    return Selection(layers, named, tuple(faults.found))


def _fits(selector: Selector, model: LayerIndex) -> bool:
    return bool(_matching(selector, model, Faults(model, none_is_fine=True)))


def _matching(selector: Selector, index: LayerIndex, faults: Faults) -> frozenset[int]:
    if isinstance(selector, Glob):
        return _matching_glob(selector, index, faults)
    if isinstance(selector, AnyOf):
        return _union(selector.selectors, index, faults)
    return matching_conditions(selector, index, faults, _matching)


def _matching_glob(selector: Glob, index: LayerIndex, faults: Faults) -> frozenset[int]:
    glob = compile_glob(selector.pattern)
    found = index.matching(glob)
    if not found and glob.literal is not None:
        faults.unknown_layer(selector, glob.by_name)
    return found


def _union(selectors: Iterable[Selector], index: LayerIndex, faults: Faults) -> frozenset[int]:
    found: frozenset[int] = frozenset()
    for selector in selectors:
        matched = _matching(selector, index, faults)
        if not matched:
            faults.idle_member(selector)
        found |= matched
    return found


def _named(selector: Selector, index: LayerIndex) -> frozenset[int]:
    """The layers that the selector names outright, alone or in a list."""
    if isinstance(selector, Glob):
        glob = compile_glob(selector.pattern)
        return index.matching(glob) if glob.literal is not None else frozenset()
    if isinstance(selector, AnyOf):
        return frozenset().union(*(_named(member, index) for member in selector.selectors))
    return frozenset()
