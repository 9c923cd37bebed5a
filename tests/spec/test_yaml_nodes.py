"""YAML to nodes: places, limits, and that nothing but a problem ever comes out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kover.errors import AnswerIsNo, KoverError
from kover.problems import Problem
from kover.spec.files import SpecText
from kover.spec.nodes import Node
from kover.spec.yaml_nodes import read_nodes
from kover.spec.yaml_scalars import ScalarError, resolve_plain


def read(text: str) -> Node:
    return read_nodes(SpecText("s.yaml", text, ""))


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(AnswerIsNo) as caught:
        read(text)
    return caught.value.problems


def nodes_in(node: Node) -> Iterator[Node]:
    yield node
    for _, part in node.parts():
        yield from nodes_in(part)


PLACED = """\
# a comment
first: plain text
"second": 'it''s'
naïve: 0x1F
tabs: ["a\tb", c]
list: [a, {b: c}]
rows:
- x
-   - y
    - "é𝄞": z # é𝄞
"""


def test_every_scalar_stands_where_its_place_says() -> None:
    text = SpecText("s.yaml", PLACED, "")
    written = {"it's": "'it''s'", 31: "0x1F", "a\tb": '"a\tb"'}
    scalars = [node for node in nodes_in(read(PLACED)) if not (node.items or node.entries)]
    assert len(scalars) == 10
    for node in scalars:
        source = node.source
        assert source.line is not None
        assert source.column is not None
        assert source.end_column is not None
        shown = text.line(source.line)[source.column - 1 : source.end_column - 1]
        assert shown == written.get(node.data, node.data)  # type: ignore[arg-type]


def test_every_key_stands_where_its_place_says() -> None:
    text = SpecText("s.yaml", PLACED, "")
    keys = [(k, e.key_source) for n in nodes_in(read(PLACED)) for k, e in n.entries.items()]
    assert len(keys) == 8
    for key, source in keys:
        assert source.line is not None
        assert source.column is not None
        assert source.end_column is not None
        shown = text.line(source.line)[source.column - 1 : source.end_column - 1]
        assert shown.strip('"') == key


def test_a_flow_mapping_is_all_between_its_brackets() -> None:
    node = read("a: {b: 1,  c: [2]} # end\n").at(("a",))
    assert (node.source.column, node.source.end_column) == (4, 19)


def test_an_anchor_and_a_tag_do_not_belong_to_the_value() -> None:
    node = read("a: &x !!str 12\n").at(("a",))
    assert (node.data, node.source.column, node.source.end_column) == ("12", 13, 15)


def test_a_value_gives_the_place_of_each_part() -> None:
    value = read("a: {b: [1, {c: 2}]}\n").at(("a",)).value()
    assert value.data == {"b": [1, {"c": 2}]}
    assert value.source("b", 1, "c").column == 16
    assert value.key_source("b", 1, "c").column == 13
    assert value.source("b", 7).column == 8
    part = value.part("b", 1)
    assert (part.data, part.source("c").column, part.key_source("c").column) == ({"c": 2}, 16, 13)


def test_crlf_and_lone_cr_end_lines_as_in_an_editor() -> None:
    root = read("a: 1\r\nb: 2\rc: 3\n")
    assert [entry.key_source.line for entry in root.entries.values()] == [1, 2, 3]


def test_aliases_share_what_their_anchor_says_and_stand_where_they_are_written() -> None:
    root = read("a: &x {l: 1}\nb: *x\n")
    assert root.data == {"a": {"l": 1}, "b": {"l": 1}}
    assert (root.at(("b",)).source.line, root.at(("b",)).source.column) == (2, 4)
    assert root.at(("b", "l")).source.line == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("b: &b {x: 1, y: 2}\nm: {<<: *b, y: 3}\n", {"x": 1, "y": 3}),
        ("b: &b {x: 1}\nm: {y: 3, <<: *b}\n", {"x": 1, "y": 3}),
        ("a: &a {x: 1}\nb: &b {x: 2, z: 0}\nm: {<<: [*a, *b]}\n", {"x": 1, "z": 0}),
        ("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nm: {<<: *b}\n", {"x": 1, "y": 2}),
        ('m: {"<<": 1}\n', {"<<": 1}),
    ],
)
def test_merge_keys_give_what_is_not_there_already(text: str, value: object) -> None:
    assert read(text).at(("m",)).data == value


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~", "\n\n", "---\n...\n"])
def test_an_empty_document_is_null(text: str) -> None:
    assert read(text).data is None


def test_a_directive_does_not_bring_back_yaml_1_1() -> None:
    assert read("%YAML 1.1\n---\na: no\nb: 010\n").data == {"a": "no", "b": 10}


def test_escaped_surrogate_pairs_are_one_character() -> None:
    assert read('a: "\\ud83d\\ude00"\n').data == {"a": "😀"}


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", (3, 1)),
        ('a: 1\n"a": 3\n', "duplicate-key", (2, 1)),
        ("a: 1\n---\nb: 2\n", "second-document", (2, 1)),
        ("a: !!python/object/apply:os.system [x]\n", "yaml-tag", (1, 4)),
        ("a: !mine x\n", "yaml-tag", (1, 4)),
        ("a: &k !!set {x}\n", "yaml-tag", (1, 7)),
        ("a: !!timestamp 2020-01-01\n", "yaml-tag", (1, 4)),
        ("1: a\n", "key-not-text", (1, 1)),
        ("a: {true: b}\n", "key-not-text", (1, 5)),
        ("? [a]\n: b\n", "key-not-text", (1, 3)),
        ("? {a: b}\n: b\n", "key-not-text", (1, 3)),
        ("a: .inf\n", "bad-number", (1, 4)),
        ("a:\n  - 1\n  - 1e999\n", "bad-number", (3, 5)),
        (f"a: {'7' * 5000}\n", "bad-number", (1, 4)),
        ('a: "\\ud800"\n', "lone-surrogate", (1, 4)),
        ('a: "\\U00110000"\n', "yaml-syntax", (1, 7)),
        ("a: &x [*x]\n", "cyclic-alias", (1, 8)),
        ("a: &x {b: {c: *x}}\n", "cyclic-alias", (1, 15)),
        ("- layers: *_conv\n", "unknown-alias", (1, 11)),
        ("- layers: **/conv\n", "yaml-syntax", (1, 12)),
        ("a: {b: conv[1-3]}\n", "yaml-syntax", (1, 12)),
        ("a: {<<: 3}\n", "bad-merge", (1, 9)),
        ("a: {<<: [3]}\n", "bad-merge", (1, 9)),
        ("a: &a {x: 1}\nb: {<<: *a, <<: *a}\n", "duplicate-key", (2, 13)),
        ("a: b: c\n", "yaml-syntax", (1, 5)),
        ("a:\n\tb: 1\n", "yaml-syntax", (2, 1)),
        ("a: [1, 2\n", "yaml-syntax", (1, 4)),
        ("a: 'x\n", "yaml-syntax", (1, 4)),
        ("a: @x\n", "yaml-syntax", (1, 4)),
        ("a: !<%ff> b\n", "yaml-syntax", (1, 6)),
        ("%YAML 2.0\n---\na\n", "yaml-syntax", (1, 1)),
        ("a: !nope!x y\n", "yaml-syntax", (1, 4)),
    ],
)
def test_what_is_no_spec_is_a_problem_at_its_place(
    text: str, code: str, place: tuple[int, int]
) -> None:
    (problem,) = problems_of(text)
    assert problem.source is not None
    assert (problem.code, (problem.source.line, problem.source.column)) == (code, place)
    assert problem.help


def test_a_duplicate_key_names_the_first_one() -> None:
    (problem,) = problems_of("a: 1\nb: 2\na: 3\n")
    assert [(source.line, source.column) for source in problem.related] == [(1, 1)]


def test_a_glob_that_reads_as_an_alias_is_told_to_be_quoted() -> None:
    (problem,) = problems_of("layers: *_conv\n")
    assert problem.help == 'a glob that begins with * must be quoted: "*_conv"'


def test_faults_that_do_not_hide_each_other_are_reported_together() -> None:
    found = problems_of("a: 1\na: 2\n3: x\nb: .nan\nc: !x y\n")
    assert [p.code for p in found] == ["duplicate-key", "key-not-text", "bad-number", "yaml-tag"]


def bomb() -> str:
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    return "\n".join(rows)


def merge_bomb() -> str:
    rows = ["a0: &a0 {" + ", ".join(f"k{i}: 1" for i in range(100)) + "}"]
    rows += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 50)}]}}" for i in range(1, 30)]
    return "\n".join(rows)


HOSTILE = {
    "alias bomb": (bomb(), "spec-too-large"),
    "merge bomb": (merge_bomb(), "spec-too-large"),
    "aliases of aliases": (
        "- &a0 [x]\n" + "".join(f"- &a{i} [*a{i - 1}]\n" for i in range(1, 60)),
        "spec-too-deep",
    ),
    "open brackets": ("[" * 100_000, "spec-too-deep"),
    "open braces": ("{a: " * 100_000, "spec-too-deep"),
    "dashes": ("- " * 100_000, "spec-too-deep"),
    "questions": ("? " * 100_000, "spec-too-deep"),
    "many keys": ("".join(f"k{i}: {i}\n" for i in range(50_000)), "spec-too-large"),
    "many items": ("[" + "1," * 100_000 + "]", "spec-too-large"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_document_built_to_exhaust_is_refused_at_once(name: str) -> None:
    text, code = HOSTILE[name]
    began = time.process_time()
    (problem,) = problems_of(text)
    assert time.process_time() - began < 2
    assert problem.code == code
    assert problem.source is not None
    assert problem.source.line is not None


def outcome(text: str) -> Any:
    """The data of a document, or the codes of its problems, each of which must be complete."""
    try:
        return read(text).data
    except KoverError as error:
        found = error.problems
    for problem in found:
        assert problem.source is not None
        assert (problem.source.line or 0) > 0 < (problem.source.column or 0)
        assert problem.help
    return [problem.code for problem in found]


def safe_text() -> st.SearchStrategy[str]:
    """Text that is printable, and text in YAML 1.1 and 1.2 alike."""
    printable = st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\ufeff"
    )
    return st.text(printable, max_size=12).filter(is_text_everywhere)


def is_text_everywhere(text: str) -> bool:
    try:
        return isinstance(resolve_plain(text), str) and isinstance(yaml.safe_load(text), str)
    except (ScalarError, yaml.YAMLError, ValueError):
        return True  # then PyYAML quotes it


def documents() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | safe_text()
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(safe_text(), inner, max_size=4).filter(lambda d: "<<" not in d)
        ),
        max_leaves=12,
    )


@given(documents(), st.booleans())
def test_what_pyyaml_writes_reads_back_equal(data: Any, flow: bool) -> None:
    text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow)
    assert outcome(text) in (data, ["spec-too-deep"])


@given(st.text(st.sampled_from("ab1:-?[]{}&*!|>'\"%@`#,. \n\t<\\~é"), max_size=60))
def test_any_text_is_a_document_or_a_problem_with_a_place(text: str) -> None:
    outcome(text)
