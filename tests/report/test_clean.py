"""No outside text reaches a terminal unescaped or endless."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.report.clean import LONGEST, clean

DANGEROUS = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dense_1", "dense_1"),
        ("Füße 層 😀", "Füße 層 😀"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202efed", "abc\\u202efed"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\x00", "\\x00"),
    ],
)
def test_what_a_terminal_could_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_long_text_is_cut() -> None:
    assert clean("x" * 10_000) == "x" * (LONGEST - 1) + "…"
    assert clean("\x00" * 10_000).endswith("…")
    assert clean("abcdef", longest=4) == "abc…"
    assert clean("x" * LONGEST) == "x" * LONGEST


@given(st.text(st.characters(), max_size=300))
def test_any_text_comes_out_harmless_and_short(text: str) -> None:
    shown = clean(text)
    assert DANGEROUS.search(shown) is None
    assert len(shown) <= LONGEST
    assert shown.isprintable()
    assert clean(shown) == shown
