"""Which layer before is which layer after.

By path first, from the top down, so that the layers of a renamed model pair up as well. Then,
among what is left: the same class, config and weights; then names that Keras made up itself
(`dense_6`, `dense_9`), which only tell what else ran in that process; then, of one class, what
they store or where they stand (`places`). No guessing beyond that.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from kover.diffing.places import pair_by_place
from kover.modelconfig.keras_values import shorten
from kover.modelconfig.naming import to_snake_case
from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.values import JSON

Digest = Callable[[str], str | None]
"""A layer's path -> a digest of its stored arrays: "" if it stores none, None if unknown."""

Nodes = Sequence[LayerNode]
Pairs = list[tuple[str | None, str | None]]
"""Paths before and after; None stands for the model."""

_INPUT_NAMES = re.compile(r"input|input_layer|.+_input")
_NUMBERED = re.compile(r"(.*?)(_\d+)?", re.DOTALL)
_ALIGNED_AT_MOST = 250_000


@dataclass
class Pairing:
    """Pairs of paths. `before` leads from a path after to the path before, `after` back."""

    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)

    def add(self, path_before: str, path_after: str) -> None:
        """Pair two layers."""
        self.before[path_after] = path_before
        self.after[path_before] = path_after


@dataclass(frozen=True)
class Side:
    """One of the two models, with what tells its layers apart."""

    tree: ModelTree
    digest: Digest = field(default=lambda _path: None)


@dataclass(frozen=True)
class _Sides:
    before: Side
    after: Side

    def signatures(self, ones: Nodes, others: Nodes, named: bool) -> tuple[list[str], list[str]]:
        """What tells layers apart, for the layers of each side."""
        return (
            [_signature(self.before, node, named) for node in ones],
            [_signature(self.after, node, named) for node in others],
        )


def pair_layers(before: Side, after: Side, known: Mapping[str, str] | None = None) -> Pairing:
    """Pair the layers of two models.

    Args:
        before: the one.
        after: the other.
        known: path before to path after, of layers that are known to be the same.
    """
    pairing = Pairing()
    sides = _Sides(before, after)
    given = [(one, other) for one, other in (known or {}).items() if before.tree.get(one)]
    for one, other in given:
        pairing.add(one, other)
    _pair_within(sides, [(None, None), *given], pairing)
    ones = _unpaired(before.tree.layers, pairing.after)
    others = _unpaired(after.tree.layers, pairing.before)
    _pair_within(sides, _pair_alike(sides, ones, others, pairing, named=True), pairing)
    while found := pair_by_place(before, after, pairing):
        _pair_within(sides, found, pairing)
    return pairing


def _pair_within(sides: _Sides, pending: Pairs, pairing: Pairing) -> None:
    """Pair what paired layers (or the models, None) hold, and what that holds."""
    stack = list(pending)
    while stack:
        holder_before, holder_after = stack.pop()
        ones: Nodes = sides.before.tree.children(holder_before)
        others: Nodes = sides.after.tree.children(holder_after)
        pairs = _pair_by_name(_parts(ones, holder_before), _parts(others, holder_after), pairing)
        ones, others = _unpaired(ones, pairing.after), _unpaired(others, pairing.before)
        if ones and others:
            pairs += _pair_alike(sides, ones, others, pairing, named=False)
            ones, others = _unpaired(ones, pairing.after), _unpaired(others, pairing.before)
            pairs += _pair_made_up_names(ones, others, pairing)
        stack.extend(pairs)


def _unpaired(nodes: Nodes, paired: Mapping[str, str]) -> Nodes:
    return [node for node in nodes if node.path not in paired]


def _parts(nodes: Nodes, holder: str | None) -> dict[str, LayerNode]:
    """Layers by their path within their holder."""
    start = 0 if holder is None else len(holder) + 1
    return {node.path[start:]: node for node in nodes}


def _pair_by_name(
    ones: Mapping[str, LayerNode], others: Mapping[str, LayerNode], pairing: Pairing
) -> Pairs:
    """Layers whose path within their holder is the same."""
    pairs: Pairs = []
    for part, other in others.items():
        one = ones.get(part)
        if one and one.path not in pairing.after and other.path not in pairing.before:
            pairing.add(one.path, other.path)
            pairs.append((one.path, other.path))
    return pairs


