"""A shape that certainly changes, and no consent to what that throws away.

Keras has the last word, and `kover apply` refuses with all shapes. Here it is said early, for
what the catalogue knows: the layer itself, not those that follow it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kover.linting.subject import Subject
from kover.linting.wording import by_source, listed, warning
from kover.planning.layer_classes import layer_entry
from kover.planning.plan import AttributeChange
from kover.problems import Problem
from kover.values import JSON, MISSING

_SHAPING = frozenset({
    "units", "filters", "kernel_size", "groups", "depth_multiplier", "input_dim", "output_dim",
    "num_heads", "key_dim", "value_dim", "num_query_heads", "num_key_value_heads", "head_dim",
})  # fmt: skip


def check(subject: Subject) -> Iterator[Problem]:
    """Find layers whose stored values no longer fit, and that have not consented.

    All that is found is certain: what a dry run refuses for it, `kover apply` refuses as well.
    """
    consented = {consent.layer for consent in subject.plan.consents}
    reshaped = by_source(
        (change.source, change.layer)
        for change in subject.plan.changes
        if change.layer not in consented and _loses_values(subject, change)
    )
    for source, paths in reshaped.items():
        yield warning(
            "needs-reinitialize",
            f"this throws stored values of {listed(paths)} away, which needs consent",
            source,
            "add `reinitialize: true`, also to the layers that follow if their shapes change",
        )


def _loses_values(subject: Subject, change: AttributeChange) -> bool:
    node = subject.before.get(change.layer)
    entry = layer_entry(node) if node is not None else None
    if entry is None or node is None:
        return False
    config = subject.before.config(node)
    if change.after is MISSING or _keeps_shapes(change, node.class_name, config):
        return False
    if change.attribute in _SHAPING:
        return bool(entry.stored_variables(config))
    switched = any(variable.switch == change.attribute for variable in entry.variables)
    return switched and change.after is False


def _keeps_shapes(change: AttributeChange, class_name: str, config: Mapping[str, JSON]) -> bool:
    """Whether the attribute is one that decides no shape in this class, or means the old one."""
    if change.attribute == "groups":
        return "Conv" not in class_name
    if change.attribute == "value_dim":  # that of the keys, where there is none
        return (change.before or config.get("key_dim")) == (change.after or config.get("key_dim"))
    return False
