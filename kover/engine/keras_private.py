"""Every private piece of Keras that kover relies on, with its source and version.

Nothing else in kover touches `keras.src`, but for `random_state`. Each function names the code
that it uses; the tests of this module fail when Keras changes it. All of it was read in, and is
pinned to, Keras 3.15.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import tempfile
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kover.modelconfig.backend_optimizers import with_public_optimizers
from kover.values import JSON

# Untyped objects of Keras. The names say what they are; mypy is told to skip Keras.
KerasModel = Any
KerasOptimizer = Any
KerasVariable = Any


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


@contextlib.contextmanager
def valueless_variables() -> Iterator[None]:
    """Create variables that have a shape and a dtype, but no value and so no memory.

    Source: keras 3.15 `backend.common.variables.Variable.__init__` (deferred under a
    `StatelessScope`) and `StatelessScope.__exit__`, which would initialise every deferred
    variable: the list it reads is emptied before that.
    """
    import keras
    from keras.src.backend.common import global_state

    if keras.src.backend.common.stateless_scope.in_stateless_scope():
        raise RuntimeError("valueless_variables cannot be nested")
    with keras.StatelessScope():
        try:
            yield
        finally:
            global_state.set_global_attribute("uninitialized_variables", [])


class _Counts(collections.defaultdict[str, int]):
    """How often Keras gave each automatic name, and the names that came of it."""

    def __init__(self) -> None:
        super().__init__(int)
        self.given: set[str] = set()

    def __setitem__(self, name: str, count: int) -> None:
        super().__setitem__(name, count)
        if count:  # a `defaultdict` sets 0 first
            self.given.add(name if count == 1 else f"{name}_{count - 1}")


@contextlib.contextmanager
def names_from_the_start() -> Iterator[Set[str]]:
    """Give automatic names as a process does that has made nothing yet: `softmax`, not `softmax_7`.

    Yields the automatic names that were given since, which grows.

    Scopes that an earlier failed build left open are closed meanwhile, or every variable's path
    would begin with them.

    Source: keras 3.15 `utils.naming.uniquify`, which counts in a global attribute, and
    `backend.common.name_scope.current_path`, which reads another.
    """
    from keras.src.backend.common import global_state

    counted = global_state.get_global_attribute("object_name_uids")
    scopes = global_state.get_global_attribute("name_scope_stack")
    counts = _Counts()
    global_state.set_global_attribute("object_name_uids", counts)
    global_state.set_global_attribute("name_scope_stack", [])
    try:
        yield counts.given
    finally:
        global_state.set_global_attribute("object_name_uids", counted)
        global_state.set_global_attribute("name_scope_stack", scopes)


def _own_copy(config: Mapping[str, JSON]) -> dict[str, JSON]:
    """A copy for Keras to take apart.

    Source: keras 3.15 `models.functional.functional_from_config`, which pops keys out of the
    config that it is given.
    """
    return copy.deepcopy(dict(config))


def deserialize_model(config: Mapping[str, JSON], *, safe_mode: bool = True) -> KerasModel:
    """The model that `config.json` describes, not compiled.

    Source: keras 3.15 `saving.saving_lib._model_from_config`.
    """
    from keras.src.saving.serialization_lib import (
        ObjectSharingScope,
        SafeModeScope,
        deserialize_keras_object,
    )

    with SafeModeScope(safe_mode), ObjectSharingScope():
        return deserialize_keras_object(
            _own_copy({**config, "compile_config": None}), safe_mode=safe_mode
        )


def compile_model(
    model: KerasModel, compile_config: Mapping[str, JSON], *, safe_mode: bool = True
) -> None:
    """Compile `model` as loading would, without building the optimizer.

    Source: keras 3.15 `trainers.trainer.Trainer.compile_from_config` and
    `saving.serialization_lib.deserialize_keras_object` (which calls it for a saved model, within
    the scope in which one optimizer under two patterns stays one).
    """
    from keras.src.saving.serialization_lib import (
        ObjectSharingScope,
        SafeModeScope,
        deserialize_keras_object,
    )

    with SafeModeScope(safe_mode), ObjectSharingScope():
        model.compile(
            **deserialize_keras_object(
                _own_copy(with_public_optimizers(compile_config)), safe_mode=safe_mode
            )
        )


def has_own_compile(model: KerasModel) -> bool:
    """Whether the class overrides `compile`, in which case loading does not call it.

    Source: keras 3.15 `trainers.trainer.Trainer.compile_from_config`.
    """
    from keras.src.trainers.trainer import Trainer

    cls = type(model)
    return bool(
        cls.compile is not Trainer.compile
        and cls.compile_from_config is Trainer.compile_from_config
    )


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


def stand_in(shape: tuple[int, ...], dtype: str, name: str, path: str) -> KerasVariable:
    """A real variable of zeros that claims to be at `path`.

    Source: keras 3.15 `backend.common.variables.Variable._path`, which `optimizers
    .multi_optimizer.OptimizerMap.__call__` reads through `Variable.path`.
    """
    import keras

    variable = keras.Variable(keras.ops.zeros(shape, dtype=dtype), dtype=dtype, name=name)
    variable._path = path
    return variable


@contextlib.contextmanager
def observed_slots(
    seen: Callable[[KerasOptimizer, KerasVariable, str, KerasVariable], None],
) -> Iterator[None]:
    """Report every slot that an optimizer creates: `seen(optimizer, reference, role, slot)`.

    Source: keras 3.15 `optimizers.base_optimizer.BaseOptimizer.add_variable_from_reference`,
    which backends override and call through `super()`.
    """
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    original = BaseOptimizer.add_variable_from_reference

    def observing(
        self: KerasOptimizer,
        reference_variable: KerasVariable,
        name: str | None = None,
        initializer: object = "zeros",
    ) -> KerasVariable:
        slot = original(self, reference_variable, name=name, initializer=initializer)
        seen(self, reference_variable, name or "var", slot)
        return slot

    BaseOptimizer.add_variable_from_reference = observing
    try:
        yield
    finally:
        BaseOptimizer.add_variable_from_reference = original


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


def optimizer_parts(optimizer: KerasOptimizer) -> list[tuple[str, KerasOptimizer]]:
    """`optimizer` and the optimizers inside it, each with its place: "" is the outer one.

    Source: keras 3.15 `optimizers.loss_scale_optimizer.LossScaleOptimizer.inner_optimizer` and
    `optimizers.multi_optimizer.MultiOptimizer.optimizers`.
    """
    parts = [("", optimizer)]
    inner = getattr(optimizer, "inner_optimizer", None)
    held = [("inner_optimizer", inner)] if inner is not None else []
    held += [
        (f"optimizers/{index}", group)
        for index, group in enumerate(getattr(optimizer, "optimizers", ()))
    ]
    for place, part in held:
        parts += [
            (f"{place}/{below}" if below else place, each) for below, each in optimizer_parts(part)
        ]
    return parts


def version() -> str:
    """The installed Keras'. A public name."""
    import keras

    return str(keras.__version__)


