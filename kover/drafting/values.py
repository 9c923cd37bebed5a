"""Values that a spec can hold, and words for those that it cannot."""

from __future__ import annotations

from kover.values import JSON, Missing
from kover.yaml_text import flow


def has_yaml(value: JSON | Missing) -> bool:
    """Whether a spec can hold the value: there is no YAML for NaN, nor for what is absent."""
    try:
        flow(value, literal=True)  # type: ignore[arg-type]  # an absent value is not JSON either
    except (ValueError, TypeError):
        return False
    return True


def yaml_or_words(value: JSON | Missing) -> str:
    """The value as YAML, for a comment."""
    if isinstance(value, Missing):
        return "absent"
    return flow(value) if has_yaml(value) else "something that YAML cannot hold"
