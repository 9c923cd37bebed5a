"""The spec that turns one model into another, as far as overrides can.

Every difference becomes a proposal. The proposals are planned on the model before; what the
planner refuses, and what the planned config still lacks, is said in comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kover.catalogue import Argument, catalogue
from kover.catalogue.compact import compact
from kover.diffing.compile import compare_compile
from kover.diffing.model_diff import AttributeChange, LayerDiff, ModelDiff
from kover.diffing.pairing import Side, is_made_up
from kover.diffing.stored import stored_model
from kover.diffing.trees import compare_trees
from kover.drafting.checking import plan_text
from kover.drafting.draft import Proposal, SpecText, written
from kover.drafting.group_settings import as_merged
from kover.drafting.layer_proposals import LayerProposals
from kover.drafting.rates import rate_proposals
from kover.drafting.values import has_yaml, yaml_or_words
from kover.errors import AnswerIsNo
from kover.modelconfig.nodes import ModelTree
from kover.modelconfig.tree import read_tree
from kover.planning.layer_classes import layer_entry
from kover.planning.meaning import same_as_default
from kover.planning.plan import Plan
from kover.values import JSON, MISSING, Missing, as_mapping, same

_ROUNDS = 40
_LISTED = 60


@dataclass(frozen=True)
class DraftedSpec:
    """The text of a spec.

    Attributes:
        text: with comments; valid, and fitting the model before.
        complete: nothing of config and compile settings is left to comments.
    """

    text: str
    complete: bool


def spec_from_diff(diff: ModelDiff, before: ModelTree, after: ModelTree) -> DraftedSpec:
    """Write the spec.

    Args:
        diff: what differs.
        before: the model to start from.
        after: the model to arrive at.
    """
    layers = LayerProposals(diff, before, after)
    proposals = [
        *layers.all(),
        *_model_proposals(diff, before),
        *_compile_proposals(diff, layers),
        *layers.consents(),
    ]
    head = _head(diff)
    refused: list[str] = []
    draft, plan = written(head, proposals, ()), None
    for _ in range(_ROUNDS):
        draft = written(head, proposals, ())
        try:
            plan = plan_text(draft.text, before)
            break
        except AnswerIsNo as error:
            proposals = _without(proposals, _culprits(draft, error), refused)
    else:
        proposals = []
        refused.append("too much of it does not fit the model")
    left = list(_left_over(plan, before, after)) if plan is not None else []
    values = list(_stored_values(diff))
    tail = _tail(refused, left, values)
    return DraftedSpec(written(head, proposals, tail).text, not (refused or left))


def _head(diff: ModelDiff) -> list[str]:
    return [
        f"What turns {diff.before.path} into {diff.after.path}.",
        "",
        f"kover apply {diff.before.path} THIS-FILE",
    ]


def _model_proposals(diff: ModelDiff, before: ModelTree) -> Iterator[Proposal]:
    """The constructor's arguments of a model of a class of its own."""
    for change in diff.model if before.root_node is not None else ():
        settable = change.attribute in before.model_config and change.attribute != "name"
        if settable and not isinstance(change.after, Missing) and has_yaml(change.after):
            was = f"was {yaml_or_words(compact(change.before))}"
            yield Proposal((before.name,), change.attribute, compact(change.after), was)


def _compile_proposals(diff: ModelDiff, layers: LayerProposals) -> Iterator[Proposal]:
    for change in as_merged(diff.compile):
        if as_mapping(change.after).get("class") == "MultiOptimizer":
            was = f"was {yaml_or_words(compact(change.before))}"
            optimizer = as_mapping(change.after)
            yield from rate_proposals(optimizer, layers.after, layers.selector, was) or ()
            continue
        path = change.attribute.replace("inner_optimizer.", "")
        value = _usual(path) if isinstance(change.after, Missing) else change.after
        if has_yaml(value):
            yield Proposal((), path, compact(value), f"was {yaml_or_words(compact(change.before))}")


def _usual(setting: str) -> JSON:
    """What Keras compiles with where a config does not say; configs of other versions do not."""
    argument = catalogue().compile_arguments.get(setting)
    usual = argument.default if argument is not None else None
    return None if isinstance(usual, Missing) else usual


def _culprits(draft: SpecText, error: AnswerIsNo) -> dict[Proposal, str]:
    """The proposals that the problems are about, with what is wrong."""
    found: dict[Proposal, str] = {}
    for problem in error.problems:
        proposal = draft.at(problem.source.line if problem.source else None)
        if proposal is not None:
            found.setdefault(proposal, problem.message)
    return found or dict.fromkeys(draft.proposals.values(), str(error))


