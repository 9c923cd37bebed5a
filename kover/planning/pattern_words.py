"""A group of a MultiOptimizer in few words: the variables that its pattern spells out."""

from __future__ import annotations

import re

from kover.problems import cut

_LITERAL = r"(?:\\.|[^\\()\[\]{}|?*+.^$])+"
_SPELLED = re.compile(rf"(?:\(\?:{_LITERAL}/\)\?)?((?:\(\?:{_LITERAL}\)\?)*{_LITERAL})", re.DOTALL)
_ALTERNATIVE = re.compile(r"(?:\\.|[^|\\])+", re.DOTALL)
_LISTED = 3
_LONGEST = 1 << 20


def in_words(pattern: str) -> str:
    """`a/kernel, a/bias and 2 more` for a pattern as kover writes them, else the pattern itself.

    `(?:net/)?(?:backbone/)?conv1/kernel` is `backbone/conv1/kernel`: the model is left out.
    """
    names = []
    for alternative in _ALTERNATIVE.findall(pattern[:_LONGEST]):
        match = _SPELLED.fullmatch(alternative)
        if match is None:
            return f"'{cut(pattern)}'"
        names.append(cut(re.sub(r"\(\?:|\)\?|\\(?=.)", "", match[1])))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{', '.join(names[:_LISTED])}{more}"
