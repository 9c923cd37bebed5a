"""Laws of `rename`, over made-up names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kover.archive.reader import open_archive
from kover.modelconfig.tree import read_tree
from kover.planning.guards import ModelFacts
from kover.planning.plan import Plan
from kover.planning.planner import plan_specs
from kover.source import Source
from kover.spec.document import Glob, Guards, Override, Spec, Value

CONFIGS = Path(__file__).with_name("configs")
FLOWERS: dict[str, Any] = json.loads((CONFIGS / "flowers.json").read_text())
MIXED: dict[str, Any] = json.loads((CONFIGS / "mixed.json").read_text())


def plan_renames(root: Any, *pairs: tuple[str, str]) -> Plan:
    """Paths and new names, without a spec file: fast enough for many."""
    overrides = []
    for line, (path, name) in enumerate(pairs, start=1):
        here = Source("spec.yaml", line, 1)
        value = Value(name, {(): Source("spec.yaml", line, 9)})
        overrides.append(Override(here, Glob(f"/{path}", here), here, rename=value))
    spec = Spec("spec.yaml", "", None, {}, Guards(), tuple(overrides), None)
    return plan_specs([spec], read_tree(root), ModelFacts("m", "3.15.1", lambda: ""))


NAMES = st.text("abcXYZ019_.->", min_size=1, max_size=12)


@given(st.sampled_from([FLOWERS, MIXED]), st.data())
def test_renaming_back_gives_the_first_config_again(root: Any, data: st.DataObject) -> None:
    paths = [n.path for n in read_tree(root).layers if not n.path.startswith("bi/forward")]
    chosen = data.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=4, unique=True))
    used = {node.name for node in read_tree(root).layers}
    fresh = NAMES.filter(lambda name: name not in used)
    names = data.draw(st.lists(fresh, min_size=len(chosen), max_size=len(chosen), unique=True))
    there = plan_renames(root, *zip(chosen, names, strict=True))
    old = {new: path.rpartition("/")[2] for path, new in there.renamed.items() if path in chosen}
    back = plan_renames(there.after, *old.items())
    assert json.dumps(back.after) == json.dumps(root)
    assert back.renamed == {new: path for path, new in there.renamed.items()}


def test_real_archives_can_be_renamed_through_and_through(real_models: Path) -> None:
    renamed = 0
    for path in sorted(real_models.glob("*.keras")):
        with open_archive(path) as archive:
            root = archive.config
        tree = read_tree(root)
        layers = [node for node in tree.layers if "name" in tree.config(node)]
        there = plan_renames(root, *((glob(n.path), f"{n.name}_z") for n in layers))
        names = {node.path: node.name for node in read_tree(there.after).layers}
        assert len(there.renamed) >= len(layers)
        back = [(glob(new), old.name) for old in layers for new in [there.renamed[old.path]]]
        assert all(names[there.renamed[node.path]] == f"{node.name}_z" for node in layers)
        assert json.dumps(plan_renames(there.after, *back).after) == json.dumps(root), path.name
        renamed += len(layers)
    assert renamed > 50


def glob(path: str) -> str:
    """A pattern that means this path alone."""
    return "".join(f"\\{c}" if c in "*?[\\" else c for c in path)
