"""Names as Keras makes them from class names."""

from __future__ import annotations

import re

_NO_WORD = re.compile(r"\W+")
_BEFORE_WORD = re.compile(r"(.)([A-Z][a-z]+)")
_BEFORE_CAPITAL = re.compile(r"([a-z])([A-Z])")


def to_snake_case(class_name: str) -> str:
    """`MaxPooling2D` -> `max_pooling2d`; mirrors `keras.src.utils.naming.to_snake_case`."""
    name = _NO_WORD.sub("", class_name)
    name = _BEFORE_WORD.sub(r"\1_\2", name)
    return _BEFORE_CAPITAL.sub(r"\1_\2", name).lower()


class UniqueNames:
    """Counts names up: `dense`, `dense_1`, ...

    Mirrors `saving_lib._get_unique_name`, which numbers the groups of one container.
    """

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def next(self, name: str) -> str:
        """`name`, with the next free number where it was given out before."""
        if name in self._used:
            self._used[name] += 1
            return f"{name}_{self._used[name]}"
        self._used[name] = 0
        return name
