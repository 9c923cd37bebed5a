"""Models as Keras 3.15 writes them, and specs written on the spot.

Under an older Keras the models lack what it does not know.
"""

from __future__ import annotations

import copy
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from kover.catalogue.installed import installed_keras
from kover.errors import AnswerIsNo
from kover.modelconfig.tree import read_tree
from kover.planning.guards import ModelFacts
from kover.planning.plan import Plan
from kover.planning.planner import plan_specs
from kover.spec.loading import load_spec

CONFIGS = Path(__file__).with_name("configs")
NEW = {"quantization_config", "input_axes", "output_axes"}
NEW |= {"renorm", "renorm_clipping", "renorm_momentum"}
NEWEST = Version(installed_keras() or "3.15") >= Version("3.15")


def facts_of(**known: Any) -> ModelFacts:
    return ModelFacts(
        **{"path": "model.keras", "keras_version": "3.15.1", "sha256": lambda: "ab" * 32, **known}
    )


def older(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Without the arguments that came after Keras 3.10, which all have their defaults here."""
    return {key: value for key, value in pairs if key not in NEW}


@pytest.fixture
def config() -> Callable[[str], dict[str, Any]]:
    """A parsed `config.json`, fresh for every call."""

    def read(name: str) -> dict[str, Any]:
        text = (CONFIGS / f"{name}.json").read_text()
        loaded: dict[str, Any] = json.loads(text, object_pairs_hook=dict if NEWEST else older)
        return loaded

    return read


@pytest.fixture
def plan(tmp_path: Path, config: Callable[[str], dict[str, Any]]) -> Callable[..., Plan]:
    """Plan the texts of some specs over a model: a name, or a config."""

    def run(model: str | dict[str, Any], *texts: str, **known: Any) -> Plan:
        root = config(model) if isinstance(model, str) else model
        untouched = copy.deepcopy(root)
        specs = []
        for number, text in enumerate(texts):
            path = tmp_path / f"spec{number or ''}.yaml"
            path.write_text(f"version: 1\n{textwrap.dedent(text)}")
            specs.append(load_spec(str(path)))
        try:
            return plan_specs(specs, read_tree(root), facts_of(**known))
        finally:
            assert root == untouched, "planning modified the config"

    return run


@pytest.fixture
def refusals(plan: Callable[..., Plan]) -> Callable[..., list[str]]:
    """The problems that a spec meets, as `line:column code message | help` without the path."""

    def run(model: str | dict[str, Any], *texts: str, **known: Any) -> list[str]:
        with pytest.raises(AnswerIsNo) as caught:
            plan(model, *texts, **known)
        return [
            f"{p.source.line}:{p.source.column} {p.code} {p.message} | {p.help}"
            for p in caught.value.problems
            if p.source is not None and p.severity == "error"
        ]

    return run
