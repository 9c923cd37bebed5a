"""What a plan says beyond its changes, as lines: overrides, idle settings, rates, consents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kover.planning.plan import Consent, LayerRate, Outcome, Plan, Shadowed, Unchanged
from kover.report.clean import clean
from kover.report.layer_lines import names_text
from kover.report.style import Line, Segment, columns, line
from kover.report.value_text import counted, value_text
from kover.source import Source
from kover.spec.document import Rate

_LISTED = 20


def outcome_lines(outcomes: Sequence[Outcome]) -> list[Line]:
    """Each override with the layers it matched and those it passed over."""
    if not outcomes:
        return []
    rows = []
    for outcome in outcomes[:_LISTED]:
        cells = [
            line(Segment(clean(outcome.selector, 60), "path")),
            line(counted(len(outcome.matched), "layer")),
            line(_place(outcome.source)),
        ]
        passed = ", ".join(
            f"{clean(name)} in {len(paths):,}" for name, paths in outcome.passed_over.items()
        )
        if passed:
            cells.append(line(Segment(f"passed over: {passed}", "faint")))
        rows.append(cells)
    return [
        line(Segment("Overrides", "title")),
        *columns(rows, "  ", (40, 14, 24, 0)),
        *_more(len(outcomes), "override"),
    ]


def idle_lines(plan: Plan) -> list[Line]:
    """Settings without effect: a later one won, or the value was there already."""
    rows = [*_shadowed(plan.shadowed), *_unchanged(plan.unchanged)]
    if not rows:
        return []
    return [
        line(Segment("Without effect", "title")),
        *columns(rows[:_LISTED], "  ", (26, 40, 24, 0)),
        *_more(len(rows), "setting"),
    ]


def _grouped(
    pairs: Iterable[tuple[tuple[object, ...], str]],
) -> dict[tuple[object, ...], list[str]]:
    found: dict[tuple[object, ...], list[str]] = {}
    for key, layer in pairs:
        found.setdefault(key, []).append(layer)
    return found


def _shadowed(shadowed: Sequence[Shadowed]) -> list[list[Line]]:
    groups = _grouped(((each.attribute, each.source, each.by), each.layer) for each in shadowed)
    return [
        [
            line(Segment(clean(str(attribute)), "attribute")),
            line(f"in {names_text(layers)}"),
            line(_place(source)),
            line(Segment(f"set again at {clean(str(by))}", "faint")),
        ]
        for (attribute, source, by), layers in groups.items()
    ]


def _unchanged(unchanged: Sequence[Unchanged]) -> list[list[Line]]:
    groups = _grouped(
        ((each.attribute, value_text(each.value), each.source), each.layer or "")
        for each in unchanged
    )
    return [
        [
            line(Segment(clean(str(attribute)), "attribute")),
            line(f"in {names_text(layers)}" if any(layers) else "in compile"),
            line(_place(source)),
            line(Segment(f"is {text} already", "faint")),
        ]
        for (attribute, text, source), layers in groups.items()
    ]


def rate_lines(rates: Sequence[LayerRate]) -> list[Line]:
    """Learning rates and weight decays for layers of their own."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for each in rates:
        for name, rate in (
            ("learning_rate", each.learning_rate),
            ("weight_decay", each.weight_decay),
        ):
            if rate is not None:
                key = (name, rate_text(rate), each.variables, rate.source)
                groups.setdefault(key, []).append(each.layer)
    if not groups:
        return []
    rows = [
        [
            line(Segment(str(name), "attribute")),
            line(Segment(str(text), "new")),
            line(f"in {names_text(layers)}{_variables(variables)}"),
            line(_place(source)),
        ]
        for (name, text, variables, source), layers in groups.items()
    ]
    return [
        line(Segment("Rates of their own", "title")),
        *columns(rows[:_LISTED], "  ", (20, 24, 48, 0)),
        *_more(len(rows), "rate"),
    ]


def rate_text(rate: Rate) -> str:
    """`1e-05`, or `0.1 times the optimizer's`."""
    if rate.absolute is not None:
        return value_text(rate.absolute)
    return f"{rate.multiply:g} times the optimizer's"


def consent_lines(consents: Sequence[Consent]) -> list[Line]:
    """Layers whose variables get fresh values."""
    groups = _grouped(((each.seed, each.variables, each.source), each.layer) for each in consents)
    rows = [
        [
            line(f"{names_text(layers)}{_variables(variables)}"),
            line(f"seed {seed}"),
            line(_place(source)),
        ]
        for (seed, variables, source), layers in groups.items()
    ]
    return (
        [line(Segment("Fresh values", "title")), *columns(rows, "  ", (60, 8, 0))] if rows else []
    )


def _variables(variables: object) -> str:
    if not isinstance(variables, tuple) or not variables:
        return ""
    return f" ({', '.join(clean(str(each)) for each in variables)} only)"


def _place(source: object) -> Segment:
    return Segment(clean(str(source)) if isinstance(source, Source) else "", "faint")


def _more(number: int, noun: str) -> list[Line]:
    if number <= _LISTED:
        return []
    return [line(Segment(f"  … and {counted(number - _LISTED, f'more {noun}')}", "faint"))]
