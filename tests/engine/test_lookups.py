"""Lookup layers with another vocabulary, or another form of it, load with plain Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.keras, pytest.mark.needs_backend("tensorflow")]

Lookup = Callable[..., Path]

HEAD = "\n  - {layers: head, reinitialize: true}"


@pytest.fixture(scope="module")
def lookup(judge: Any, folder: Path) -> Lookup:
    made: dict[str, Path] = {}

    def make(kind: str, **arguments: Any) -> Path:
        key = repr((kind, arguments))
        if key not in made:
            made[key] = folder / f"lookup_{len(made)}.keras"
            judge("lookups.make", path=made[key], kind=kind, **arguments)
        return made[key]

    return make


def setting(text: str) -> str:
    return f"overrides:\n  - {{layers: look, set: {{{text}}}}}"


@pytest.mark.parametrize(
    ("kind", "tokens"),
    [
        ("StringLookup", "[w, x, y, z]"),
        ("IntegerLookup", "[6, 7, 8, 9]"),
        ("TextVectorization", "[w, x, y, z]"),
    ],
)
@pytest.mark.parametrize("mode", ["multi_hot", "int"])
@pytest.mark.parametrize("adapted", [False, True])
def test_a_longer_vocabulary(
    kind: str, tokens: str, mode: str, adapted: bool, lookup: Lookup, apply: Any, judge: Any
) -> None:
    more = {"output_sequence_length": 1} if (kind, mode) == ("TextVectorization", "int") else {}
    model = lookup(kind, adapted=adapted, output_mode=mode, **more)
    spec = setting(f"vocabulary: {tokens}") + (HEAD if mode != "int" else "")
    found = judge("lookups.vocabulary", path=apply(model, spec).path)
    assert found["warnings"] == []
    assert found["tokens"][-4:] == tokens.strip("[]").split(", ")
    assert found["noted"] == len(found["tokens"])
    assert found["outputs"] == [1, 2]


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        ("num_oov_indices: 2", 5),
        ("num_oov_indices: 0", 3),
        ("mask_token: m", 4),
        ("vocabulary: ['[UNK]', x, y], num_oov_indices: 1", 3),
        ("max_tokens: 9", 4),
    ],
)
def test_other_settings_that_decide_the_size(
    spec: str, size: int, lookup: Lookup, apply: Any, judge: Any
) -> None:
    model = lookup("StringLookup", output_mode="one_hot")
    changed = apply(model, setting(spec) + HEAD * (size != 4)).path
    found = judge("lookups.vocabulary", path=changed)
    assert (len(found["tokens"]), found["noted"]) == (size, size)


def test_a_longer_vocabulary_needs_consent_downstream(lookup: Lookup, refused: Any) -> None:
    model = lookup("StringLookup", output_mode="one_hot")
    problems = refused(model, setting("vocabulary: [w, x, y, z]"))
    assert [problem.code for problem in problems] == ["needs-reinitialize"]


@pytest.mark.parametrize("adapted", [False, True])
def test_fewer_tokens_than_there_are_is_refused_before_the_file_is_written(
    adapted: bool, lookup: Lookup, refused: Any
) -> None:
    [problem] = refused(lookup("IntegerLookup", adapted=adapted), setting("max_tokens: 3"))
    assert problem.code == "keras-refuses-layer"
    assert "`max_tokens` is 3" in problem.message
    assert problem.source.line == 3


def test_a_spec_and_its_inverse_give_back_the_config(lookup: Lookup, apply: Any) -> None:
    from kover.archive.reader import open_archive

    model = lookup("StringLookup", output_mode="one_hot")
    there = apply(model, setting("vocabulary: [w, x, y, z]") + HEAD).path
    back = apply(there, setting("vocabulary: [a, b, c]") + HEAD).path
    with open_archive(model) as before, open_archive(back) as after:
        assert config_of(before.config) == config_of(after.config)


def config_of(root: Any) -> Any:
    return next(each["config"] for each in root["config"]["layers"] if each["name"] == "look")
