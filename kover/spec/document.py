"""A spec as data: what was asked for, and where each part of it stands.

Parameters are already substituted. A spec knows nothing of any model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kover.problems import Problem
from kover.source import Source
from kover.values import JSON, MISSING, Missing

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Value:
    """A value from a spec, with the place of each of its parts.

    `sources` maps a path within the value (`()` is the value itself) to its place; for an
    entry of a mapping `key_sources` has the place of the key.
    """

    data: JSON
    sources: Mapping[Path, Source]
    key_sources: Mapping[Path, Source] = field(default_factory=dict)

    def source(self, *path: str | int) -> Source:
        """The place of the part at `path`, or of the nearest part around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.sources:
                return self.sources[path[:length]]
        raise KeyError(path)

    def key_source(self, *path: str | int) -> Source:
        """The place of the key of the entry at `path`."""
        return self.key_sources.get(path) or self.source(*path)

    def part(self, *path: str | int) -> Value:
        """The part at `path`, as a value of its own."""
        data: JSON = self.data
        for step in path:
            data = data[step]  # type: ignore[index]  # a path fits its value
        size = len(path)
        return Value(
            data,
            {p[size:]: s for p, s in self.sources.items() if p[:size] == path},
            {
                p[size:]: s
                for p, s in self.key_sources.items()
                if p[:size] == path and len(p) > size
            },
        )


@dataclass(frozen=True)
class Glob:
    """A pattern over layer names or paths, read as in `.gitignore`."""

    pattern: str
    source: Source


@dataclass(frozen=True)
class AnyOf:
    """The union of several selectors (a list, or the key `any`)."""

    selectors: tuple[Selector, ...]
    source: Source


@dataclass(frozen=True)
class Where:
    """Conditions that must all hold (a mapping). Absent conditions are None or empty."""

    source: Source
    name: tuple[Glob, ...] | None = None
    path: tuple[Glob, ...] | None = None
    class_: tuple[Glob, ...] | None = None
    has: tuple[Glob, ...] | None = None
    index: Value | None = None  # an integer, or a slice string such as ":100"
    where: Mapping[str, Value] = field(default_factory=dict)
    trainable: Value | None = None
    from_: Glob | None = None  # a layer path, taken literally
    to: Glob | None = None
    any: tuple[Selector, ...] | None = None
    not_: Selector | None = None


Selector = Glob | AnyOf | Where


@dataclass(frozen=True)
class Setting:
    """One attribute and the value asked for (`MISSING` under `unset`).

    `attribute` may reach into a nested object with dots: `kernel_regularizer.l2`.
    """

    attribute: str
    key_source: Source
    value: Value | None = None

    @property
    def data(self) -> JSON | Missing:
        """The value asked for, or MISSING."""
        return MISSING if self.value is None else self.value.data

    @property
    def value_source(self) -> Source:
        """The place of the value, or of the attribute's name under `unset`."""
        return self.key_source if self.value is None else self.value.source()


@dataclass(frozen=True)
class Expect:
    """How many layers must match."""

    minimum: int
    maximum: int | None
    source: Source


@dataclass(frozen=True)
class Rate:
    """A learning rate or weight decay for some layers: absolute, or a factor."""

    source: Source
    absolute: float | None = None
    multiply: float | None = None


@dataclass(frozen=True)
class Reinitialize:
    """Consent to re-create variables, and the seed of their fresh values."""

    seed: int
    source: Source


@dataclass(frozen=True)
class Override:
    """One entry of `overrides`. `replace` comes first, then `set` and `unset`, then `rename`."""

    source: Source  # of the entry's first key
    layers: Selector
    layers_source: Source
    set: tuple[Setting, ...] = ()
    unset: tuple[Setting, ...] = ()
    replace: Value | None = None  # a class name, or a mapping with the key `class`
    rename: Value | None = None  # the new name, or a template with `{name}` in it
    was: tuple[Setting, ...] = ()
    expect: Expect | None = None
    learning_rate: Rate | None = None
    weight_decay: Rate | None = None
    reinitialize: Reinitialize | None = None
    variables: tuple[Glob, ...] = ()
    description: str | None = None


@dataclass(frozen=True)
class Guards:
    """The `model` section: refuse any other model."""

    name: Value | None = None
    class_: Value | None = None
    keras_version: Value | None = None  # a PEP 440 specifier, checked already
    sha256: Value | None = None
    path: Value | None = None  # no guard: where editors and `validate` find the model


@dataclass(frozen=True)
class LayerDecay:
    """`compile.layer_decay`: discriminative rates by depth, the last group at full rate."""

    source: Source
    rate: float
    floor: float | None
    groups: tuple[Selector, ...]


@dataclass(frozen=True)
class Compile:
    """The `compile` section.

    `arguments` holds `loss`, `metrics`, ... as written; `optimizer` is apart because it may
    merge into the present one. Several specs merge key by key, the later one wins.
    """

    source: Source
    optimizer: Value | None = None
    optimizer_key_source: Source | None = None
    optimizer_state: Literal["keep", "reset"] = "keep"
    optimizer_state_source: Source | None = None
    arguments: Mapping[str, Value] = field(default_factory=dict)
    argument_key_sources: Mapping[str, Source] = field(default_factory=dict)
    layer_decay: LayerDecay | None = None


@dataclass(frozen=True)
class Spec:
    """One spec file, parameters substituted.

    Attributes:
        path: as the user named it (`-` for standard input).
        sha256: of the file's bytes.
        parameters: every declared name and the value it has in this run.
        declared: the values of the parameters as the spec itself declares them, with places.
        lint_off: codes of warnings that the spec does not want.
        document: the whole of it as plain data, parameters substituted.
        warnings: what is worth saying although the spec is valid.
    """

    path: str
    sha256: str
    description: str | None
    parameters: Mapping[str, JSON]
    guards: Guards
    overrides: tuple[Override, ...]
    compile: Compile | None
    warnings: tuple[Problem, ...] = ()
    declared: Mapping[str, Value] = field(default_factory=dict)
    lint_off: frozenset[str] = frozenset()
    document: Mapping[str, JSON] = field(default_factory=dict, repr=False)
