"""`config.json` as a tree of layers with paths.

A layer's path is the names from the model down, joined by `/`. Every serialised layer anywhere
in the config has one: layers of nested models, of wrappers, of cell stacks, layers given as an
activation, and those among a subclassed model's constructor arguments.

Bidirectional: its config holds two records, `layer` (named `forward_lstm`) and `backward_layer`
(`backward_lstm`); each has its path and is edited on its own. Where only `layer` is there (older
Keras, edited files), the one record has the path of its own name. Keras then makes both
directions from it, so that an edit of it changes both, and the weights of both are its own.

Shared layers: a layer object that stands in two containers is written twice and has two paths.
Keras stores its weights once, under the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from kover.errors import InputError
from kover.modelconfig.edit import Pointer
from kover.modelconfig.naming import to_snake_case
from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.modelconfig.records import is_layer, is_model, model_kind
from kover.modelconfig.shapes import Shapes
from kover.modelconfig.siblings import Held, held_by, path_parts
from kover.problems import Problem, errors_among
from kover.values import JSON, as_mapping

__all__ = ["LayerNode", "ModelTree", "read_tree"]

_DEEPEST = 100


def read_tree(root: Mapping[str, JSON], path: str = "model") -> ModelTree:
    """The layers of a model.

    Args:
        root: the parsed `config.json`; the tree keeps it, and never modifies it.
        path: the model's file, for messages.

    Raises:
        InputError: `broken-config` where the config has not the shape that Keras writes, or
            `duplicate-layer` where two layers of one model have the same name.
    """
    shapes = Shapes(path)
    if not isinstance(root, dict):
        raise shapes.broken("the config is not a mapping", ())
    class_name = shapes.class_name(root, ())
    config = shapes.config(root, ())
    compile_config = root.get("compile_config")
    if compile_config is not None and not isinstance(compile_config, dict):
        raise shapes.broken("'compile_config' is not a mapping", ("compile_config",))
    problems: list[Problem] = []
    layers = _read_layers(root, shapes, problems)
    if errors := errors_among(problems):
        raise InputError(errors)
    name = config.get("name")
    model_name = name if isinstance(name, str) else to_snake_case(class_name)
    return ModelTree(
        root=root,
        name=model_name,
        class_name=class_name,
        layers=tuple(layers),
        model_config=config,
        compile_config=as_mapping(compile_config),
        root_is_model=is_model(root) or not is_layer(root),
        root_node=_root_node(root, model_name, class_name),
        warnings=tuple(problems),
    )


def _read_layers(
    root: Mapping[str, JSON], shapes: Shapes, problems: list[Problem]
) -> list[LayerNode]:
    """All layers, depth first: a stack of siblings whose insides are still to be read."""
    nodes: list[LayerNode] = []
    pending: list[tuple[Held, str, str | None, int | None, int]] = []

    def open_up(record: Mapping[str, JSON], pointer: Pointer, path: str | None, level: int) -> bool:
        held = held_by(record, pointer, shapes, problems)
        parts, odd = path_parts(held, (*pointer, "config"), shapes)
        problems.extend(odd)
        for index in reversed(range(len(held))):
            below = parts[index] if path is None else f"{path}/{parts[index]}"
            place = index if path is None else None
            pending.append((held[index], below, path, place, level + 1))
        return bool(held)

    open_up(root, (), None, 0)
    while pending:
        held, path, parent, index, level = pending.pop()
        if level > _DEEPEST:
            raise shapes.broken(f"layers nest deeper than {_DEEPEST} levels", held.pointer[:6])
        holds_layers = open_up(held.record, held.pointer, path, level)
        nodes.append(_node(held, path, parent, index, holds_layers))
    return nodes


def _root_node(root: Mapping[str, JSON], name: str, class_name: str) -> LayerNode | None:
    """The model itself, if its config is more than what Functional and Sequential keep there."""
    if model_kind(root) is not None:
        return None
    return LayerNode(
        path="",
        name=name,
        class_name=class_name,
        registered_name=_text(root.get("registered_name")),
        module=_text(root.get("module")),
        pointer=(),
        parent=None,
        index=None,
        is_model=True,
        is_wrapper=False,
    )


def _node(
    held: Held, path: str, parent: str | None, index: int | None, holds_layers: bool
) -> LayerNode:
    record = held.record
    own = path if parent is None else path[len(parent) + 1 :]
    object_id = record.get("shared_object_id")
    a_model = is_model(record)
    return LayerNode(
        path=path,
        name=held.name if held.name is not None else own.partition("@")[0],
        class_name=str(record["class_name"]),
        registered_name=_text(record.get("registered_name")),
        module=_text(record.get("module")),
        pointer=held.pointer,
        parent=parent,
        index=index,
        is_model=a_model,
        is_wrapper=holds_layers and not a_model,
        shared_object_id=object_id if isinstance(object_id, int) else None,
    )


def _text(value: JSON) -> str | None:
    return value if isinstance(value, str) else None
