"""The paths that layers have in the new config, and a plan that speaks of them by these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kover.modelconfig.tree import ModelTree, read_tree
from kover.planning.plan import Plan
from kover.values import JSON


def new_paths(tree: ModelTree, after: Mapping[str, JSON]) -> dict[str, str]:
    """Old path -> new path, of the layers where they differ.

    A layer is known by its place in the config, which no new name changes. Beside the renamed
    layers and what they hold, a layer can lose or gain the `@place` that tells it from another
    of the same name.
    """
    paths = {node.pointer: node.path for node in read_tree(after).layers}
    found = {node.path: paths.get(node.pointer, node.path) for node in tree.layers}
    return {old: new for old, new in found.items() if old != new}


def with_new_paths(plan: Plan, renamed: Mapping[str, str]) -> Plan:
    """The same plan, its layers called by the paths of the new config."""

    def moved(path: str) -> str:
        return renamed.get(path, path)

    return replace(
        plan,
        renamed=renamed,
        changes=tuple(
            replace(
                each,
                layer=moved(each.layer),
                pushed_from=None if each.pushed_from is None else moved(each.pushed_from),
            )
            for each in plan.changes
        ),
        shadowed=tuple(replace(each, layer=moved(each.layer)) for each in plan.shadowed),
        unchanged=tuple(
            each if each.layer is None else replace(each, layer=moved(each.layer))
            for each in plan.unchanged
        ),
        outcomes=tuple(
            replace(
                each,
                matched=tuple(map(moved, each.matched)),
                passed_over={
                    name: tuple(map(moved, paths)) for name, paths in each.passed_over.items()
                },
            )
            for each in plan.outcomes
        ),
        consents=tuple(replace(each, layer=moved(each.layer)) for each in plan.consents),
        rates=tuple(replace(each, layer=moved(each.layer)) for each in plan.rates),
    )
