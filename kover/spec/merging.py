"""Several specs as the text of one that asks for the same: parameters substituted, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kover.errors import UsageError
from kover.spec.document import Spec
from kover.values import JSON, as_mapping
from kover.yaml_text import flow


def merged_text(specs: Sequence[Spec], comment: str = "") -> str:
    """The YAML text of one spec in the place of several.

    Args:
        specs: as they are applied, in order.
        comment: what stands on top.

    Raises:
        UsageError: `not-one-spec` where no single spec can say the same.
    """
    return "".join(f"{row}\n" for row in _rows(specs, comment))


def _rows(specs: Sequence[Spec], comment: str) -> Iterator[str]:
    if comment:
        yield f"# {comment}"
    yield "version: 1"
    descriptions = [spec.description for spec in specs if spec.description]
    if descriptions:
        yield f"description: {flow(' '.join(descriptions), literal=True)}"
    guards = _guards(specs)
    if guards:
        yield f"model: {flow(guards, literal=True)}"
    overrides = [
        item for spec in specs for item in _listed(as_mapping(spec.document).get("overrides"))
    ]
    if overrides:
        yield "overrides:"
        for override in overrides:
            first = "-"
            for key, value in override.items():
                yield f"  {first} {key}: {flow(value, literal=True)}"
                first = " "
    sections = _compile(specs)
    if sections:
        yield "compile:"
        for key, value in sections.items():
            yield f"  {key}: {flow(value, literal=True)}"
    off = sorted(set().union(*(spec.lint_off for spec in specs)))
    if off:
        yield f"lint: {{off: [{', '.join(off)}]}}"


def _listed(value: JSON) -> list[Mapping[str, JSON]]:
    return [as_mapping(item) for item in value] if isinstance(value, list) else []


def _guards(specs: Sequence[Spec]) -> dict[str, JSON]:
    """Every guard must hold; the path is no guard, and is relative to its own spec."""
    found: dict[str, JSON] = {}
    for spec in specs:
        for key, value in as_mapping(as_mapping(spec.document).get("model")).items():
            if key == "path":
                continue
            both = key == "keras_version" and found.get(key, value) != value
            found[key] = f"{found[key]},{value}" if both else value
    return found


def _compile(specs: Sequence[Spec]) -> dict[str, JSON]:
    """Key by key; an optimizer without a class merges into what an earlier spec says of it."""
    found: dict[str, JSON] = {}
    for spec in specs:
        for key, value in as_mapping(as_mapping(spec.document).get("compile")).items():
            if key == "layer_decay" and key in found and found[key] != value:
                raise UsageError.at(
                    "not-one-spec",
                    "two specs give a layer_decay, which one spec cannot say",
                    spec.compile.source if spec.compile else None,
                    "save the specs one by one",
                )
            found[key] = _optimizer(found.get(key), value) if key == "optimizer" else value
    return found


def _optimizer(earlier: JSON, later: JSON) -> JSON:
    if earlier is None or not isinstance(later, dict) or "class" in later:
        return later
    before = {"class": earlier} if isinstance(earlier, str) else as_mapping(earlier)
    merged = {**before, **later}
    rate, schedule = later.get("learning_rate"), before.get("learning_rate")
    if isinstance(rate, dict) and "class" not in rate and isinstance(schedule, dict):
        merged["learning_rate"] = {**schedule, **rate}
    return merged
