"""The table of lint rules, in no order that matters, and what runs them.

A rule is a function from a `Subject` to warnings; it is pure, and knows no Keras but the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kover.linting import (
    batch_norm_wakes,
    decay_on_bias,
    dropout_begins,
    frozen_layer,
    head_does_not_fit,
    learning_rate_jump,
    logits_mismatch,
    needs_reinitialize,
    newer_than_model,
)
from kover.linting.subject import Rule, Subject
from kover.linting.switches import lint_specs, wanted
from kover.modelconfig.tree import ModelTree
from kover.planning.plan import Plan
from kover.problems import Problem
from kover.spec.document import Spec

RULES: Final = (
    Rule("batch-norm-wakes", batch_norm_wakes.check),
    Rule("decay-on-bias", decay_on_bias.check),
    Rule("dropout-begins", dropout_begins.check),
    Rule("frozen-layer", frozen_layer.check),
    Rule("head-does-not-fit", head_does_not_fit.check),
    Rule("learning-rate-jump", learning_rate_jump.check),
    Rule("logits-mismatch", logits_mismatch.check),
    Rule("needs-reinitialize", needs_reinitialize.check),
    Rule("newer-than-model", newer_than_model.check),
)


def lint(
    plan: Plan, tree: ModelTree, specs: Sequence[Spec], saved_by: str | None = None
) -> tuple[Problem, ...]:
    """What is odd about a plan that is sound: warnings, without those that a spec switches off.

    Args:
        plan: of the specs for the model.
        tree: the model before.
        specs: as planned, in order.
        saved_by: the version of the Keras that saved the model, None where it is not known.
    """
    subject = Subject(plan, tree, specs, saved_by)
    found = [problem for rule in RULES for problem in rule.check(subject)]
    return wanted([*found, *lint_specs(specs)], specs)
