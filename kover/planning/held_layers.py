"""What a nested model or wrapper stands for: the layers it holds.

So it is for `learning_rate`, `weight_decay` and `reinitialize`; `trainable` is pushed down.
"""

from __future__ import annotations

from collections.abc import Iterable

from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.plan import Consent, LayerRate
from kover.source import Source
from kover.spec.document import Override, Rate


def held_layers(nodes: Iterable[LayerNode], tree: ModelTree) -> tuple[LayerNode, ...]:
    """The layers whose variables are meant, in order, each once.

    A nested model has no variables but those of its layers; a wrapper may have its own, and so may
    the model itself, where it is of a class that makes layers in code.
    """
    found: dict[str, LayerNode] = {}
    for node in nodes:
        below = tree.descendants(node.path)
        if not (node.is_model and below) or node.path == "":
            found.setdefault(node.path, node)
        for inner in below:
            if not (inner.is_model and tree.children(inner.path)):
                found.setdefault(inner.path, inner)
    return tuple(found.values())


def consents_of(
    override: Override, nodes: Iterable[LayerNode], tree: ModelTree
) -> tuple[Consent, ...]:
    """The consents that an override gives."""
    asked = override.reinitialize
    if asked is None:
        return ()
    variables = _variables(override)
    return tuple(
        Consent(node.path, asked.seed, variables, asked.source) for node in held_layers(nodes, tree)
    )


def rates_of(
    override: Override, nodes: Iterable[LayerNode], tree: ModelTree
) -> tuple[LayerRate, ...]:
    """The learning rate and the weight decay that an override gives to layers."""
    learning_rate, weight_decay = override.learning_rate, override.weight_decay
    first = learning_rate or weight_decay
    if first is None:
        return ()
    variables = _variables(override)
    return tuple(
        LayerRate(node.path, variables, first.source, learning_rate, weight_decay)
        for node in held_layers(nodes, tree)
    )


def decayed_rates(
    groups: Iterable[tuple[Source, Iterable[LayerNode]]],
    rate: float,
    floor: float | None,
    tree: ModelTree,
) -> tuple[LayerRate, ...]:
    """Rates by depth: the last group keeps the full rate, each before it `rate` times the next.

    A layer in two groups belongs to the later one.

    Args:
        groups: the layers of each group with its place, first to last.
        rate: the factor between neighbours.
        floor: no factor is less.
        tree: the model.
    """
    listed = list(groups)
    found: dict[str, LayerRate] = {}
    for position, (source, nodes) in enumerate(listed):
        factor = max(rate ** (len(listed) - 1 - position), floor or 0.0)
        for node in held_layers(nodes, tree):
            decayed = Rate(source, multiply=factor)
            found[node.path] = LayerRate(node.path, (), source, learning_rate=decayed)
    return tuple(decayed for decayed in found.values() if _is_less(decayed))


def _is_less(rate: LayerRate) -> bool:
    return rate.learning_rate is not None and rate.learning_rate.multiply != 1.0


def _variables(override: Override) -> tuple[str, ...]:
    return tuple(glob.pattern for glob in override.variables)
