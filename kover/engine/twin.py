"""Zero-weight twins: what Keras makes of a config, with shapes and names but without memory.

A twin is deserialised, built and compiled by Keras itself, then asked what it would store and
where. Comparing the twin of the old config with that of the new one tells what becomes of
every stored array.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from kover.engine import keras_private
from kover.engine.code_names import code_names
from kover.engine.identity import (
    OptimizerKey,
    SlotKey,
    StateKey,
    VariableKey,
    owner_of_group,
    stable_name,
    with_new_path,
)
from kover.engine.random_state import seeded_generators
from kover.engine.stand_ins import OptimizerVariable, describe_optimizer
from kover.engine.unstored import Unstored
from kover.modelconfig.tree import ModelTree, read_tree
from kover.values import JSON


@dataclass(frozen=True)
class TwinArray:
    """One array that Keras would store.

    Attributes:
        key: whose it is.
        places: HDF5 paths at which it is stored, `layers/dense/vars/0`. The variables of inner
            optimizers have two; a LoRA adapter has none, since Keras does not store it.
        shape: as Keras would store it.
        dtype: Keras' name of it, `float32`.
        trainable: whether training would change it (model variables only).
        live: the variable itself, or None where Keras computes the array for saving, and for
            everything that belongs to the optimizer.
        fill: the value of every entry of a fresh one (optimizer only).
    """

    key: StateKey
    places: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    trainable: bool = False
    live: Any = field(default=None, compare=False, repr=False)
    fill: float = 0.0


@dataclass(frozen=True)
class Twin:
    """A model without weights, and everything that Keras would store for it.

    Attributes:
        tree: the config that it was made from.
        model: the live Keras model; its variables have no values.
        arrays: what Keras would store, in storing order.
        group_names: HDF5 group to the name that Keras writes beside it, in storing order.
        layers: the live layer at each path of the tree that Keras made a layer of; "" is the model.
        automatic_names: the names that Keras gave to what had none; they begin with those of a
            process that has made nothing yet.
        optimizer: the compiled optimizer, built on stand-ins; None where there is none.
    """

    tree: ModelTree
    model: Any = field(repr=False)
    arrays: Mapping[StateKey, TwinArray]
    group_names: Mapping[str, str]
    layers: Mapping[str, Any] = field(repr=False)
    optimizer: Any = field(default=None, repr=False)
    automatic_names: Set[str] = field(default=frozenset(), repr=False)

    @property
    def has_optimizer(self) -> bool:
        """Whether the model is compiled with an optimizer that Keras would save."""
        return any(isinstance(key, OptimizerKey) for key in self.arrays)

    def variables(self) -> dict[VariableKey, TwinArray]:
        """The model's own variables."""
        return {key: a for key, a in self.arrays.items() if isinstance(key, VariableKey)}

    def under_new_names(self, renamed: Mapping[str, str]) -> Twin:
        """The same twin, its layers called as they will be.

        Args:
            renamed: path before to path after.
        """
        if not renamed:
            return self
        moved = [replace(a, key=with_new_path(k, renamed)) for k, a in self.arrays.items()]
        return replace(
            self,
            arrays={array.key: array for array in moved},
            layers={renamed.get(path, path): layer for path, layer in self.layers.items()},
        )

    def trainable_parameters(self) -> int:
        """How many numbers training would change."""
        arrays = self.variables().values()
        return sum(math.prod(array.shape) for array in arrays if array.trainable)

    def parameters(self) -> int:
        """How many numbers the model itself has."""
        return sum(math.prod(array.shape) for array in self.variables().values())


def build_twin(
    config: Mapping[str, JSON], *, safe_mode: bool = True, compiled: bool = True
) -> Twin:
    """Deserialise, build and compile `config` with Keras, without weights.

    Args:
        config: the whole `config.json`.
        safe_mode: as in `keras.models.load_model`.
        compiled: also compile, and build the optimizer on small stand-ins.

    Raises:
        Exception: whatever Keras raises; the caller knows which override to blame.
    """
    tree = read_tree(config)
    with keras_private.names_from_the_start() as automatic, seeded_generators(0):
        twin = _built(tree, config, safe_mode=safe_mode, compiled=compiled)
    return replace(twin, automatic_names=frozenset(automatic))


