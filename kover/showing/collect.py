"""An open archive -> what is in it. Keras is not needed and no weights are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kover.diffing.compare import archive_facts
from kover.diffing.compile import effective_settings, idle_rates
from kover.diffing.measure import dtype_name
from kover.diffing.model_diff import ArrayFact
from kover.diffing.optimizer_state import iterations, slots, stored_rate
from kover.diffing.stored import StoredModel, stored_model
from kover.diffing.variable_names import is_parameter
from kover.errors import InputError, UsageError
from kover.modelconfig.keras_values import shorten
from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.modelconfig.optimizers import stored_optimizers
from kover.modelconfig.tree import read_tree
from kover.modelconfig.wiring import inputs_of
from kover.problems import Problem, sorted_problems
from kover.showing.findings import findings
from kover.showing.model import LayerDetail, LayerShown, ModelShown, Rate
from kover.showing.output_shapes import output_shapes
from kover.showing.settings import settings_that_matter, whole_config
from kover.source import Source
from kover.suggest import did_you_mean
from kover.values import JSON, MISSING, as_mapping, same

if TYPE_CHECKING:
    from kover.archive.reader import Archive

_MEMBERS = frozenset({"config.json", "metadata.json", "model.weights.h5"})


def show_archive(archive: Archive) -> ModelShown:
    """Everything that a person wants to see first.

    Raises:
        InputError: a broken config. Unreadable weights are a warning.
    """
    tree, model, problems = _opened(archive)
    optimizer = tree.compile_config.get("optimizer")
    saved = archive.metadata.get("date_saved")
    return ModelShown(
        facts=archive_facts(archive, tree),
        layers=_layers(tree, model),
        parameters=model.parameters(),
        trainable_parameters=model.trainable_parameters(),
        compiled=optimizer is not None,
        model_settings=settings_that_matter(tree, tree.root_node) if tree.root_node else {},
        settings=effective_settings(model),
        rates=_rates(model),
        slots=len(slots(model)),
        iterations=iterations(model),
        findings=findings(tree),
        files=tuple(
            (member.name, member.size)
            for member in archive.members
            if member.name not in _MEMBERS and not member.name.endswith("/")
        ),
        provenance=as_mapping(archive.metadata.get("kover")),
        saved=saved if isinstance(saved, str) else None,
        warnings=sorted_problems((
            *archive.warnings, *tree.warnings, *idle_rates(model, archive.path), *problems,
        )),
    )  # fmt: skip


def show_layer(archive: Archive, path: str) -> LayerDetail:
    """One layer with its whole config.

    Args:
        archive: the open archive.
        path: the layer's path, or its name where only one layer has it.

    Raises:
        UsageError: `unknown-layer`, `ambiguous-layer`.
        InputError: a broken config.
    """
    tree, model, _ = _opened(archive)
    node = _found(tree, path, archive.path)
    config, defaults = whole_config(tree, node)
    shown = next(each for each in _layers(tree, model) if each.path == node.path)
    return LayerDetail(
        archive_facts(archive, tree),
        shown,
        config,
        defaults,
        tuple(child.path for child in tree.children(node.path)),
        tuple(each for each in findings(tree) if each.where == node.path),
    )


def _opened(archive: Archive) -> tuple[ModelTree, StoredModel, tuple[Problem, ...]]:
    tree = read_tree(archive.config, archive.path)
    try:
        weights, problems = archive.weights(), ()
    except InputError as error:
        warnings = tuple(
            Problem(each.code, each.message, each.source, each.help, "warning")
            for each in error.problems
        )
        return tree, stored_model(tree, None), warnings
    return tree, stored_model(tree, weights), problems


def _found(tree: ModelTree, path: str, file: str) -> LayerNode:
    node = tree.get(path.strip("/"))
    if node is not None:
        return node
    named = [layer for layer in tree.layers if layer.name == path]
    if len(named) == 1:
        return named[0]
    where = Source(file)
    if named:
        raise UsageError.at(
            "ambiguous-layer",
            f"'{path}' is the name of {len(named)} layers",
            where,
            "give a path: " + " or ".join(f"'{layer.path}'" for layer in named[:4]),
        )
    help = did_you_mean(path, [layer.path for layer in tree.layers], "layers")
    raise UsageError.at("unknown-layer", f"there is no layer '{path}'", where, help)


def _layers(tree: ModelTree, model: StoredModel) -> tuple[LayerShown, ...]:
    shapes, wires = output_shapes(tree), inputs_of(tree)
    arrays = _arrays(model)
    totals = _totals(tree, arrays)
    return tuple(
        LayerShown(
            path=node.path,
            name=node.name,
            class_name=class_name_of(node),
            depth=0 if node.parent is None else node.path.count("/"),
            parent=node.parent,
            holds=len(tree.descendants(node.path)),
            output_shape=shapes.get(node.path, MISSING),
            parameters=None if model.weights is None else totals.get(node.path, 0),
            trainable=tree.config(node).get("trainable", True) is not False,
            settings=settings_that_matter(tree, node),
            arrays=arrays.get(node.path, ()),
            inputs=wires.get(node.path, ()),
        )
        for node in tree.layers
    )


def class_name_of(node: LayerNode) -> str:
    """The class, or the registered name of a custom one."""
    registered = node.registered_name
    return registered if registered and ">" in registered else node.class_name


def _arrays(model: StoredModel) -> Mapping[str, tuple[ArrayFact, ...]]:
    found: dict[str, list[ArrayFact]] = {}
    for (layer, variable), array in model.arrays.items():
        fact = ArrayFact(layer or None, variable, array.shape, dtype_name(array.dtype))
        found.setdefault(layer, []).append(fact)
    return {layer: tuple(facts) for layer, facts in found.items()}


def _totals(tree: ModelTree, arrays: Mapping[str, tuple[ArrayFact, ...]]) -> Mapping[str, int]:
    """Layer path -> numbers stored in it and in all it holds."""
    totals: dict[str, int] = {}
    for path, facts in arrays.items():
        node = tree.get(path)
        if node is None:
            continue
        kind = node.class_name
        own = sum(math.prod(fact.shape) for fact in facts if is_parameter(kind, fact.variable))
        while node is not None:
            totals[node.path] = totals.get(node.path, 0) + own
            node = None if node.parent is None else tree.get(node.parent)
    return totals


def _rates(model: StoredModel) -> tuple[Rate, ...]:
    found = []
    for each in stored_optimizers(model.tree.compile_config.get("optimizer")):
        written = as_mapping(each.record.get("config")).get("learning_rate")
        if written is None:
            continue
        stored: JSON = stored_rate(model, each)
        value = written if stored is None else stored
        where = each.place[-1] if each.place[-2:-1] == ("optimizer_map",) else "*"
        other = stored is not None and not same(written, stored)
        found.append(Rate(where, shorten(value), shorten(written) if other else MISSING))
    return tuple(found)
