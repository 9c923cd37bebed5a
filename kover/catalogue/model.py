"""The catalogue's types: a class of Keras, its arguments and the variables it stores.

Pure data; `kover.catalogue.loading` makes these from `keras.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kover.catalogue.versions import ALWAYS, Span
from kover.values import JSON, MISSING, Missing

OBJECT_KINDS = (
    "activation", "constraint", "dtype_policy", "initializer", "layer", "loss", "metric",
    "optimizer", "regularizer", "schedule",
)  # fmt: skip
"""The kinds of entry; each is also the kind of an argument that takes such an object."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a class, as its saved config holds it.

    Attributes:
        name: the key in the config.
        kind: one of `OBJECT_KINDS`; `learning_rate` (a number or a schedule); `losses`,
            `metrics`, `weights` (as `Model.compile` takes them); `dtype` (a dtype stored as
            its name); `bool`, `int`, `float` (Keras refuses an integer; `expand` makes it
            one), `number`, `string`; `shape` (an integer or a list of
            them); `numbers` (a number or a list of them); `any`.
        default: as `get_config` would give it, `MISSING` where there is none.
        required: the constructor asks for it.
        nullable: null is a value of it.
        minimum: the least value that is taken. Bounds hold for single numbers, and for each
            integer of a `shape`.
        maximum: the greatest; it holds for each of `numbers` as well.
        exclusive_minimum: a bound that is itself not taken.
        exclusive_maximum: likewise.
        choices: all the values that are taken; empty when not limited to some.
        types: JSON types (`bool`, `int`, `float`, `string`, `list`, `mapping`) that an
            argument of kind `any` takes; empty when all.
        items: what each item of a list is, where the kind is `any`: `int`, `number`, `string` or
            `mapping`, with a `?` behind if it may be null; empty when anything. Bounds hold for
            each item.
        lengths: the lengths that a list may have; empty when any.
        length: a `shape` is stored as a list of that many; None when stored as given.
        saved: `get_config` holds it, at least when it is not the default. What is not saved is
            lost when Keras saves the model again.
        span: the versions of Keras that have it.
    """

    name: str
    kind: str = "any"
    default: JSON | Missing = MISSING
    required: bool = False
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    choices: tuple[str | bool, ...] = ()
    types: tuple[str, ...] = ()
    items: str = ""
    lengths: tuple[int, ...] = ()
    length: int | None = None
    saved: bool = True
    span: Span = ALWAYS


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a layer stores.

    Attributes:
        name: readable, unique within the layer: `kernel`, `recurrent_kernel`, `query/kernel`.
        group: the HDF5 group of its `vars`, under the layer's own: empty, or such as `cell`.
        switch: the argument without which the variable does not exist (`use_bias`), or None.
    """

    name: str
    group: str = ""
    switch: str | None = None


@dataclass(frozen=True)
class Entry:
    """A class or function of Keras.

    Attributes:
        kind: one of `OBJECT_KINDS`.
        class_name: as in a record; the function's name for a function.
        module: as in a record.
        names: every name that kover takes for it, the class name included.
        identifiers: those among the names that Keras takes as a bare string.
        is_function: there is no class, only a function (`relu`).
        arguments: by name, sorted.
        config_keys: what `get_config` of an instance holds, in that order.
        variables: what a built layer stores, in storing order, with every switch on.
        span: the versions of Keras that have it.
        elsewhere: arguments that it has in other versions alone, and in which.
    """

    kind: str
    class_name: str
    module: str
    names: tuple[str, ...]
    identifiers: tuple[str, ...] = ()
    is_function: bool = False
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    config_keys: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    span: Span = ALWAYS
    elsewhere: Mapping[str, Span] = field(default_factory=dict)

    def stored_variables(self, config: Mapping[str, JSON]) -> Mapping[str, str]:
        """HDF5 path under the layer's group -> readable name, for a layer with that config.

        Example: `{"vars/0": "kernel", "vars/1": "bias"}`.
        """
        counts: dict[str, int] = {}
        paths: dict[str, str] = {}
        for variable in self.variables:
            if variable.switch is not None and not self._value(config, variable.switch):
                continue
            index = counts.get(variable.group, 0)
            counts[variable.group] = index + 1
            prefix = f"{variable.group}/" if variable.group else ""
            paths[f"{prefix}vars/{index}"] = variable.name
        return paths

    def _value(self, config: Mapping[str, JSON], name: str) -> JSON | Missing:
        if name in config:
            return config[name]
        argument = self.arguments.get(name)
        return argument.default if argument else MISSING
