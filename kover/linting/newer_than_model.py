"""Something that the Keras which saved the model does not have: there, the result does not load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kover.catalogue import catalogue
from kover.catalogue.versions import Span
from kover.linting.subject import Subject
from kover.linting.wording import warning
from kover.modelconfig.keras_values import is_record
from kover.planning.layer_classes import layer_entry, record_entry
from kover.problems import Problem
from kover.source import Source
from kover.values import JSON, MISSING, as_mapping

_DEEPEST = 100
Found = dict[str, Span]


def check(subject: Subject) -> Iterator[Problem]:
    """Find classes and arguments that came into Keras later, one warning a place."""
    seen: set[tuple[Source, str]] = set()
    for source, found in (*_in_layers(subject), *_in_compile(subject), *_in_rates(subject)):
        for what, span in found.items():
            if span.lacks(subject.saved_by) and (source, what) not in seen:
                seen.add((source, what))
                yield warning(
                    "newer-than-model",
                    f"{what} came with Keras {span.since}; the model was saved by "
                    f"{subject.saved_by}, which cannot load the result",
                    source,
                    f"load the result with Keras {span.since} or newer, or do without",
                )


def _in_layers(subject: Subject) -> Iterator[tuple[Source, Found]]:
    for change in subject.plan.changes:
        node = subject.after.get(change.layer)
        entry = layer_entry(node) if node is not None else None
        found: Found = {}
        if entry is not None and change.attribute == "class":
            found[entry.class_name] = entry.span
        elif node is not None and change.after is not MISSING:
            argument = entry.arguments.get(change.attribute) if entry is not None else None
            if entry is not None and argument is not None:
                found[f"'{argument.name}' of {entry.class_name}"] = argument.span
            found |= _spans(subject.after.config(node).get(change.attribute), _DEEPEST)
        yield change.source, found


def _in_compile(subject: Subject) -> Iterator[tuple[Source, Found]]:
    before, after = subject.before.compile_config, subject.after.compile_config
    for change in subject.plan.compile_changes:
        top = change.attribute.partition(".")[0]
        yield change.source, _newer(after.get(top), before.get(top))


def _in_rates(subject: Subject) -> Iterator[tuple[Source, Found]]:
    """Rates of some layers become a `MultiOptimizer`; one rate for all does not."""
    rates = subject.plan.rates
    entry = catalogue().entry("optimizer", "MultiOptimizer")
    if not rates or entry is None:
        return
    everywhere = {node.path for node in subject.after.layers if not _is_idle(subject, node.path)}
    settings = {(rate.learning_rate, rate.weight_decay) for rate in rates}
    if len(settings) > 1 or not everywhere <= {rate.layer for rate in rates}:
        yield rates[0].source, {"MultiOptimizer, which rates by layer need,": entry.span}


def _is_idle(subject: Subject, path: str) -> bool:
    """Whether the layer has nothing of its own that trains."""
    node = subject.after.node(path)
    entry = layer_entry(node)
    has_none = entry is not None and not entry.stored_variables(subject.after.config(node))
    return has_none or subject.is_frozen(path)


def _newer(after: JSON, before: JSON) -> Found:
    old = _spans(before, _DEEPEST)
    return {what: span for what, span in _spans(after, _DEEPEST).items() if what not in old}


def _spans(value: JSON, depth: int) -> Found:
    """Classes and arguments of the objects in a value, with the versions that have them."""
    found: Found = {}
    if depth == 0 or not isinstance(value, (list, dict)):
        return found
    for item in value if isinstance(value, list) else value.values():
        found |= _spans(item, depth - 1)
    entry = record_entry(value) if isinstance(value, dict) and is_record(value) else None
    if entry is not None and isinstance(value, Mapping):
        found[entry.class_name] = entry.span
        for name in as_mapping(value.get("config")):
            if name in entry.arguments:
                found[f"'{name}' of {entry.class_name}"] = entry.arguments[name].span
    return found
