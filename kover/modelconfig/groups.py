"""The HDF5 group of a layer below the group of what holds it, as Keras' saving rule names it.

Mirrors `_walk_saveable`, `_save_container_state` and `_get_unique_name` of
`keras.src.saving.saving_lib` on the config instead of on the live objects.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from kover.modelconfig.edit import Pointer, value_at
from kover.modelconfig.naming import UniqueNames, to_snake_case
from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.modelconfig.records import is_operation, is_record, keras_package, model_kind
from kover.values import JSON, MISSING, Missing, as_mapping

_LEGACY_CONTAINER = "_layer_checkpoint_dependencies"
_DIRECTIONS = {"layer": "forward_layer", "backward_layer": "backward_layer"}
_WITH_OWN_CELL = frozenset({"LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"})
# Exported under another name than the class's own; the only one among Keras' layers.
_PYTHON_CLASSES = {"GroupQueryAttention": "GroupedQueryAttention"}
_NUMBER = re.compile(r"_(\d+)$")


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Where a layer may be stored, likeliest first; each is one or more groups at once.

    `exact` tells that there is no guess in it: the holder is one of Keras' own classes.
    """

    groups: tuple[tuple[str, ...], ...]
    exact: bool


class GroupRule:
    """Knows, for each layer of a tree, its group below the group of its holder."""

    def __init__(self, tree: ModelTree, present: Collection[str]) -> None:
        self._tree = tree
        self._present = present
        self._listed: dict[Pointer, dict[Pointer, str]] = {}
        self._items: dict[Pointer, dict[str | int, str]] = {}

    def alternatives(self, node: LayerNode, above: str) -> Alternatives:
        """Where the layer may be stored, given one group of its holder (`` for the model's)."""
        holder = None if node.parent is None else self._tree.node(node.parent)
        record = self._tree.root if holder is None else self._tree.record(holder)
        place = () if holder is None else holder.pointer
        steps = node.pointer[len(place) + 1 :]
        if model_kind(record) is not None and steps[0] == "layers":
            group = self._model_groups(place, record, above).get(node.pointer)
            return Alternatives(((group,),) if group else (), exact=True)
        return self._in_attribute(place, steps, record)

    def _model_groups(
        self, place: Pointer, record: Mapping[str, JSON], above: str
    ) -> dict[Pointer, str]:
        """The groups of all layers in a Sequential's or Functional's `layers`."""
        if place not in self._listed:
            legacy = f"{above}/{_LEGACY_CONTAINER}".lstrip("/")
            stored = [] if legacy not in self._present else self._below(legacy)
            records = _stored_layers(record, (*place, "config", "layers"))
            self._listed[place] = _legacy_groups(records, stored) if stored else _groups(records)
        return self._listed[place]

    def _below(self, group: str) -> list[str]:
        depth = group.count("/") + 1
        inner = {path.split("/")[depth] for path in self._present if path.startswith(f"{group}/")}
        return sorted(inner)

    def _in_attribute(
        self, place: Pointer, steps: Pointer, record: Mapping[str, JSON]
    ) -> Alternatives:
        """A layer under a key of its holder's config, which holds it as an attribute."""
        key, inner = str(steps[0]), self._inside((*place, "config", steps[0]), steps[1:])
        builtin = keras_package(record.get("module")) is not None
        config = as_mapping(record.get("config"))
        if record.get("class_name") == "Bidirectional" and key in _DIRECTIONS:
            both = key == "layer" and config.get("backward_layer") is None
            directions = tuple(_DIRECTIONS.values()) if both else (_DIRECTIONS[key],)
            return Alternatives((directions,), exact=True)
        attributes = (key,) if builtin else (key, f"_{key}")
        if builtin and record.get("class_name") in _WITH_OWN_CELL and key > "cell":
            # The cell that the layer makes for itself holds the same activation objects, and it
            # comes before `recurrent_activation` in the alphabet, though after `activation`.
            attributes = (f"cell/{key}", key)
        return Alternatives(tuple((f"{name}{inner}",) for name in attributes), exact=builtin)

    def _inside(self, pointer: Pointer, steps: Pointer) -> str:
        """The rest of a group's path, from the value of a config's key to the layer in it."""
        path = ""
        for step in steps:
            value = value_at(self._tree.root, pointer)
            pointer = (*pointer, step)
            if isinstance(value, dict) and is_record(value):
                continue  # `step` is its config, whose keys are attributes
            parent = pointer[:-2]
            if pointer[-2] == "config" and is_record(_json(value_at(self._tree.root, parent))):
                path += f"/{step}"
            else:
                path += f"/{self._item_groups(pointer[:-1], value).get(step, '')}"
        return path

    def _item_groups(self, pointer: Pointer, container: JSON | Missing) -> dict[str | int, str]:
        """The group of each item of a list or mapping."""
        if pointer not in self._items:
            names, groups = UniqueNames(), {}
            for step, item in _steps(container):
                if isinstance(item, dict) and is_record(item):
                    groups[step] = names.next(_snake(item))
                elif isinstance(item, (dict, list)):
                    groups[step] = names.next("container")
            self._items[pointer] = groups
        return self._items[pointer]


def _snake(record: Mapping[str, JSON]) -> str:
    """What `_save_container_state` calls an object: its Python class in snake case."""
    class_name = str(record.get("class_name"))
    if keras_package(record.get("module")) is not None:
        class_name = _PYTHON_CLASSES.get(class_name, class_name)
    return to_snake_case(class_name)


def _stored_layers(record: Mapping[str, JSON], pointer: Pointer) -> list[tuple[Pointer, str]]:
    """What a model's `layers` property holds, with the snake-case class.

    A Sequential leaves out its InputLayer, a Functional its operations that are no layers.
    """
    layers = as_mapping(record.get("config")).get("layers")
    kind = model_kind(record)
    found = []
    for position, item in _steps(layers):
        layer = as_mapping(item)
        if kind == "sequential" and position == 0 and layer.get("class_name") == "InputLayer":
            continue
        if not is_operation(layer):
            found.append(((*pointer, position), _snake(layer)))
    return found


def _groups(layers: list[tuple[Pointer, str]]) -> dict[Pointer, str]:
    names = UniqueNames()
    return {pointer: f"layers/{names.next(snake)}" for pointer, snake in layers}


def _legacy_groups(layers: list[tuple[Pointer, str]], stored: list[str]) -> dict[Pointer, str]:
    """Keras 2.12: numbers have gaps, as each layer with weights was counted twice.

    The order is the model's all the same. Where the count does not fit, there is no answer.
    """
    by_class: dict[str, list[tuple[int, str]]] = {}
    snakes = {snake for _, snake in layers}
    for group in stored:
        base = group if group in snakes else _NUMBER.sub("", group)
        number = group[len(base) + 1 :]
        by_class.setdefault(base, []).append((int(number or 0), group))
    found: dict[Pointer, str] = {}
    for snake, groups in by_class.items():
        pointers = [pointer for pointer, name in layers if name == snake]
        if len(pointers) == len(groups):
            ordered = [group for _, group in sorted(groups)]
            pairs = zip(pointers, ordered, strict=True)
            found.update((at, f"{_LEGACY_CONTAINER}/{group}") for at, group in pairs)
    return found


def _steps(container: JSON | Missing) -> Iterable[tuple[str | int, JSON]]:
    if isinstance(container, dict):
        return container.items()
    return enumerate(container) if isinstance(container, list) else ()


def _json(value: JSON | Missing) -> JSON:
    return None if value is MISSING else value
