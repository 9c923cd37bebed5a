"""Names that would like to be markup, terminal commands or code are names in every format."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from kover.cli.main import run
from kover.report.markdown import code, plain

NAMES = [
    "<img src=x onerror=alert(1)>",
    "\x1b]0;owned\x07\x1b[31mred\x9b2J",
    "pipe|tick``` `x`",
    "\u202egpj.exe\u2066",
    "[bold][click](javascript:alert(1)) @everyone #1 https:x www.evil.example",
    "a\r\n::error::b",
    "{{ 7*7 }}{% raw %}",
    '"><svg onload=alert(1)>',
]
FORMATS = ["text", "json", "markdown", "html", "spec"]
Write = Callable[[Path, dict[str, Any]], None]


class Tags(HTMLParser):
    """What elements and attributes a page has, and what is text in it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts = 0
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.scripts += tag == "script"
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(params=NAMES)
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, tiny_config: dict[str, Any], archive_of: Write
) -> tuple[Path, Path]:
    """Two models in which everything that has a name has this one."""
    name = request.param
    layers = tiny_config["config"]["layers"]
    tiny_config["config"]["name"] = f"</script>{name}"
    layers[1]["config"]["name"] = name
    layers[2] |= {"class_name": name, "registered_name": f"pkg>{name}", "module": name}
    layers[2]["config"][f"x{name}"] = name
    tiny_config["compile_config"]["loss"] = name
    archive_of(tmp_path / "a.keras", tiny_config)
    other = copy.deepcopy(tiny_config)
    other["config"]["layers"][1]["config"]["activation"] = f"{name}2"
    other["config"]["layers"][2]["config"][f"x{name}"] = f"{name}2"
    other["compile_config"]["loss"] = f"</script>{name}2"
    other["config"]["layers"].append(copy.deepcopy(layers[1]))
    other["config"]["layers"][-1]["config"]["name"] = f"{name}new"
    archive_of(tmp_path / "b.keras", other)
    return tmp_path / "a.keras", tmp_path / "b.keras"


def harmless(text: str, format_: str) -> None:
    """Nothing in it can be obeyed."""
    assert all(line.isprintable() for line in text.split("\n")), format_
    if format_ == "json":
        assert text.isascii()
        json.loads(text)
    elif format_ == "markdown":
        harmless_markdown(text)
    elif format_ == "html":
        page = Tags()
        page.feed(text)
        assert page.scripts == 1
        assert {"img", "iframe", "a", "object"} & page.tags == set()
        assert not [name for name in page.attributes if name.startswith("on")]
        assert "src" not in page.attributes


def harmless_markdown(text: str) -> None:
    outside = re.sub(r"`[^`]*`", "", text)
    tags = set(re.findall(r"<[^>]*>?", outside))
    ours = {"<details>", "<details open>", "</details>", "<summary>", "</summary>", "<br>"}
    assert tags <= ours | {"<code>", "</code>"}
    assert "@everyone" not in outside
    assert "](" not in outside
    assert "www.evil" not in outside
    for row in [line for line in text.splitlines() if line.startswith("| ")]:
        assert row.count("|") in range(3, 9)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_diff_is_harmless(
    format_: str, pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["diff", *map(str, pair), "--format", format_]) == 0
    printed = capsys.readouterr()
    harmless(printed.out, format_)
    assert printed.out


@pytest.mark.parametrize("format_", FORMATS[:-1])
def test_a_model_is_shown_harmlessly(
    format_: str, pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", str(pair[1]), "--format", format_]) == 0
    harmless(capsys.readouterr().out, format_)


def test_the_rest_is_harmless_too(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (
        ["diff", *map(str, pair), "--all"],
        ["diff", *map(str, pair), "--stat"],
        ["init", str(pair[0])],
        ["git", "textconv", str(pair[1])],
    ):
        assert run(arguments) == 0
        harmless(capsys.readouterr().out, "text")


@pytest.mark.parametrize("format_", FORMATS[:-1])
def test_a_layer_is_shown_harmlessly(
    format_: str,
    pair: tuple[Path, Path],
    tiny_config: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    layers = tiny_config["config"]["layers"]
    for layer in (layers[1], layers[2]):
        name = layer["config"]["name"]
        assert run(["show", str(pair[0]), name, "--format", format_]) == 0
        printed = capsys.readouterr()
        harmless(printed.out, format_)
        harmless(printed.err, "text")


@pytest.mark.parametrize("format_", ["text", "json", "github", "sarif"])
def test_a_problem_that_speaks_of_the_model_is_harmless(
    format_: str, pair: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(
        "version: 1\nmodel: {name: other}\noverrides:\n"
        "  - layers: {class: Dense}\n    was: {activation: zzz}\n    set: {units: x, unit: 3}\n"
        "  - layers: '*'\n    rename: same\n"
    )
    code = run(["validate", str(spec), "--model", str(pair[1]), "--format", format_])
    printed = capsys.readouterr()
    assert code == 1
    for said in (printed.out, printed.err):
        harmless(said, "json" if format_ in ("json", "sarif") and said else "text")
    if format_ == "github":
        assert all(line.startswith("::") for line in printed.out.splitlines())


def test_a_name_with_a_slash_is_no_layer_name_at_all(
    tmp_path: Path,
    tiny_config: dict[str, Any],
    archive_of: Write,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tiny_config["config"]["layers"][1]["config"]["name"] = "</script><img src=x onerror=alert(1)>"
    archive_of(tmp_path / "m.keras", tiny_config)
    for arguments in (["show"], ["show", "--format", "html"], ["init"]):
        assert run([arguments[0], str(tmp_path / "m.keras"), *arguments[1:]]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "a layer's name contains '/'" in printed.err


def test_markdown_names_stand_in_code_spans() -> None:
    assert code("dense_1") == "`dense_1`"
    assert code("a|b") == "<code>a&#124;b</code>"
    assert code("a`b") == "<code>a&#96;b</code>"
    assert plain("see @me, 1 < 2: https://x") == "see &#64;me, 1 &#60; 2: https&#58;//x"
    assert plain("") == ""
