"""Who a stored array belongs to, in words that survive a rebuild.

HDF5 paths are positional, names of slots are joined strings, and automatic names drift. A variable
is known by its layer's path in the config, the part of the layer that holds it and its own name;
an optimizer slot by its variable and its role. Plain values: no Keras here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

_AUTOMATIC = re.compile(r"variable_\d+")


@dataclass(frozen=True, slots=True, order=True)
class VariableKey:
    """A model variable.

    Attributes:
        layer: path of the layer in the config (`backbone/conv1`); "" is the model itself.
        part: group below the layer's own that holds it (`cell`, `query_dense`); "" is the layer.
        name: as Keras calls it: `kernel`, `moving_mean`; see `stable_name`.
        ordinal: distinguishes variables of one part that share a name.
        alias: by the names of the attributes that lead to it in a class of the user's:
            `blocks/0/up/kernel`. Known only of live models; no part of the identity.
    """

    layer: str
    part: str
    name: str
    ordinal: int = 0
    alias: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return "/".join(part for part in (self.layer, self.part, self.name) if part)

    @property
    def local_name(self) -> str:
        """The name within the layer: `kernel`, `query_dense/kernel`."""
        return f"{self.part}/{self.name}" if self.part else self.name

    def is_called(self, globs: Sequence[str]) -> bool:
        """Whether one of `globs` matches one of its names within the layer; none means any."""
        names = (self.name, self.local_name, self.alias)
        return not globs or any(fnmatchcase(name, glob) for glob in globs for name in names)


@dataclass(frozen=True, slots=True)
class SlotKey:
    """What an optimizer keeps for one variable.

    Attributes:
        variable: the trainable variable it belongs to.
        role: the optimizer's own name for it: `momentum`, `velocity`.
        owner: class of the optimizer that keeps it; the same role means different things in
            different classes.
    """

    variable: VariableKey
    role: str
    owner: str

    def __str__(self) -> str:
        return f"{self.variable} {self.role}"


@dataclass(frozen=True, slots=True)
class OptimizerKey:
    """What an optimizer keeps for itself: its iteration count, its learning rate.

    Attributes:
        place: the optimizer within the optimizer: "" for the compiled one, `inner_optimizer`
            within a LossScaleOptimizer, `optimizers/sgd` within a MultiOptimizer.
        name: `iteration`, `learning_rate`, `dynamic_scale`.
        owner: class of the optimizer.
    """

    place: str
    name: str
    owner: str

    def __str__(self) -> str:
        return "/".join(part for part in ("optimizer", self.place, self.name) if part)


def stable_name(name: str) -> str:
    """The name of a variable, or `variable` for one that was made without a name.

    Keras counts such variables through the whole process: `variable_18` is another one in the next.
    Source: keras 3.15 `backend.common.variables.Variable.__init__`.
    """
    return "variable" if _AUTOMATIC.fullmatch(name) else name


def with_new_path(key: StateKey, renamed: Mapping[str, str]) -> StateKey:
    """`key` as it is called once layers are renamed.

    Args:
        key: of the model as it was.
        renamed: path before to path after.
    """
    if isinstance(key, VariableKey):
        return replace(key, layer=renamed.get(key.layer, key.layer))
    if isinstance(key, SlotKey):
        variable = key.variable
        moved = replace(variable, layer=renamed.get(variable.layer, variable.layer))
        return replace(key, variable=moved)
    return key


StateKey = VariableKey | SlotKey | OptimizerKey


def owner_of_group(
    group: str, names: Mapping[str, str], layer_paths: Mapping[str, object]
) -> tuple[str, str]:
    """The layer that an HDF5 group belongs to, and the rest of the group's path below it.

    The names of the groups on the way down spell the layer's path. What lies below the deepest
    layer that the config knows is a part of that layer: `layers/lstm/cell` is (`lstm`, `cell`).

    Args:
        group: such as `layers/functional/layers/dense`.
        names: group to the name of the object that owns it, as Keras stores it.
        layer_paths: anything keyed by the paths of the config's layers.
    """
    steps = group.split("/") if group else []
    chain: list[str] = []
    layer, below = "", 0
    for length in range(1, len(steps) + 1):
        name = names.get("/".join(steps[:length]))
        if not name:
            continue
        chain.append(name)
        if (path := "/".join(chain)) in layer_paths:
            layer, below = path, length
    return layer, "/".join(steps[below:])
