"""A learning rate a hundred times the old one: more often a slip than a plan."""

from __future__ import annotations

from collections.abc import Iterator

from kover.linting.subject import Subject
from kover.linting.wording import warning
from kover.planning.plan import LayerRate
from kover.problems import Problem
from kover.source import Source
from kover.values import JSON, Missing, as_mapping

_FACTOR = 100
_HELP = "check the exponent; large rates undo what the model has learnt"


def check(subject: Subject) -> Iterator[Problem]:
    """Find rates that grow a hundredfold: the optimizer's own, and those of layers."""
    told: set[Source] = set()  # a setting can be that of many groups of variables
    for change in subject.plan.compile_changes:
        if change.attribute.endswith("learning_rate"):
            before, after = _number(change.before), _number(change.after)
            if change.source not in told:
                yield from _jump(before, after, change.source)
            told.add(change.source)
        elif change.attribute == "optimizer":
            one, other = _short(change.before), _short(change.after)
            if one.get("class") == other.get("class"):
                before, after = (
                    _number(one.get("learning_rate")),
                    _number(other.get("learning_rate")),
                )
                yield from _jump(before, after, change.source)
    own = _number(_config(subject).get("learning_rate"))
    seen: set[Source] = set()
    for rate in subject.plan.rates:
        if rate.source not in seen and (found := _layer_rate(rate, own)) is not None:
            seen.add(rate.source)
            yield from _jump(own if own is not None else 1.0, found, rate.source)


def _layer_rate(rate: LayerRate, own: float | None) -> float | None:
    asked = rate.learning_rate
    if asked is None:
        return None
    if asked.multiply is not None:
        return asked.multiply * (own if own is not None else 1.0)
    return asked.absolute if own is not None else None


def _jump(before: float | None, after: float | None, source: Source) -> Iterator[Problem]:
    if before and after and after >= _FACTOR * before * (1 - 1e-6):
        yield warning(
            "learning-rate-jump",
            f"the learning rate grows {after / before:.0f} times, from {before:g} to {after:g}",
            source,
            _HELP,
        )


def _config(subject: Subject) -> dict[str, JSON]:
    config = dict(as_mapping(subject.optimizer.get("config")))
    while isinstance(inner := config.get("inner_optimizer"), dict):
        config = dict(as_mapping(inner.get("config")))
    held = as_mapping(as_mapping(config.get("optimizer_map")).get("config"))
    default = as_mapping(held.get("default_optimizer"))
    return dict(as_mapping(default.get("config"))) if default else config


def _short(value: JSON | Missing) -> dict[str, JSON]:
    return value if isinstance(value, dict) else {}


def _number(value: JSON | Missing) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:  # Keras would refuse it as well
        return None
