"""Models that Keras makes of configs: built, compiled, loaded, by private ways."""

from __future__ import annotations

import collections
import contextlib
import copy
import tempfile
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from kover.engine.keras_private.resolving import loops_refused
from kover.engine.keras_private.untyped import KerasModel
from kover.modelconfig.backend_optimizers import with_public_optimizers
from kover.values import JSON


@contextlib.contextmanager
def valueless_variables() -> Iterator[None]:
    """Create variables that have a shape and a dtype, but no value and so no memory.

    The states of random generators are made and let go: a backend may refuse a seed.

    Source: keras 3.15 `backend.common.variables.Variable.__init__` (deferred under a
    `StatelessScope`) and `StatelessScope.__exit__`, which would initialise every deferred
    variable: the list it reads is emptied before that.
    """
    import keras
    from keras.src.backend.common import global_state

    if keras.src.backend.common.stateless_scope.in_stateless_scope():
        raise RuntimeError("valueless_variables cannot be nested")
    with keras.StatelessScope(), _values_as_initializers():
        try:
            yield
            for variable in global_state.get_global_attribute("uninitialized_variables") or ():
                if variable.name == "seed_generator_state":
                    variable._initializer(variable.shape, dtype=variable.dtype)
        finally:
            global_state.set_global_attribute("uninitialized_variables", [])


@contextlib.contextmanager
def _values_as_initializers() -> Iterator[None]:
    """Let `keras.Variable(value)` through, which custom layers call, in a `StatelessScope`.

    Source: keras 3.15 `backend.common.variables.Variable.__init__`, which defers only what comes
    of an initializer there, and refuses values.
    """
    from keras.src.backend.common.variables import Variable

    original = Variable.__init__

    def init(self: Any, initializer: Any, shape: Any = None, dtype: Any = None,
             *others: Any, **named: Any) -> None:  # fmt: skip
        if not (isinstance(initializer, str) or callable(initializer)):
            value = self._convert_to_tensor(initializer, dtype=dtype)
            shape, dtype = tuple(value.shape), dtype or value.dtype

            def initializer(shape: Any, dtype: Any = None) -> Any:
                return value

        original(self, initializer, shape, dtype, *others, **named)

    Variable.__init__ = init
    try:
        yield
    finally:
        Variable.__init__ = original


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

    with SafeModeScope(safe_mode), ObjectSharingScope(), loops_refused():
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

    with SafeModeScope(safe_mode), ObjectSharingScope(), loops_refused():
        return deserialize_keras_object(_own_copy(record), safe_mode=safe_mode)


def serialized_config(layer: Any) -> dict[str, JSON]:
    """The `config` that saving would write for `layer`.

    Source: keras 3.15 `saving.serialization_lib.serialize_keras_object`.
    """
    import keras

    record = keras.saving.serialize_keras_object(layer)
    config: dict[str, JSON] = record["config"]
    return config
