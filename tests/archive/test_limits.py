"""Sizes as people read them."""

from __future__ import annotations

import pytest

from kover.archive.limits import size_text
from kover.archive.refusal import quoted


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (32 << 20, "32.0 MiB"),
        (3 << 29, "1.5 GiB"),
    ],
)
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    assert size_text(size) == text


def test_quoted_text_has_no_control_characters_and_an_end() -> None:
    assert quoted("a\x1b[31m\u202e\n") == r"'a\x1b[31m\u202e\n'"
    assert len(quoted("x" * 1000)) == 63
