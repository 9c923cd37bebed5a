"""A `MultiOptimizer` read back as what a spec says: rates by layer, and the optimizer they scale.

Only patterns that spell variables out are read, as kover itself writes them; they are taken apart
and never run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from kover.catalogue.compact import compact
from kover.drafting.draft import Proposal
from kover.modelconfig.nodes import ModelTree
from kover.values import JSON, as_mapping, same

Select = Callable[[str], str | None]
"""A layer's path after -> what selects it before; None where it was not there."""

_LITERAL = r"(?:\\.|[^\\()\[\]{}|?*+.^$])+"
_SPELLED = re.compile(rf"((?:\(\?:{_LITERAL}\)\?)*)({_LITERAL})", re.DOTALL)
_AROUND = re.compile(rf"\(\?:({_LITERAL})\)\?", re.DOTALL)
_ALTERNATIVE = re.compile(r"(?:\\.|[^|\\])+", re.DOTALL)
_CELL = re.compile(r"\w+_cell(_\d+)?", re.ASCII)
_RATES = ("learning_rate", "weight_decay")
_NAMES = ("name",)
_LONGEST = 1 << 20


def rate_proposals(
    optimizer: Mapping[str, JSON], after: ModelTree, select: Select, was: str
) -> Sequence[Proposal] | None:
    """The overrides and the optimizer that make this one; None where a spec cannot say it.

    Args:
        optimizer: a `MultiOptimizer` in short form.
        after: the model that has it.
        select: the selector, in the model that the spec starts from, of a layer of `after`.
        was: what to say beside the optimizer.
    """
    held = as_mapping(optimizer.get("optimizer_map"))
    default = as_mapping(held.get("default_optimizer"))
    inner = as_mapping(held.get("optimizer_map"))
    if not default or not inner or held.get("class") != "OptimizerMap":
        return None
    found = [Proposal((), "optimizer", compact(dict(default)), was)]
    for pattern, each in inner.items():
        rates = _differing(default, as_mapping(each))
        spelled = _spelled(pattern, after)
        if rates is None or spelled is None:
            return None
        for variables, layers in _by_variables(spelled).items():
            chosen = [selector for layer in layers if (selector := select(layer)) is not None]
            if len(chosen) < len(layers):
                return None
            found.append(Proposal(tuple(chosen), "", rates=rates, variables=variables))
    return found


def _differing(default: Mapping[str, JSON], other: Mapping[str, JSON]) -> Mapping[str, JSON] | None:
    """The rates of one optimizer that are not those of the default one; None for other settings."""
    keys = {key for key in (*default, *other) if key not in _NAMES}
    differing = {key for key in keys if not same(default.get(key), other.get(key))}
    rates = {key: other[key] for key in _RATES if key in differing and key in other}
    numbers = all(isinstance(rate, (int, float)) for rate in rates.values())
    return rates if rates and numbers and differing == rates.keys() else None


def _spelled(pattern: str, tree: ModelTree) -> list[tuple[str, str]] | None:
    """Layer path and variable for each alternative; None where one of them is not spelled out."""
    found = []
    for alternative in _ALTERNATIVE.findall(pattern[:_LONGEST]):
        match = _SPELLED.fullmatch(alternative)
        if match is None:
            return None
        around = "".join(_plain(text) for text in _AROUND.findall(match[1]))
        path = f"{around}{_plain(match[2])}".removeprefix(f"{tree.name}/")
        layer = _holder(path, tree)
        if layer is None:
            return None
        inside, _, variable = path.removeprefix(f"{layer}/").rpartition("/")
        if inside and not _CELL.fullmatch(inside):
            return None
        found.append((layer, variable))
    return found


def _holder(path: str, tree: ModelTree) -> str | None:
    """The innermost layer on the way to a variable: a recurrent layer's cell is no layer."""
    while path := path.rpartition("/")[0]:
        if tree.get(path) is not None:
            return path
    return None


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _by_variables(spelled: Sequence[tuple[str, str]]) -> Mapping[tuple[str, ...], list[str]]:
    by_layer: dict[str, list[str]] = {}
    for layer, variable in spelled:
        by_layer.setdefault(layer, []).append(variable)
    found: dict[tuple[str, ...], list[str]] = {}
    for layer, variables in by_layer.items():
        found.setdefault(tuple(variables), []).append(layer)
    return found
