"""Globs over layer names and paths, read as in `.gitignore`.

A glob without a slash is matched against a layer's name, wherever the layer is; one with a slash
against its whole path, and a leading slash does no more than anchor it (`/head` is a layer of the
model's own). `*`, `?`, `[abc]` and `[!abc]` stay within one name; `**` as a whole part stands for
any number of parts. A backslash takes the next character literally. Letters are compared code
point by code point.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_ANY_PARTS = "**"
_SPECIAL = frozenset("*?[\\")

Part = str | re.Pattern[str]
"""One part between slashes: a literal name, `**`, or a pattern over a name."""


@dataclass(frozen=True, slots=True)
class CompiledGlob:
    """A glob, ready to match.

    Attributes:
        by_name: without a slash: matched against names; else against whole paths.
        literal: the name or path that it spells out, or None where it has wildcards.
        parts: what stands between the slashes; one part when `by_name`.
    """

    by_name: bool
    literal: str | None
    parts: tuple[Part | None, ...]  # None is `**`

    def matches_text(self, text: str) -> bool:
        """Whether the whole of `text`, slashes and all, matches the only part."""
        return len(self.parts) == 1 and _part_matches(self.parts[0], text)

    def among(self, texts: Iterable[str]) -> Iterator[str]:
        """Those of `texts` that `matches_text` holds for; without a call for each of them."""
        part = self.parts[0] if len(self.parts) == 1 else None
        if isinstance(part, re.Pattern):
            return filter(part.fullmatch, texts)
        return filter(self.matches_text, texts)

    def matches(self, name: str, path: str) -> bool:
        """Whether the layer of that name and path is meant."""
        if self.by_name:
            return self.matches_text(name)
        return self.matches_path(path)

    def matches_path(self, path: str) -> bool:
        """Whether the whole path matches."""
        if self.literal is not None:
            return path == self.literal
        return _parts_match(self.parts, path.split("/"))


@lru_cache(maxsize=4096)
def compile_glob(pattern: str) -> CompiledGlob:
    """Read a glob. Every string is one: what cannot be a wildcard is a literal character."""
    texts = pattern.split("/")  # within brackets as well, as in git
    by_name = len(texts) == 1
    if not by_name and texts[0] == "":
        texts = texts[1:]
    parts = tuple(_read_part(text) for text in texts)
    # Alone, `**` is `*`: there is no slash for it to cross.
    if by_name and parts == (None,):
        parts = (re.compile(".*", re.DOTALL),)
    literal = None
    if all(isinstance(part, str) for part in parts):
        literal = "/".join(part for part in parts if isinstance(part, str))
    return CompiledGlob(by_name, literal, parts)


def is_literal(pattern: str) -> bool:
    """Whether the glob has no wildcards: it names a layer, or spells out a path."""
    return compile_glob(pattern).literal is not None


def _read_part(text: str) -> Part | None:
    if text == _ANY_PARTS:
        return None
    if not _SPECIAL & set(text):
        return text
    tokens = list(_tokens(text))
    if all(isinstance(token, str) for token in tokens):
        return "".join(token for token in tokens if isinstance(token, str))
    return re.compile(_regex(tokens), re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Wild:
    """A wildcard: a run of stars (`regex` is None), or what matches one character."""

    regex: str | None = None


def _tokens(text: str) -> Iterator[str | _Wild]:
    """Literal characters and wildcards, with runs of stars taken as one."""
    position, after_star = 0, False
    while position < len(text):
        character = text[position]
        position += 1
        if character == "*":
            if not after_star:
                yield _Wild()
            after_star = True
            continue
        after_star = False
        if character == "?":
            yield _Wild(".")
        elif character == "[" and (found := _character_class(text, position)):
            regex, position = found
            yield _Wild(regex)
        elif character == "\\" and position < len(text):
            yield text[position]
            position += 1
        else:
            yield character


def _character_class(text: str, start: int) -> tuple[str, int] | None:
    """The class that opens before `start` as a regex, and where it ends; None if it never does."""
    position = start
    negated = text[position : position + 1] in ("!", "^")
    position += negated
    members: list[str] = []
    first = True
    while position < len(text) and (first or text[position] != "]"):
        first = False
        low, position = _class_member(text, position)
        high = low
        if text[position : position + 1] == "-" and text[position + 1 : position + 2] not in (
            "",
            "]",
        ):
            high, position = _class_member(text, position + 1)
        if low <= high:  # a range that runs backwards holds nothing
            members.append(f"{re.escape(low)}-{re.escape(high)}")
    if position >= len(text):
        return None
    inside = "".join(members)
    if not inside:
        return ("." if negated else r"[^\s\S]"), position + 1
    return f"[{'^' if negated else ''}{inside}]", position + 1


def _class_member(text: str, position: int) -> tuple[str, int]:
    if text[position] == "\\" and position + 1 < len(text):
        return text[position + 1], position + 2
    return text[position], position + 1


def _regex(tokens: Sequence[str | _Wild]) -> str:
    """An expression whose time is at most linear in the pattern times the text.

    Between two stars the leftmost match is as good as any other, so that each such stretch can
    be an atomic group: once found, it is never tried elsewhere.
    """
    stretches: list[str] = [""]
    for token in tokens:
        if isinstance(token, str):
            stretches[-1] += re.escape(token)
        elif token.regex is not None:
            stretches[-1] += token.regex
        else:
            stretches.append("")
    if len(stretches) == 1:
        return stretches[0]
    first, *middle, last = stretches
    return first + "".join(f"(?>.*?{stretch})" for stretch in middle) + ".*" + last


def _part_matches(part: Part | None, name: str) -> bool:
    if part is None:
        return True
    return part == name if isinstance(part, str) else part.fullmatch(name) is not None


def _parts_match(parts: Sequence[Part | None], names: Sequence[str]) -> bool:
    """Match part by part; only the last `**` is ever tried again, further to the right.

    At the end `**` needs at least one name: `backbone/**` is what is inside, not `backbone`.
    """
    if parts[-1] is None:
        # `a/**` is `a/**/*`.
        parts = (*parts, _ANY_NAME)
    at, name_at = 0, 0
    retry: tuple[int, int] | None = None
    while name_at < len(names):
        if at < len(parts) and parts[at] is None:
            retry = (at + 1, name_at)
            at += 1
        elif at < len(parts) and _part_matches(parts[at], names[name_at]):
            at, name_at = at + 1, name_at + 1
        elif retry is not None:
            at, name_at = retry[0], retry[1] + 1
            retry = (at, name_at)
        else:
            return False
    return at == len(parts)


_ANY_NAME = re.compile(".*", re.DOTALL)
