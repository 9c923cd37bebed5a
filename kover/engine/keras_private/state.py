"""What Keras would store of a live model, where, and what its variables are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kover.engine.keras_private.untyped import KerasModel, KerasOptimizer, KerasVariable


@dataclass(frozen=True)
class StateEntry:
    """One array that Keras stores for a model.

    Attributes:
        group: HDF5 group of the object that owns it: `layers/dense`, `optimizer`, `""`.
        key: name of the dataset in the group's `vars`, usually a number: `0`.
        value: what Keras hands to its store: a variable, or a tensor computed for saving.
    """

    group: str
    key: str
    value: Any


@dataclass(frozen=True)
class State:
    """Everything that Keras stores for a model, in storing order.

    Attributes:
        entries: the arrays.
        names: group to the `name` of the object that owns it (`layers/dense` to `head`).
    """

    entries: tuple[StateEntry, ...]
    names: Mapping[str, str]


def state_of(model: KerasModel) -> State:
    """What `Model.save` would store for `model`, without storing or computing it.

    Source: keras 3.15 `saving.saving_lib._save_state`, with a store that only records. An
    optimizer hands over NumPy copies (`optimizers.base_optimizer.BaseOptimizer
    .save_own_variables`); here it hands over its variables.
    """
    from keras.src.optimizers.base_optimizer import BaseOptimizer
    from keras.src.saving import saving_lib

    entries: list[StateEntry] = []
    names: dict[str, str] = {}

    class RecordingStore(saving_lib.H5IOStore):  # type: ignore[misc]  # Keras is untyped here
        def __init__(self) -> None:
            self.group = ""

        def __bool__(self) -> bool:
            return True

        def __len__(self) -> int:
            return sum(entry.group == self.group for entry in entries)

        def make(self, path: str, metadata: Mapping[str, str] | None = None) -> RecordingStore:
            self.group = path
            names[path] = (metadata or {}).get("name", "")
            return self

        def __setitem__(self, key: str, value: object) -> None:
            entries.append(StateEntry(self.group, key, value))

        def close(self) -> None:
            """Nothing is open."""

    def save_variables_themselves(self: KerasOptimizer, store: dict[str, Any]) -> None:
        for index, variable in enumerate(self.variables):
            store[str(index)] = variable

    original = BaseOptimizer.save_own_variables
    BaseOptimizer.save_own_variables = save_variables_themselves
    try:
        saving_lib._save_state(model, RecordingStore(), None, "", set())
    finally:
        BaseOptimizer.save_own_variables = original
    return State(tuple(entries), names)


def initializer_of(variable: KerasVariable) -> Callable[..., Any] | None:
    """The initializer of a variable without a value.

    Source: keras 3.15 `backend.common.variables.Variable._initializer`, which is None once
    the variable has a value.
    """
    initializer: Callable[..., Any] | None = variable._initializer
    return initializer


def is_variable(value: object) -> bool:
    """Whether `value` is a Keras variable.

    Source: keras 3.15 `backend.Variable`, the class that all backends derive from.
    """
    from keras.src.backend.common.variables import Variable

    return isinstance(value, Variable)


def dtype_of(value: Any) -> str:
    """Keras' name of a variable's or a tensor's dtype, `float32`. A public function of Keras."""
    import keras

    return str(keras.backend.standardize_dtype(value.dtype))


def unstored_variables(model: KerasModel, state: State) -> list[tuple[str, list[KerasVariable]]]:
    """Name of each layer with variables that saving does not store as they are, and these.

    Source: keras 3.15 `layers.layer.Layer._flatten_layers`, `._trainable_variables` and
    `._non_trainable_variables`.
    """
    stored = {id(entry.value) for entry in state.entries}
    found = []
    for layer in model._flatten_layers():
        own = [*layer._trainable_variables, *layer._non_trainable_variables]
        if missing := [variable for variable in own if id(variable) not in stored]:
            found.append((str(layer.name), missing))
    return found


def sublayers(layer: Any) -> list[Any]:
    """The layers that `layer` holds directly, in Keras' order.

    Source: keras 3.15 `layers.layer.Layer._layers`, which the attribute tracker fills.
    """
    return list(getattr(layer, "_layers", ()))


def to_numpy(tensor: Any) -> Any:
    """`tensor` as a NumPy array. Source: keras 3.15 `ops.convert_to_numpy`."""
    import keras

    return keras.ops.convert_to_numpy(tensor)


def is_random_initializer(value: object) -> bool:
    """Whether `value` draws from its attribute `seed`.

    Source: keras 3.15 `initializers.random_initializers.RandomInitializer`.
    """
    from keras.src.initializers.random_initializers import RandomInitializer

    return isinstance(value, RandomInitializer)
