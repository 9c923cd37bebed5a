"""Weight decay that also pulls biases and the scale and offset of norms to zero."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from kover.catalogue import catalogue
from kover.linting.subject import Subject
from kover.linting.wording import warning
from kover.modelconfig.tree import LayerNode
from kover.planning.layer_classes import layer_entry
from kover.planning.plan import CompileChange, LayerRate
from kover.problems import Problem
from kover.source import Source
from kover.values import JSON, Missing, as_mapping

_SPARED = ("bias", "gamma", "beta")
_HELP = 'spare them: `layers: "**"`, `variables: [bias, gamma, beta]`, `weight_decay: 0`'


def check(subject: Subject) -> Iterator[Problem]:
    """Find decay that begins with this plan, and count the layers whose biases it reaches."""
    reached: dict[Source, set[str]] = {}
    begins = next((c.source for c in subject.plan.compile_changes if _begins(c)), None)
    rules: dict[str, list[LayerRate]] = {}
    for rate in subject.plan.rates:
        if rate.weight_decay is not None:
            rules.setdefault(rate.layer, []).append(rate)
    for node in subject.after.layers:
        if subject.is_frozen(node.path):
            continue
        for variable in _variables(subject, node):
            source = _decayed_by(rules.get(node.path, []), variable, begins)
            if source is not None:
                reached.setdefault(source, set()).add(node.path)
    for source, paths in reached.items():
        count = "1 layer" if len(paths) == 1 else f"{len(paths)} layers"
        message = f"the weight decay also reaches biases or norm parameters, of {count}"
        yield warning("decay-on-bias", message, source, _HELP)


def _variables(subject: Subject, node: LayerNode) -> set[str]:
    entry = layer_entry(node)
    if entry is None:
        return set()
    stored = entry.stored_variables(subject.after.config(node)).values()
    return {name for name in stored if name.rpartition("/")[2] in _SPARED}


def _decayed_by(rules: list[LayerRate], variable: str, begins: Source | None) -> Source | None:
    """The setting that decays the variable: the last rule for it, else the optimizer's own."""
    name = variable.rpartition("/")[2]
    for rule in reversed(rules):
        if not rule.variables or any(fnmatchcase(name, glob) for glob in rule.variables):
            if name in rule.variables:
                return None  # asked for by name
            asked = rule.weight_decay
            return rule.source if asked is not None and asked.absolute else None
    return begins


def _begins(change: CompileChange) -> bool:
    if ".optimizer_map." in change.attribute:
        return False  # groups of variables: which of them are biases, their patterns decide
    if change.attribute.endswith(".weight_decay"):
        return not _decay(change.before) and bool(_decay(change.after))
    if change.attribute == "optimizer":
        return not _decay_of(change.before) and bool(_decay_of(change.after))
    return False


def _decay_of(optimizer: JSON | Missing) -> float:
    """The decay of an optimizer in short form; AdamW and Lion have one by default."""
    name = optimizer.get("class") if isinstance(optimizer, dict) else optimizer
    given = as_mapping(optimizer).get("weight_decay") if isinstance(optimizer, dict) else None
    if isinstance(optimizer, dict) and "weight_decay" in optimizer:
        return _decay(given)
    entry = catalogue().entry("optimizer", name) if isinstance(name, str) else None
    argument = entry.arguments.get("weight_decay") if entry else None
    return _decay(argument.default) if argument else 0.0


def _decay(value: JSON | Missing) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