def has_multi_optimizer() -> bool:
    """Whether this Keras has `MultiOptimizer`. A public name, from keras 3.15.1 on."""
    import keras

    return hasattr(keras.optimizers, "MultiOptimizer")


def optimizer_for(optimizer: KerasOptimizer, variable: KerasVariable) -> KerasOptimizer:
    """The optimizer inside `optimizer` that would update `variable`.

    Source: keras 3.15 `optimizers.multi_optimizer.MultiOptimizer._optimizer_map`.
    """
    inner = getattr(optimizer, "inner_optimizer", None) or optimizer
    choose = getattr(inner, "_optimizer_map", None)
    return choose(variable) if choose is not None else inner


def momentum_product(optimizer: KerasOptimizer) -> KerasVariable | None:
    """The variable in which Nadam keeps the product of its momenta; it has no name of its own.

    Source: keras 3.15 `optimizers.nadam.Nadam._u_product`.
    """
    return getattr(optimizer, "_u_product", None)


def own_variables(optimizer: KerasOptimizer) -> list[KerasVariable]:
    """The variables that `optimizer` itself created, without those of inner optimizers.

    Source: keras 3.15 `optimizers.base_optimizer.BaseOptimizer._variables`.
    """
    return list(optimizer._variables)


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


def load(path: str, *, safe_mode: bool = True) -> KerasModel:
    """`keras.models.load_model`, for a file whose name need not end in `.keras`.

    Source: keras 3.15 `saving.saving_api.load_model`, which goes by the name.
    """
    import keras

    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "model.keras"
        link.symlink_to(Path(path).absolute())
        return keras.models.load_model(link, safe_mode=safe_mode)


def deserialize_record(record: Mapping[str, JSON], *, safe_mode: bool = True) -> Any:
    """The object that one record of a config describes.

    Source: keras 3.15 `saving.serialization_lib.deserialize_keras_object`.
    """
    from keras.src.saving.serialization_lib import (
        ObjectSharingScope,
        SafeModeScope,
        deserialize_keras_object,
    )

    with SafeModeScope(safe_mode), ObjectSharingScope():
        return deserialize_keras_object(_own_copy(record), safe_mode=safe_mode)


def serialized_config(layer: Any) -> dict[str, JSON]:
    """The `config` that saving would write for `layer`.

    Source: keras 3.15 `saving.serialization_lib.serialize_keras_object`.
    """
    import keras

    record = keras.saving.serialize_keras_object(layer)
    config: dict[str, JSON] = record["config"]
    return config
