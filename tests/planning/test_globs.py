"""Globs over layer names and paths."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.planning.globs import compile_glob, is_literal


def matches(pattern: str, path: str) -> bool:
    return compile_glob(pattern).matches(path.rsplit("/", 1)[-1], path)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("dense", "dense", True),
        ("dense", "backbone/dense", True),
        ("dense", "dense_1", False),
        ("Dense", "dense", False),
        ("dens?", "dense", True),
        ("dens?", "dens", False),
        ("conv*", "conv", True),
        ("conv*", "block/conv_1", True),
        ("*_1", "conv_1", True),
        ("conv[1-3]_*", "conv2_bn", True),
        ("conv[1-3]_*", "conv4_bn", False),
        ("conv[!1-3]", "conv4", True),
        ("conv[!1-3]", "conv2", False),
        ("conv[^1]", "conv2", True),
        ("a[]]b", "a]b", True),
        ("a[!]]b", "a]b", False),
        ("a[3-1]b", "a2b", False),
        ("a[!3-1]b", "a2b", True),
        ("a[bc", "a[bc", True),
        ("a[bc*", "a[bcd", True),
        (r"a[\]]b", "a]b", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("a\\", "a\\", True),
        ("a.b", "axb", False),
        ("a.b", "a.b", True),
        ("(a|b)+", "(a|b)+", True),
        ("/head", "head", True),
        ("/head", "backbone/head", False),
        ("/he*", "head", True),
        ("/he*", "backbone/head", False),
        ("backbone/conv*", "backbone/conv1", True),
        ("backbone/conv*", "outer/backbone/conv1", False),
        ("backbone/*", "backbone/block/conv", False),
        ("backbone/**", "backbone/block/conv", True),
        ("backbone/**", "backbone/conv", True),
        ("backbone/**", "backbone", False),
        ("**/conv", "conv", True),
        ("**/conv", "a/b/conv", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "a/b/c/y", False),
        ("a/**/b/**/c", "a/b/x/b/y/c", True),
        ("a/**/b/**/c", "a/x/y/c", False),
        ("a/*/b/**/c", "a/x/b/b/c", True),
        ("/**", "a/b", True),
        ("**", "a/b", True),
        ("b**", "a/block", True),
        ("a/b**", "a/block/conv", False),
        ("a/?", "a//", False),
        ("head/", "head", False),
        ("", "head", False),
        ("é*", "école", True),
        ("e\u0301*", "école", False),
        ("a*b", "a\nb", True),
    ],
)
def test_globs_are_read_as_in_gitignore(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("dense", "dense"),
        ("/head", "head"),
        ("a/b", "a/b"),
        (r"a\*b", "a*b"),
        ("a[b", "a[b"),
        ("a*", None),
        ("a/**", None),
        ("[a]", None),
    ],
)
def test_a_glob_without_wildcards_is_literal(pattern: str, literal: str | None) -> None:
    assert compile_glob(pattern).literal == literal
    assert is_literal(pattern) is (literal is not None)


@pytest.mark.parametrize(
    "pattern",
    [
        "*a*a*a*a*b",
        "*a" * 30 + "*b",
        "**/*a*a*a*a*b",
        "/".join(["**/*a*a"] * 8) + "/b",
        "?*" * 40 + "b",
    ],
)
def test_hostile_globs_take_no_time_on_long_names(pattern: str) -> None:
    name = "a" * 5000
    path = "/".join(["a" * 200] * 50)
    started = time.perf_counter()
    assert not compile_glob(pattern).matches(name, path)
    assert time.perf_counter() - started < 0.5


def slow_match(pattern: str, text: str) -> bool:
    """The textbook definition of `*` and `?`, with backtracking."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(slow_match(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and slow_match(pattern[1:], text[1:])


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_stars_and_question_marks_mean_what_the_textbook_says(pattern: str, name: str) -> None:
    assert compile_glob(pattern).matches(name, name) is slow_match(pattern, name)


@given(
    st.lists(st.sampled_from(["a", "b", "**", "*"]), min_size=2, max_size=6),
    st.text("ab/", min_size=1),
)
def test_double_stars_mean_what_a_regular_expression_says(parts: list[str], text: str) -> None:
    names = [name for name in text.split("/") if name] or ["a"]
    regex = "".join(
        {"**": "(?:[^/]+/)*", "*": "[^/]+/"}.get(part, f"{part}/") for part in parts[:-1]
    )
    regex += {"**": "(?:[^/]+/)*[^/]+/", "*": "[^/]+/"}.get(parts[-1], f"{parts[-1]}/")
    expected = re.fullmatch(regex, "".join(f"{name}/" for name in names)) is not None
    path = "/".join(names)
    assert compile_glob("/".join(parts)).matches_path(path) is expected


@given(st.text(max_size=20))
def test_every_string_is_a_glob(pattern: str) -> None:
    compile_glob(pattern).matches("a", "b/a")


@given(st.text(min_size=1, max_size=12).filter(lambda name: "/" not in name))
def test_an_escaped_name_matches_itself(name: str) -> None:
    escaped = "".join(f"\\{character}" for character in name)
    assert compile_glob(escaped).literal == name
    assert matches(escaped, name)
