"""Values are lost only with consent, and the problem says what and where."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kover.engine.consent import covers, missing_consent, seed_for
from kover.engine.identity import OptimizerKey, StateKey, VariableKey
from kover.engine.twin import TwinArray
from kover.planning.plan import AttributeChange, Consent, Plan
from kover.source import Source

WHERE = Source("spec.yaml", 4, 5)
ELSEWHERE = Source("spec.yaml", 9, 5)
KERNEL = VariableKey("a", "", "kernel")
QUERY = VariableKey("mha", "query_dense", "kernel")


def consent(layer: str, *variables: str, seed: int = 0) -> Consent:
    return Consent(layer, seed, variables, WHERE)


def plan(*consents: Consent, changed: Sequence[tuple[str, Source]] = (("a", WHERE),)) -> Plan:
    changes = tuple(
        AttributeChange(layer, "Dense", "units", 2, 3, source) for layer, source in changed
    )
    return Plan(before={}, after={}, changes=changes, consents=consents)


def arrays(**shapes: tuple[int, ...]) -> dict[StateKey, TwinArray]:
    keys = [VariableKey(*name.split("_")[:1], "", name.split("_")[1]) for name in shapes]
    return {
        key: TwinArray(key, (f"{key}",), shape, "float32")
        for key, shape in zip(keys, shapes.values(), strict=True)
    }


@pytest.mark.parametrize(
    ("globs", "key", "expected"),
    [
        ((), KERNEL, True),
        (("kernel",), KERNEL, True),
        (("ker*", "bias"), KERNEL, True),
        (("bias",), KERNEL, False),
        (("kernel",), QUERY, True),
        (("query_dense/*",), QUERY, True),
        (("key_dense/*",), QUERY, False),
        (("Kernel",), KERNEL, False),
    ],
)
def test_globs_are_matched_against_the_name_and_the_name_within_the_layer(
    globs: tuple[str, ...], key: VariableKey, expected: bool
) -> None:
    assert covers(consent(key.layer, *globs), key) is expected
    assert not covers(consent("other", *globs), key)


def test_the_later_seed_wins() -> None:
    assert seed_for(plan(), KERNEL) is None
    assert seed_for(plan(consent("a", seed=1), consent("a", seed=2)), KERNEL) == 2
    later = plan(consent("a", seed=1), consent("a", "bias", seed=2))
    assert seed_for(later, KERNEL) == 1
    assert seed_for(plan(consent("a", seed=0)), KERNEL) == 0


def test_all_losses_are_listed_with_both_shapes() -> None:
    old = arrays(a_kernel=(2, 3), a_bias=(3,), b_kernel=(3, 4), c_kernel=(4, 4))
    new = arrays(a_kernel=(2, 5), b_kernel=(5, 4), c_kernel=(4, 4))
    where = {key: array.places[0] for key, array in old.items()}
    problem = missing_consent(plan(), old, new, where)
    assert problem is not None
    assert problem.code == "needs-reinitialize"
    assert "'a' (kernel (2, 3) becomes (2, 5), bias (3,) goes)" in problem.message
    assert "'b' (kernel (3, 4) becomes (5, 4))" in problem.message
    assert "'c'" not in problem.message
    assert problem.help is not None
    assert "'a', 'b'" in problem.help
    assert problem.source == WHERE


def test_consent_for_some_leaves_the_others() -> None:
    old, new = arrays(a_kernel=(2, 3), a_bias=(3,)), arrays(a_kernel=(2, 4), a_bias=(4,))
    where = {key: array.places[0] for key, array in old.items()}
    problem = missing_consent(plan(consent("a", "kernel")), old, new, where)
    assert problem is not None
    assert "kernel" not in problem.message
    assert missing_consent(plan(consent("a")), old, new, where) is None


def test_what_only_comes_and_what_belongs_to_the_optimizer_needs_none() -> None:
    old = arrays(a_kernel=(2, 3))
    rate = OptimizerKey("", "learning_rate", "Adam")
    old[rate] = TwinArray(rate, ("optimizer/vars/1",), (), "float32")
    new = arrays(a_kernel=(2, 3), a_bias=(3,))
    where = {key: array.places[0] for key, array in old.items()}
    assert missing_consent(plan(), old, new, where) is None


def test_a_layer_downstream_blames_the_override_that_reshapes() -> None:
    old, new = arrays(b_kernel=(2, 3)), arrays(b_kernel=(4, 3))
    where = {key: array.places[0] for key, array in old.items()}
    problem = missing_consent(plan(changed=[("a", ELSEWHERE)]), old, new, where)
    assert problem is not None
    assert problem.source == ELSEWHERE


def test_a_long_list_is_cut() -> None:
    old: dict[StateKey, TwinArray] = {}
    for number in range(20):
        key = VariableKey(f"layer_{number}", "", "kernel")
        old[key] = TwinArray(key, (f"{number}",), (2,), "float32")
    where = {key: array.places[0] for key, array in old.items()}
    problem = missing_consent(plan(), old, {}, where)
    assert problem is not None
    assert "and 8 more layers" in problem.message
    assert "layer_15" not in problem.message
