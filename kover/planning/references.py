"""Where a model's config speaks of layers by name, and how that follows a new name.

A Functional calls layers by the `name` of their record: in `inbound_nodes` (Keras 3: the
`keras_history` of tensors; Keras 2: lists), in `input_layers` and `output_layers`. A key of
mapped inputs is its input layer's name too, and so are the keys of a call with a mapping; a key of
mapped outputs is free, and stays.

Source: keras 3.15.1 models/functional.py, `functional_from_config` and `_standardize_inputs`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from kover.modelconfig.edit import Pointer
from kover.modelconfig.records import is_record, model_kind
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.values import JSON, as_mapping

Names = Mapping[str, str]
"""Old names to new ones, of the layers that one model holds."""


def is_wired(tree: ModelTree, node: LayerNode) -> bool:
    """Whether the layer is one of a Functional's own: others are spoken of by no name."""
    holder, record = _holder(tree, node.parent)
    place = (*holder, "config", "layers")
    return model_kind(record) == "functional" and node.pointer[: len(place)] == place


def wiring_edits(
    tree: ModelTree, names: Mapping[str | None, Names], replaced: Collection[str] = ()
) -> Iterator[tuple[Pointer, JSON]]:
    """What to write so that models speak of their layers by the new names.

    Args:
        tree: the model, with the old names.
        names: by the path of what holds the layers, None for the model itself.
        replaced: paths of layers of another class. They are called without the arguments that
            are null: Keras saves `mask: null`, which not every class takes.
    """
    inside = [path for path in names if path is not None]
    around = [tree.node(path).parent for path in (*inside, *replaced)]
    for holder in dict.fromkeys([*names, *around]):
        yield from _wired_anew(tree, holder, names, replaced)


def _wired_anew(
    tree: ModelTree,
    parent: str | None,
    names: Mapping[str | None, Names],
    replaced: Collection[str],
) -> Iterator[tuple[Pointer, JSON]]:
    pointer, record = _holder(tree, parent)
    wired = [node for node in tree.children(parent) if is_wired(tree, node)]
    known = {node.name for node in wired}
    own = {old: new for old, new in names.get(parent, {}).items() if old in known}
    for node in wired:
        calls = tree.record(node).get("inbound_nodes")
        new = _keyed_calls(_calls(calls, own), _input_names(tree, node, names))
        if node.path in replaced:
            new = _without_nulls(new)
        if new != calls:
            yield (*node.pointer, "inbound_nodes"), new
    for key in ("input_layers", "output_layers") if own else ():
        old = as_mapping(record.get("config")).get(key)
        new = _tensors(old, own, keys=key == "input_layers")
        if new != old:
            yield (*pointer, "config", key), new


def reorders_inputs(old: JSON, new: JSON) -> bool:
    """Whether mapped inputs come in another order by their new keys: Keras sorts them."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return False
    pairs = list(zip(old, new, strict=True))
    return [b for _, b in sorted(pairs)] != sorted(b for _, b in pairs)


def _input_names(tree: ModelTree, node: LayerNode, names: Mapping[str | None, Names]) -> Names:
    """Of the new names inside a nested model those by which a call can give its inputs."""
    inside = names.get(node.path)
    if not inside:
        return {}
    layers = tree.children(node.path)
    inputs = {layer.name for layer in layers if layer.class_name == "InputLayer"}
    return {old: new for old, new in inside.items() if old in inputs}


def _keyed_calls(calls: JSON, names: Names) -> JSON:
    """The calls of a nested model, a mapping of inputs with the new keys."""
    if not isinstance(calls, list) or not names:
        return calls
    return [
        {**call, "args": _first_keyed(call["args"], names)}
        if isinstance(call, dict) and "args" in call
        else call
        for call in calls
    ]


def _without_nulls(calls: JSON) -> JSON:
    if not isinstance(calls, list):
        return calls
    return [
        {**call, "kwargs": {key: item for key, item in kwargs.items() if item is not None}}
        if isinstance(call, dict) and isinstance(kwargs := call.get("kwargs"), dict)
        else call
        for call in calls
    ]


def _first_keyed(arguments: JSON, names: Names) -> JSON:
    if not isinstance(arguments, list) or not arguments:
        return arguments
    return [_keyed(arguments[0], names), *arguments[1:]]


def _keyed(value: JSON, names: Names) -> JSON:
    if not isinstance(value, dict) or is_record(value):
        return value
    return {names.get(key, key): item for key, item in value.items()}


def _holder(tree: ModelTree, parent: str | None) -> tuple[Pointer, Mapping[str, JSON]]:
    if parent is None:
        return (), tree.root
    node = tree.node(parent)
    return node.pointer, tree.record(node)


def _calls(calls: JSON, names: Names) -> JSON:
    if not isinstance(calls, list):
        return calls
    return [_call(call, names) if isinstance(call, dict) else _old(call, names) for call in calls]


def _call(value: JSON, names: Names) -> JSON:
    """Keras 3: tensors with a history, anywhere in the arguments."""
    if isinstance(value, list):
        return [_call(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    if value.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
        return {**value, "config": {**config, **_history(config, names)}}
    return {key: _call(item, names) for key, item in value.items()}


def _history(config: Mapping[str, JSON], names: Names) -> dict[str, JSON]:
    history = config.get("keras_history")
    return {} if history is None else {"keras_history": _old(history, names)}


def _old(value: JSON, names: Names) -> JSON:
    """Keras 2: lists that begin with a name and two numbers, keyword arguments included."""
    if isinstance(value, dict):
        return {key: _old(item, names) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    if is_tensor(value):
        return [names.get(str(value[0]), value[0]), *(_old(item, names) for item in value[1:])]
    return [_old(item, names) for item in value]


def _tensors(value: JSON, names: Names, *, keys: bool) -> JSON:
    """Inputs or outputs: one tensor, a list of them, a mapping, or any nest of these."""
    if isinstance(value, list):
        if is_tensor(value):
            return [names.get(str(value[0]), value[0]), *value[1:]]
        return [_tensors(item, names, keys=keys) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        _key(key, item, names) if keys else key: _tensors(item, names, keys=keys)
        for key, item in value.items()
    }


def _key(key: str, item: JSON, names: Names) -> str:
    """The key of an input that is called like its layer."""
    of_layer = isinstance(item, list) and is_tensor(item) and item[0] == key
    return names.get(key, key) if of_layer else key


def is_tensor(value: list[JSON]) -> bool:
    """Whether the list refers to a tensor: layer, call, index of the output."""
    return (
        len(value) >= 3
        and isinstance(value[0], str)
        and all(isinstance(item, int) and not isinstance(item, bool) for item in value[1:3])
    )
