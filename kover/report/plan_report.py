"""A plan as a report: the diff that carrying it out would lead to, as far as is known."""

from __future__ import annotations

from kover.diffing.model_diff import ArchiveFacts, AttributeChange, LayerDiff, ModelDiff
from kover.diffing.report import Applied, Report, Setting
from kover.modelconfig.tree import read_tree
from kover.planning.plan import Plan
from kover.source import Source


def plan_report(plan: Plan, model: str = "", output: str = "") -> Report:
    """The report of a dry run; weights and optimizer state are not looked at.

    Args:
        plan: what would be done.
        model: the archive.
        output: where the result would go.
    """
    tree = read_tree(plan.before, model)
    before = ArchiveFacts(
        model, name=tree.name, class_name=tree.class_name, layer_count=len(tree.layers)
    )
    after = ArchiveFacts(
        output, name=tree.name, class_name=tree.class_name, layer_count=len(tree.layers)
    )
    diff = ModelDiff(before, after, tuple(_layers(plan)), compile=tuple(_compile(plan)))
    return Report(diff, Applied(plan=plan, sources=_sources(plan)))


def _sources(plan: Plan) -> dict[Setting, Source]:
    found: dict[Setting, Source] = {}
    found.update({(each.layer, each.attribute): each.source for each in plan.changes})
    found.update({(None, each.attribute): each.source for each in plan.compile_changes})
    return found


def _layers(plan: Plan) -> list[LayerDiff]:
    """The planned changes by layer; the later one of two for an attribute is what holds.

    A new name is no attribute that changes: it makes the layer a renamed one.
    """
    origins = {new: old for old, new in plan.renamed.items()}
    found: dict[str, dict[str, AttributeChange]] = {}
    classes: dict[str, str] = {}
    renamed: set[str] = set()
    for each in plan.changes:
        classes[each.layer] = each.class_name
        changes = found.setdefault(each.layer, {})
        if each.attribute == "name":
            renamed.add(each.layer)
            continue
        before = changes[each.attribute].before if each.attribute in changes else each.before
        changes[each.attribute] = AttributeChange(each.attribute, before, each.after)
    return [
        LayerDiff(layer, classes[layer], "renamed", tuple(changes.values()), origins.get(layer))
        if layer in renamed
        else LayerDiff(layer, classes[layer], "changed", tuple(changes.values()))
        for layer, changes in found.items()
    ]


def _compile(plan: Plan) -> list[AttributeChange]:
    return [
        AttributeChange(each.attribute, each.before, each.after) for each in plan.compile_changes
    ]
