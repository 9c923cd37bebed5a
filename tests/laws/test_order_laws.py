"""When the order of specs matters, and when not; and that nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SEEDS = range(100, 108)

Apply = Callable[..., Path]

pytestmark = pytest.mark.keras


def two_specs(seed: int, model: Path) -> tuple[Any, Any]:
    """Two random specs for layers of the model; no layer is in both, nor around one that is."""
    from random_making.specs import random_spec, tree_of

    tree = tree_of(model)
    tops = [node.path for node in tree.top_level]
    below = {top: {top, *(node.path for node in tree.descendants(top))} for top in tops}
    halves = [{path for top in tops[remainder::2] for path in below[top]} for remainder in range(2)]
    one, other = (random_spec(seed, model, within=half) for half in halves)
    other.learning_rate = None  # the optimizer is no layer
    assert one.settings
    assert other.settings
    return one, other


@pytest.mark.parametrize("seed", SEEDS)
def test_specs_for_different_layers_commute(
    seed: int, random_model: Any, apply: Apply, content: Any
) -> None:
    model = random_model(seed)
    one, other = (spec.text() for spec in two_specs(seed, model))
    together = content(apply(model, one, other))
    assert together == content(apply(model, other, one))
    assert together == content(apply(apply(model, one), other))
    assert together == content(apply(apply(model, other), one))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spec_split_in_two_is_the_same_spec(
    seed: int, random_model: Any, apply: Apply, content: Any
) -> None:
    from random_making.specs import random_spec

    model = random_model(seed)
    whole = json.loads(random_spec(seed, model).text())
    for at in range(1, len(whole["overrides"])):
        first = {"version": 1, "overrides": whole["overrides"][:at]}
        second = {**whole, "overrides": whole["overrides"][at:]}
        parts = apply(model, json.dumps(first), json.dumps(second))
        assert content(parts) == content(apply(model, json.dumps(whole)))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spec_and_its_inverse_give_back_the_config(
    seed: int, random_model: Any, apply: Apply, config: Any
) -> None:
    from random_making.specs import random_spec, tree_of

    from kover.modelconfig.backend_optimizers import with_public_optimizers
    from kover.modelconfig.keras_values import shorten

    model = random_model(seed)
    wanted = random_spec(seed, model)
    tree = tree_of(model)
    before = config(model)
    inverse: list[Any] = []
    for path, values in reversed(wanted.settings):
        node = tree.node(path)
        old = {name: shorten(tree.config(node)[name]) for name in values}
        inverse.append({"layers": f"/{path}", "set": old})
    spec: dict[str, Any] = {"version": 1, "overrides": inverse}
    if wanted.learning_rate is not None:
        rate = before["compile_config"]["optimizer"]["config"]["learning_rate"]
        spec["compile"] = {"optimizer": {"learning_rate": rate}}
    after = config(apply(apply(model, wanted.text()), json.dumps(spec)))
    before["compile_config"] = with_public_optimizers(before["compile_config"])
    assert after == before


def test_a_new_process_writes_the_same_bytes(
    random_model: Any, run_kover: Any, folder: Path
) -> None:
    from random_making.specs import structural_spec, tree_of

    model = random_model(SEEDS[0])
    wanted = structural_spec(SEEDS[0], model)
    assert wanted is not None
    wanted.settings = [("head", {"units": 5, "kernel_regularizer": {"l2": 0.1}})]
    wanted.consents = [node.path for node in tree_of(model).layers]
    wanted.learning_rate = 0.002
    spec = folder / "everything.yaml"
    spec.write_text(wanted.text(), encoding="utf-8")
    written = []
    for hash_seed in ("1", "2"):
        output = folder / f"hash_{hash_seed}.keras"
        done = run_kover(
            *["apply", model, spec, "-o", output, "--no-report"],
            env={"PYTHONHASHSEED": hash_seed, "TZ": f"UTC+{hash_seed}"},
        )
        assert done.returncode == 0, done.stderr
        written.append(output.read_bytes())
    assert written[0] == written[1]


def test_a_spec_that_asks_for_what_is_there_copies_every_byte_of_the_model(
    random_model: Any, apply: Apply, content: Any
) -> None:
    model = random_model(SEEDS[1])
    same = json.dumps({"version": 1, "overrides": [{"layers": "head", "set": {"units": 3}}]})
    assert content(apply(model, same)) == content(model)
