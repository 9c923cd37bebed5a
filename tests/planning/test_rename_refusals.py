"""Names that a layer cannot have, each refused at its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Refusals = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("model", "override", "expected"),
    [
        ("flowers", "{layers: hidden, rename: dropout}",
         "3:28 name-taken 'hidden' cannot be named 'dropout': 'dropout' has it | names are unique"),
        ("flowers", '{layers: {class: Dense}, rename: x}',
         "3:36 several-layers 2 layers match, and 'rename' would call them all 'x' | select one of"
         " 'hidden', 'predictions', or keep the old names in it: 'rename: \"x_{name}\"'"),
        ("flowers", "{layers: image, rename: x}", "3:27 several-layers "),
        ("flowers", "{layers: flowers, rename: x}",
         "3:12 unknown-layer no layer matches 'flowers' | 'flowers' is the model itself, which"),
        ("flowers", "{layers: hiden, rename: x}",
         "3:12 unknown-layer no layer matches 'hiden' | did you mean 'hidden'?"),
        ("mixed", "{layers: bi/forward_lstm, rename: fw}",
         "3:37 bad-name Keras lets the name of 'bi/forward_lstm' begin with 'forward_',"),
        ("flowers", "{layers: hidden, rename: a b}",
         "3:28 bad-name TensorFlow cannot run a layer named 'a b' | its names are made of letters"),
        ("flowers", "{layers: hidden, rename: '{name}é'}", "3:28 bad-name TensorFlow cannot "),
        ("multi", "{layers: a, rename: z}",
         "3:23 pattern-names-layer the optimizer's pattern '(multi/)?a/.*' may mean other"),
        ("flowers", "{layers: hidden, rename: h, was: {units: 1}}", "3:44 was-differs "),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_is_refused_at_its_place(
    refusals: Refusals, model: str, override: str, expected: str
) -> None:
    found = refusals(model, f"overrides:\n- {override}")
    assert len(found) == 1, found
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    ("name", "code"),
    [('""', "empty"), ('" "', "bad-name"), ("a/b", "bad-format"), ("3", "wrong-type"),
     ("[a]", "wrong-type"), ('"{nmae}_2"', "bad-name"), ('"{}"', "bad-name")],
)  # fmt: skip
def test_what_can_be_no_name_is_refused_with_the_spec(
    refusals: Refusals, name: str, code: str
) -> None:
    (found,) = refusals("flowers", f"overrides:\n- {{layers: hidden, rename: {name}}}")
    assert found.split()[:2] == ["3:28", code]


def test_two_renames_to_one_name_name_both_places(refusals: Refusals) -> None:
    text = "overrides:\n- {layers: hidden, rename: x}\n- {layers: dropout, rename: x}"
    found = refusals("flowers", text)
    assert [line.split()[:2] for line in found] == [["3:28", "name-taken"], ["4:29", "name-taken"]]
    assert "'dropout' gets it too" in found[0]