def _built(tree: ModelTree, config: Mapping[str, JSON], *, safe_mode: bool, compiled: bool) -> Twin:
    with keras_private.valueless_variables():
        model = keras_private.deserialize_model(config, safe_mode=safe_mode)
    slots: dict[int, OptimizerVariable] = {}
    optimizer = None
    compile_config = tree.compile_config
    if compiled and compile_config and not keras_private.has_own_compile(model):
        keras_private.compile_model(model, compile_config, safe_mode=safe_mode)
        optimizer = model.optimizer
        if model.built:
            slots = describe_optimizer(optimizer, model.trainable_variables)
    state = keras_private.state_of(model)
    live = _live_layers(model, tree)
    return Twin(
        tree,
        model,
        _describe(tree, live, state, slots),
        state.names,
        live,
        optimizer,
    )


def _live_layers(model: Any, tree: ModelTree) -> dict[str, Any]:
    """The live layer at each path of the tree."""
    found: dict[str, Any] = {"": model}
    pending: list[tuple[str, Any]] = [("", model)]
    while pending:
        path, holder = pending.pop()
        for layer in keras_private.sublayers(holder):
            below = f"{path}/{layer.name}" if path else layer.name
            if below not in found and tree.get(below) is not None:
                found[below] = layer
                pending.append((below, layer))
    return found


class _Description:
    """Collects every array that Keras would store for a model, by whose it is."""

    def __init__(
        self, tree: ModelTree, live: Mapping[str, Any], state: keras_private.State
    ) -> None:
        model = live[""]
        self.arrays: dict[StateKey, TwinArray] = {}
        self._paths = {node.path: node for node in tree.layers}
        self._names = state.names
        self._unstored = Unstored(model, state)
        self._trainable = [(id(each), str(each.path)) for each in model.trainable_variables]
        self._trained = {number for number, _ in self._trainable}
        self._used: Counter[tuple[str, str, str]] = Counter()
        self._keys: dict[int, StateKey] = {}
        self._aliases = code_names(live)

    def add(self, entry: keras_private.StateEntry, slot: OptimizerVariable | None) -> None:
        """Add what Keras stores in one place. Variables come before the slots that are theirs."""
        place = f"{entry.group}/vars/{entry.key}" if entry.group else f"vars/{entry.key}"
        if (known := self._keys.get(id(entry.value))) is not None:
            array = self.arrays[known]
            self.arrays[known] = replace(array, places=(*array.places, place))
        elif slot is not None:
            key = self._slot_key(slot)
            self._keys[id(entry.value)] = key
            self.arrays[key] = TwinArray(key, (place,), slot.shape, slot.dtype, fill=slot.fill)
        else:
            self._add_variable(entry, place)

    def _add_variable(self, entry: keras_private.StateEntry, place: str) -> None:
        layer, part = owner_of_group(entry.group, self._names, self._paths)
        behind = [entry.value]
        if not keras_private.is_variable(entry.value):
            owner = self._names.get(entry.group, "")
            behind = self._unstored.behind(owner, tuple(entry.value.shape))
        live = behind[0] if behind else None
        name = stable_name(live.name) if live is not None else f"vars/{entry.key}"
        key = replace(self._key(layer, part, name), alias=self._aliases.get(id(live), ""))
        self._put(key, (place,), entry.value, live)
        for adapter in behind[1:]:
            self._put(self._key(layer, part, stable_name(adapter.name)), (), adapter, adapter)

    def _key(self, layer: str, part: str, name: str) -> VariableKey:
        key = VariableKey(layer, part, name, self._used[layer, part, name])
        self._used[layer, part, name] += 1
        return key

    def _put(self, key: VariableKey, places: tuple[str, ...], value: Any, live: Any) -> None:
        self.arrays[key] = TwinArray(
            key,
            places,
            tuple(value.shape),
            keras_private.dtype_of(value),
            id(live) in self._trained,
            live,
        )
        self._keys[id(value)] = key
        if live is not None:
            self._keys[id(live)] = key

    def _slot_key(self, slot: OptimizerVariable) -> StateKey:
        if slot.reference is None:
            return OptimizerKey(slot.place, slot.role, slot.owner)
        number, path = self._trainable[slot.reference]
        variable = self._keys.get(number)
        if not isinstance(variable, VariableKey):  # a custom layer that does not store it
            variable = VariableKey("", "", path)
        return SlotKey(variable, slot.role, slot.owner)


def _describe(
    tree: ModelTree,
    live: Mapping[str, Any],
    state: keras_private.State,
    slots: Mapping[int, OptimizerVariable],
) -> dict[StateKey, TwinArray]:
    """Every array that Keras would store, by whose it is."""
    description = _Description(tree, live, state)
    for entry in sorted(state.entries, key=lambda entry: id(entry.value) in slots):
        description.add(entry, slots.get(id(entry.value)))
    return description.arrays
