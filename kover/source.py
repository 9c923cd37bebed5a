"""Places: where in a spec, or in a model, something stands.

A `Source` is what every problem, override and planned change carries, so that a message can
point at the text a person wrote. Nothing here reads a file.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a file.

    Attributes:
        path: the file as the user named it (`-` for standard input).
        line: 1-based line, or None where the file has no lines (a model archive).
        column: 1-based column in code points, or None.
        end_column: 1-based column after the last character on that line, for the caret.
        inside: a place within an archive, such as `config.json` or `layers/dense/vars/0`.
    """

    path: str
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    inside: str | None = None

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.path}:{self.line}:{self.column or 1}"
        return f"{self.path}: {self.inside}" if self.inside else self.path

    def sort_key(self) -> tuple[str, int, int, str]:
        """Order by file, then line, then column."""
        return (self.path, self.line or 0, self.column or 0, self.inside or "")
