"""A model as lines that stay the same as long as the model does, for comparing line by line.

Neither paths, dates nor object ids matter. Stored arrays are named by a digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kover.archive.weights import StoredArray, WeightsFile
from kover.diffing.compile import effective_settings
from kover.diffing.measure import dtype_name
from kover.diffing.optimizer_state import iterations
from kover.diffing.stored import StoredModel, stored_model
from kover.modelconfig.tree import read_tree
from kover.modelconfig.wiring import inputs_of
from kover.showing.collect import class_name_of
from kover.showing.findings import findings
from kover.showing.settings import whole_config
from kover.values import JSON
from kover.yaml_text import flow

if TYPE_CHECKING:
    from kover.archive.reader import Archive

_DIGITS = 16
_OWN = frozenset({"config.json", "metadata.json", "model.weights.h5"})


def stable_lines(archive: Archive) -> Iterator[str]:
    """The lines, without line ends; names in them are not yet safe to print.

    Raises:
        InputError: a broken config, unreadable weights.
    """
    tree = read_tree(archive.config, archive.path)
    model = stored_model(tree, archive.weights())
    yield f"model {tree.class_name} {tree.name}"
    yield f"  keras: {_text(archive.metadata.get('keras_version'))}"
    yield from _of_layers(model)
    yield "compile" if tree.compile_config else "compile: saved uncompiled"
    yield from _settings(effective_settings(model), "  ")
    yield from _state(model)
    for finding in findings(tree):
        yield f"{finding.severity} {finding.what} in {finding.where or 'the model'}"
    for member in sorted(archive.members, key=lambda each: each.name):
        if member.name not in _OWN and not member.name.endswith("/"):
            yield f"file {member.name}: {member.size} bytes, crc32 {member.crc:08x}"
    yield from _settings({"kover": archive.metadata.get("kover")}, "")


def _of_layers(model: StoredModel) -> Iterator[str]:
    tree, feeding = model.tree, inputs_of(model.tree)
    arrays: dict[str, list[tuple[str, StoredArray]]] = {}
    for (layer, variable), array in model.arrays.items():
        arrays.setdefault(layer, []).append((variable, array))
    for node in tree.layers:
        yield f"layer {node.path} {class_name_of(node)}"
        config, defaults = whole_config(tree, node)
        told = {key: value for key, value in config.items() if key not in {"name", *defaults}}
        yield from _settings(told, "  ")
        if feeding.get(node.path):
            yield f"  inputs: {', '.join(feeding[node.path])}"
        yield from _arrays(model.weights, arrays.pop(node.path, []))
    if arrays:
        yield "weights of no layer in the config"
        for rest in arrays.values():
            yield from _arrays(model.weights, rest)


def _arrays(weights: WeightsFile | None, arrays: list[tuple[str, StoredArray]]) -> Iterator[str]:
    for variable, array in arrays:
        assert weights is not None
        digest = hashlib.blake2b(digest_size=_DIGITS // 2)
        for piece in weights.chunks(array):
            digest.update(piece)
        yield f"  {variable}: {dtype_name(array.dtype)} {array.shape} {digest.hexdigest()}"


def _state(model: StoredModel) -> Iterator[str]:
    if not model.optimizer or model.weights is None:
        return
    digest = hashlib.blake2b(digest_size=_DIGITS // 2)
    for path, array in model.optimizer.items():
        digest.update(f"{path}{array.shape}{array.dtype}".encode("utf-8", "surrogatepass"))
        for piece in model.weights.chunks(array):
            digest.update(piece)
    steps = iterations(model)
    yield "optimizer state"
    yield f"  arrays: {len(model.optimizer)}"
    yield f"  iterations: {'unknown' if steps is None else steps}"
    yield f"  digest: {digest.hexdigest()}"


def _settings(values: Mapping[str, JSON], indent: str) -> Iterator[str]:
    """A line for each setting; those of objects one by one."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{key}: {_text(value.get('class'))}".removesuffix(": null")
            inside = {name: item for name, item in value.items() if name != "class"}
            yield from _settings(inside, f"{indent}  ")
        elif value is not None:
            yield f"{indent}{key}: {_text(value)}"


def _text(value: JSON) -> str:
    try:
        return flow(value)
    except ValueError:
        return ascii(value)