def _without(
    proposals: Sequence[Proposal], culprits: dict[Proposal, str], refused: list[str]
) -> list[Proposal]:
    for proposal, why in culprits.items():
        where = _names(proposal.layers) or "compile"
        what = proposal.attribute or _kind(proposal)
        refused.append(f"{where}: {what} → {yaml_or_words(proposal.value)}: {why}")
    return [each for each in proposals if each not in culprits]


def _kind(proposal: Proposal) -> str:
    if proposal.rates:
        return ", ".join(proposal.rates)
    return proposal.act


def _names(layers: Sequence[str]) -> str:
    more = f" and {len(layers) - 3:,} more" if len(layers) > 3 else ""
    return f"{', '.join(layers[:3])}{more}"


def _left_over(plan: Plan, before: ModelTree, after: ModelTree) -> Iterator[str]:
    """What still differs between the planned config and the one to arrive at."""
    planned = read_tree(plan.after)
    rest = compare_trees(Side(planned), Side(after))
    for layer in rest.layers:
        yield from _layer_left(layer, after)
    for change in rest.model:
        yield f"the model: {_change(change)}"
    one, other = stored_model(planned, None), stored_model(after, None)
    asked = {change.attribute for change in plan.compile_changes}
    for change in compare_compile(one, other):
        if plan.rates and change.attribute == "optimizer":
            continue  # the engine makes the MultiOptimizer of them
        if change.after is MISSING and same(change.before, _usual(change.attribute)):
            continue
        rate_asked = change.attribute.endswith("learning_rate") and change.attribute in asked
        if not rate_asked:  # the effective one may not be the one in the config
            yield f"compile: {_change(change)}"


def _layer_left(layer: LayerDiff, after: ModelTree) -> Iterator[str]:
    if _only_drifted(layer):
        return
    if layer.kind == "added" and layer.within is None:
        yield f"{layer.layer} ({layer.class_name}) is added"
    elif layer.kind == "removed" and layer.within is None:
        yield f"{layer.layer} ({layer.class_name}) is removed"
    elif layer.kind in ("renamed", "moved") and layer.renamed_from:
        yield f"{layer.renamed_from} is {layer.kind} to {layer.layer}"
    elif layer.kind == "moved":
        yield f"{layer.layer} stands elsewhere in the order"
    node = after.get(layer.layer)
    entry = layer_entry(node) if node is not None else None
    for change in layer.changes:
        argument = entry.arguments.get(change.attribute) if entry is not None else None
        if not _means_nothing(change, argument):
            yield f"{layer.layer}: {_change(change)}"


def _means_nothing(change: AttributeChange, argument: Argument | None) -> bool:
    """Whether one side leaves out what the other says, and the class takes it by itself."""
    if isinstance(change.before, Missing):
        return same_as_default(change.after, argument)
    return change.after is MISSING and same_as_default(change.before, argument)


def _only_drifted(layer: LayerDiff) -> bool:
    """Whether all that happened is that Keras counted on: `dense_3`, then `dense_7`."""
    names = [path.rpartition("/")[2] for path in (layer.layer, layer.renamed_from or "")]
    made_up = all(is_made_up(name, layer.class_name) for name in names)
    return layer.kind == "renamed" and made_up and not layer.changes


def _change(change: AttributeChange) -> str:
    return f"{change.attribute} {yaml_or_words(change.before)} → {yaml_or_words(change.after)}"


def _stored_values(diff: ModelDiff) -> Iterator[str]:
    weights = diff.weights
    if weights is not None:
        moved = sum(each.shape_before is None for each in weights.changed)
        if moved:
            yield f"{moved:,} arrays of weights have other values"
    if diff.assets:
        yield f"{len(diff.assets):,} other files of the archive differ"


def _tail(refused: Iterable[str], left: Iterable[str], values: Iterable[str]) -> list[str]:
    listed = [*refused, *dict.fromkeys(left)]
    more = [f"… and {len(listed) - _LISTED:,} more"] if len(listed) > _LISTED else []
    lines = [
        *(f"  {line}" for line in listed[:_LISTED]),
        *(f"  {line}" for line in (*more, *values)),
    ]
    return ["What a spec cannot do:", *lines] if lines else []