def _pair_alike(
    sides: _Sides, ones: Nodes, others: Nodes, pairing: Pairing, *, named: bool
) -> Pairs:
    """The same class, config and weights; `named`: the same name too (a layer that moved)."""
    if not ones or not others:
        return []
    signatures, wanted = sides.signatures(ones, others, named)
    known: dict[str, deque[LayerNode]] = {}
    for node, signature in zip(ones, signatures, strict=True):
        known.setdefault(signature, deque()).append(node)
    pairs: Pairs = []
    for other, signature in zip(others, wanted, strict=True):
        alike = known.get(signature)
        if alike:
            one = alike.popleft()
            pairing.add(one.path, other.path)
            pairs.append((one.path, other.path))
    return pairs


def _signature(side: Side, node: LayerNode, named: bool) -> str:
    """Equal for layers that are the same but for their name and place."""
    attributes = dict(side.tree.attributes(node))
    if not named:
        attributes.pop("name", None)
    inside = [
        [inner.path[len(node.path) :], inner.class_name]
        for inner in side.tree.descendants(node.path)
    ]
    parts: list[JSON] = [
        node.class_name,
        node.registered_name,
        shorten(attributes),
        inside,  # type: ignore[list-item]  # lists of strings are JSON
        side.digest(node.path),
    ]
    return json.dumps(parts, sort_keys=True)


def _pair_made_up_names(ones: Nodes, others: Nodes, pairing: Pairing) -> Pairs:
    """Layers of one class whose names Keras made up, in the order in which they stand."""
    ones = [node for node in ones if is_made_up(node.name, node.class_name)]
    others = [node for node in others if is_made_up(node.name, node.class_name)]
    if not ones or not others:
        return []
    pairs: Pairs = []
    for one, other in _same_classes_in_order(ones, others):
        pairing.add(one.path, other.path)
        pairs.append((one.path, other.path))
    return pairs


def _same_classes_in_order(ones: Nodes, others: Nodes) -> Iterator[tuple[LayerNode, LayerNode]]:
    """Pairs of one class, as many as the order of the classes on both sides allows."""
    if len(ones) * len(others) > _ALIGNED_AT_MOST:  # aligning takes quadratic time
        for one, other in zip(ones, others, strict=False):
            if one.class_name == other.class_name:
                yield one, other
        return
    classes = [node.class_name for node in ones]
    matcher = SequenceMatcher(None, classes, [node.class_name for node in others], autojunk=False)
    for start_before, start_after, length in matcher.get_matching_blocks():
        for offset in range(length):
            yield ones[start_before + offset], others[start_after + offset]


def is_made_up(name: str, class_name: str) -> bool:
    """Whether Keras made up the name: the class in snake case (optimizers: lower), and a number.

    Source: keras 3.15 `utils.naming.auto_name`, and `input_1`, `dense_input` of Keras 2.
    """
    match = _NUMBERED.fullmatch(name)
    stem = match.group(1) if match else name
    if class_name == "InputLayer" and _INPUT_NAMES.fullmatch(stem):
        return True
    return not {stem, name}.isdisjoint((to_snake_case(class_name), class_name.lower()))


def out_of_order(positions: Sequence[int]) -> set[int]:
    """The places in `positions` that a longest increasing run leaves out."""
    tails: list[int] = []  # places in `positions`: the smallest last one of runs of each length
    previous: dict[int, int | None] = {}
    for place, position in enumerate(positions):
        low = _first_not_below(positions, tails, position)
        previous[place] = tails[low - 1] if low else None
        tails[low : low + 1] = [place]
    kept: set[int] = set()
    place_: int | None = tails[-1] if tails else None
    while place_ is not None:
        kept.add(place_)
        place_ = previous[place_]
    return set(range(len(positions))) - kept


def _first_not_below(positions: Sequence[int], tails: Sequence[int], position: int) -> int:
    low, high = 0, len(tails)
    while low < high:
        middle = (low + high) // 2
        if positions[tails[middle]] < position:
            low = middle + 1
        else:
            high = middle
    return low
