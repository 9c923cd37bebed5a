"""Specs and a model's config: the plan. Pure; Keras is not needed and nothing is modified.

Selectors, conditions and `was` look at the model as it is in the archive, also after a `rename` or
`replace`. Overrides are planned in order, over all specs; everything that is wrong is found in one
go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kover.errors import AnswerIsNo
from kover.modelconfig.backend_optimizers import names_a_backend, with_public_optimizers
from kover.modelconfig.edit import Pointer
from kover.modelconfig.tree import ModelTree
from kover.planning.applying import applied, unshared, unshared_layers
from kover.planning.build_configs import stale_build_configs
from kover.planning.compile_planner import Compiled, CompilePlanner
from kover.planning.dialect import compile_as_saved_by, nets_as_saved_by
from kover.planning.guards import ModelFacts, guard_problems
from kover.planning.held_layers import decayed_rates
from kover.planning.layer_edits import LayerEdits, Net
from kover.planning.layer_index import LayerIndex
from kover.planning.new_paths import new_paths, with_new_paths
from kover.planning.override_planner import OverridePlanner
from kover.planning.plan import AttributeChange, LayerRate, Plan
from kover.planning.references import wiring_edits
from kover.planning.renamed_compile import renamed_compile
from kover.planning.renaming import Renames, names_by_holder, net_names
from kover.planning.selecting import select_layers
from kover.planning.vocabularies import stale_vocabulary_sizes
from kover.problems import Problem, errors_among, sorted_problems
from kover.source import Source
from kover.spec.document import LayerDecay, Override, Spec
from kover.values import JSON, MISSING, Missing

__all__ = ["ModelFacts", "plan_specs"]


def plan_specs(specs: Sequence[Spec], tree: ModelTree, facts: ModelFacts) -> Plan:
    """What applying the specs, one after the other, to the model means.

    Args:
        specs: parameters substituted.
        tree: the model's config; it is not modified.
        facts: what the guards look at.

    Returns:
        The plan; a spec that changes nothing gives one that is a no-op.

    Raises:
        AnswerIsNo: with every problem, sorted: guards that do not hold, selectors that match
            nothing, attributes and values that Keras would not take, ...
    """
    problems = [p for spec in specs for p in guard_problems(spec.guards, tree, facts)]
    index, edits, renames = LayerIndex(tree), LayerEdits(tree), Renames(tree)
    overrides = OverridePlanner(tree, index, edits, renames)
    for spec in specs:
        for override in spec.overrides:
            overrides.add(override)
    renamed = renames.finish()
    decays = [spec.compile.layer_decay for spec in specs if spec.compile is not None]
    rates = (*_decayed(filter(None, decays), index, problems), *overrides.rates)
    compiled = _compiled(specs, CompilePlanner(tree, facts, renamed_compile(tree, renamed)), rates)
    problems += [*overrides.problems, *renames.problems, *compiled.problems]
    if errors := errors_among(problems):
        raise AnswerIsNo(errors)

    spoken = nets_as_saved_by(edits.net(), facts.keras_version)
    net = _in_order([*spoken, *net_names(edits, renamed)], index)
    changes = tuple(item.change for item in net)
    warnings = [
        *problems,
        *(warning for spec in specs for warning in spec.warnings),
        *_without_effect(
            [override for spec in specs for override in spec.overrides],
            _effective(overrides, changes),
            {outcome.source for outcome in overrides.outcomes if outcome.matched},
        ),
        *_unshared_warnings(tree, net),
        *_backend_warnings(tree, facts),
    ]
    replaced = {item.node.path for item in net if item.attribute == "class"}
    wiring = dict(wiring_edits(tree, names_by_holder(renamed), replaced))
    after = _after(tree, net, wiring, _written(compiled.config, tree, facts))
    plan = Plan(
        before=tree.root,
        after=after,
        changes=changes,
        compile_changes=compiled.changes,
        shadowed=(*edits.shadowed, *renames.shadowed),
        unchanged=(*edits.unchanged, *renames.unchanged, *compiled.unchanged),
        outcomes=tuple(overrides.outcomes),
        consents=tuple(overrides.consents),
        rates=rates,
        optimizer_state=compiled.optimizer_state,
        warnings=sorted_problems(warnings),
    )
    return with_new_paths(plan, new_paths(tree, after)) if renamed else plan


def _compiled(
    specs: Iterable[Spec], planner: CompilePlanner, rates: Iterable[LayerRate]
) -> Compiled:
    for spec in specs:
        if spec.compile is not None:
            planner.add(spec.compile)
    return planner.finish(tuple(dict.fromkeys(rate.source for rate in rates)))


def _written(
    config: Mapping[str, JSON] | None, tree: ModelTree, facts: ModelFacts
) -> Mapping[str, JSON] | None:
    """The compile config to write, or None where it stays as it is."""
    if config is None:
        own = tree.compile_config
        return with_public_optimizers(own) if names_a_backend(own) else None
    spoken = compile_as_saved_by(config, tree.compile_config, facts.keras_version)
    return with_public_optimizers(spoken)


def _backend_warnings(tree: ModelTree, facts: ModelFacts) -> list[Problem]:
    if not names_a_backend(tree.compile_config):
        return []
    return [
        Problem(
            "torch-optimizer",
            "the optimizer was saved as a class of Keras' PyTorch backend, which no other backend "
            "trains with; it is written by its public name",
            Source(facts.path, inside="config.json"),
            "nothing to do: on PyTorch the public name makes the same optimizer",
            "warning",
        )
    ]


def _in_order(net: Iterable[Net], index: LayerIndex) -> tuple[Net, ...]:
    return tuple(sorted(net, key=lambda item: index.position.get(item.node.path, -1)))


def _after(
    tree: ModelTree,
    net: Sequence[Net],
    wiring: Mapping[Pointer, JSON],
    compile_config: Mapping[str, JSON] | None,
) -> Mapping[str, JSON]:
    """The new config. That others call a layer by a new name takes no object out of a sharing."""
    edits: dict[Pointer, JSON | Missing] = {}
    for item in net:
        edits |= item.edits
    edits |= dict.fromkeys(unshared(dict(tree.root), tuple(edits)), MISSING)
    edits |= dict(stale_build_configs(tree, net))
    edits |= dict(stale_vocabulary_sizes(tree, net))
    edits |= wiring
    if compile_config is not None:
        edits["compile_config",] = dict(compile_config)
    return applied(tree.root, edits) if edits else tree.root


def _decayed(
    decays: Iterable[LayerDecay], index: LayerIndex, problems: list[Problem]
) -> tuple[LayerRate, ...]:
    """Rates by depth. They come before those of the overrides, which are more particular."""
    found: tuple[LayerRate, ...] = ()
    for decay in decays:
        groups = []
        for group in decay.groups:
            selection = select_layers(group, index)
            problems += selection.problems
            groups.append((group.source, selection.layers))
        found += decayed_rates(groups, decay.rate, decay.floor, index.tree)
    return found


def _effective(planned: OverridePlanner, changes: Iterable[AttributeChange]) -> set[Source]:
    """The places of all settings that make a difference.

    So does one that only takes back what an earlier override did to the layer.
    """
    shadowed = (*planned.edits.shadowed, *planned.renames.shadowed)
    replaced = {(item.layer, item.source) for item in shadowed}
    last_words = {item.by for item in shadowed if (item.layer, item.by) not in replaced}
    return {
        *last_words,
        *(source for change in changes for source in (*change.earlier, change.source)),
        *(consent.source for consent in planned.consents),
        *(rate.source for rate in planned.rates),
    }


def _without_effect(
    overrides: Iterable[Override], effective: set[Source], matched: set[Source]
) -> list[Problem]:
    return [
        Problem(
            "no-effect",
            "the override changes nothing",
            override.source,
            "every value it asks for is there already, or is replaced by a later override",
            "warning",
        )
        for override in overrides
        if override.source in matched and not effective & _places(override)
    ]


def _places(override: Override) -> set[Source]:
    places = {setting.value_source for setting in (*override.set, *override.unset)}
    for value in (override.replace, override.rename):
        places |= set() if value is None else set(value.sources.values())
    for part in (override.learning_rate, override.weight_decay, override.reinitialize):
        if part is not None:
            places.add(part.source)
    return places


def _unshared_warnings(tree: ModelTree, net: Sequence[Net]) -> list[Problem]:
    found: dict[str, Problem] = {}
    for item in net:
        for node in unshared_layers(tree, [item.node]):
            found.setdefault(
                node.path,
                Problem(
                    "shared-layer",
                    f"'{node.path}' is one layer in several places; edited, it is one of its own",
                    item.change.source,
                    "make the same change to every path of the layer",
                    "warning",
                ),
            )
    return list(found.values())
