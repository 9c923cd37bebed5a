"""A spec's text, read and planned as `kover validate` would."""

from __future__ import annotations

import hashlib

from kover.modelconfig.nodes import ModelTree
from kover.planning.plan import Plan
from kover.planning.planner import ModelFacts, plan_specs
from kover.spec.document import Spec
from kover.spec.files import SpecText
from kover.spec.loading import spec_of
from kover.spec.yaml_nodes import read_nodes

NAME = "spec.yaml"


def read_text(text: str, path: str = NAME) -> Spec:
    """The spec that a text spells.

    Raises:
        AnswerIsNo: it is not a valid spec.
    """
    source = SpecText(path, text, hashlib.sha256(text.encode()).hexdigest())
    return spec_of(source, read_nodes(source))


def plan_text(text: str, tree: ModelTree, keras_version: str | None = None) -> Plan:
    """What the spec does to a model.

    Raises:
        AnswerIsNo: it is not valid, or does not fit.
    """
    facts = ModelFacts(NAME, keras_version, lambda: "")
    return plan_specs([read_text(text)], tree, facts)
