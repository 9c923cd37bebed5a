"""The spec that turns one model into another, as far as overrides can.

Every difference becomes a proposal. The proposals are planned on the model before; what the
planner refuses, and what the planned config still lacks, is said in comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kover.catalogue.compact import compact
from kover.diffing.compile import compare_compile
from kover.diffing.model_diff import AttributeChange, LayerDiff, ModelDiff
from kover.diffing.pairing import Side, is_made_up
from kover.diffing.stored import stored_model
from kover.diffing.trees import compare_trees
from kover.drafting.checking import plan_text
from kover.drafting.draft import Proposal, SpecText, written
from kover.drafting.rates import rate_proposals
from kover.drafting.selectors import Selectors
from kover.errors import AnswerIsNo
from kover.modelconfig.nodes import ModelTree
from kover.modelconfig.tree import read_tree
from kover.planning.plan import Plan
from kover.values import JSON, MISSING, Missing, as_mapping
from kover.yaml_text import flow

_ROUNDS = 40
_LISTED = 60
_NEVER = ("name", "inbound_nodes", "class_name", "module", "registered_name")


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
    proposals = [
        *_layer_proposals(diff, before),
        *_renamings(diff, before),
        *_compile_proposals(diff, before),
        *_consents(diff, before),
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


def _layer_proposals(diff: ModelDiff, before: ModelTree) -> list[Proposal]:
    """A proposal for each change; those that many layers share are one."""
    selectors = Selectors(before)
    sharing: dict[str, list[tuple[str, AttributeChange]]] = {}
    for layer in diff.layers:
        node = before.get(layer.renamed_from or layer.layer)
        for change in layer.changes if node is not None else ():
            if node is not None and _is_settable(change):
                sharing.setdefault(_key(change), []).append((selectors.of(node), change))
    found = []
    for members in sharing.values():
        change = members[0][1]
        found.append(
            Proposal(
                tuple(selector for selector, _ in members),
                change.attribute,
                change.after,
                f"was {_yaml(change.before)}",
            )
        )
    return found


def _renamings(diff: ModelDiff, before: ModelTree) -> Iterator[Proposal]:
    """Layers with another name; those that Keras numbered anew are left alone."""
    selectors = Selectors(before)
    for layer in diff.layers:
        node = before.get(layer.renamed_from or "")
        if node is not None and layer.kind == "renamed" and not layer.drifted:
            name = layer.layer.rpartition("/")[2]
            if "{name}" not in name and _has_yaml(name):
                yield Proposal((selectors.of(node),), "", name, rename=True)


def _key(change: AttributeChange) -> str:
    sides = ["-" if isinstance(v, Missing) else repr(v) for v in (change.before, change.after)]
    return repr([change.attribute, *sides])


def _is_settable(change: AttributeChange) -> bool:
    if change.attribute in _NEVER or change.attribute.startswith("build_config."):
        return False
    return change.after is MISSING or _has_yaml(change.after)


def _has_yaml(value: JSON | Missing) -> bool:
    try:
        flow(value, literal=True)  # type: ignore[arg-type]  # an absent value is not JSON either
    except (ValueError, TypeError):
        return False
    return True


def _yaml(value: JSON | Missing) -> str:
    if isinstance(value, Missing):
        return "absent"
    return flow(value) if _has_yaml(value) else "something that YAML cannot hold"


def _compile_proposals(diff: ModelDiff, before: ModelTree) -> Iterator[Proposal]:
    for change in diff.compile:
        if as_mapping(change.after).get("class") == "MultiOptimizer":
            was = f"was {_yaml(compact(change.before))}"
            yield from rate_proposals(as_mapping(change.after), before, was) or ()
            continue
        path = change.attribute.replace("inner_optimizer.", "")
        value = None if isinstance(change.after, Missing) else change.after
        if _has_yaml(value):
            yield Proposal((), path, compact(value), f"was {_yaml(compact(change.before))}")


def _consents(diff: ModelDiff, before: ModelTree) -> Iterator[Proposal]:
    """Layers whose arrays have other shapes: they must agree to lose them."""
    selectors = Selectors(before)
    origins = {each.layer: each.renamed_from for each in diff.layers if each.renamed_from}
    losing = dict.fromkeys(
        each.layer
        for each in (diff.weights.changed if diff.weights else ())
        if each.layer is not None and each.shape_before is not None
    )
    for layer in losing:
        node = before.get(origins.get(layer, layer))
        if node is not None:
            yield Proposal((selectors.of(node),), "", note="other shapes", reinitialize=True)


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
        refused.append(f"{where}: {what} → {_yaml(proposal.value)}: {why}")
    return [each for each in proposals if each not in culprits]


def _kind(proposal: Proposal) -> str:
    if proposal.rates:
        return ", ".join(proposal.rates)
    return "rename" if proposal.rename else "reinitialize"


def _names(layers: Sequence[str]) -> str:
    more = f" and {len(layers) - 3:,} more" if len(layers) > 3 else ""
    return f"{', '.join(layers[:3])}{more}"


def _left_over(plan: Plan, before: ModelTree, after: ModelTree) -> Iterator[str]:
    """What still differs between the planned config and the one to arrive at."""
    planned = read_tree(plan.after)
    rest = compare_trees(Side(planned), Side(after))
    for layer in rest.layers:
        yield from _layer_left(layer)
    for change in rest.model:
        yield f"the model: {_change(change)}"
    one, other = stored_model(planned, None), stored_model(after, None)
    asked = {change.attribute for change in plan.compile_changes}
    for change in compare_compile(one, other):
        if plan.rates and change.attribute == "optimizer":
            continue  # the engine makes the MultiOptimizer of them
        rate_asked = change.attribute.endswith("learning_rate") and change.attribute in asked
        if not rate_asked:  # the effective one may not be the one in the config
            yield f"compile: {_change(change)}"


def _layer_left(layer: LayerDiff) -> Iterator[str]:
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
    for change in layer.changes:
        yield f"{layer.layer}: {_change(change)}"


def _only_drifted(layer: LayerDiff) -> bool:
    """Whether all that happened is that Keras counted on: `dense_3`, then `dense_7`."""
    names = [path.rpartition("/")[2] for path in (layer.layer, layer.renamed_from or "")]
    made_up = all(is_made_up(name, layer.class_name) for name in names)
    return layer.kind == "renamed" and made_up and not layer.changes


def _change(change: AttributeChange) -> str:
    return f"{change.attribute} {_yaml(change.before)} → {_yaml(change.after)}"


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
