"""Custom and dangerous objects in a config: what a load would need, run or open.

Only names are looked at; nothing is imported, decoded or opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kover.catalogue import catalogue
from kover.modelconfig.nodes import ModelTree
from kover.modelconfig.records import is_record, keras_package
from kover.showing.model import Finding
from kover.values import JSON

_CODE = {
    "Lambda": "holds Python code, which Keras runs if it is told to trust the file",
    "__lambda__": "is Python code, which Keras runs if it is told to trust the file",
    "TFSMLayer": "loads and runs a SavedModel from outside the archive",
    "TorchModuleWrapper": "holds a pickled PyTorch module, which runs code when it is loaded",
}
_OUTSIDE = "names a file or address outside the archive, which a load would open"
_NEEDS = "is not Keras' own: a load needs its definition"
_FOREIGN = "would be imported from '{module}', which is not Keras"
_MODELLING = frozenset({
    "", "activations", "constraints", "dtype_policies", "engine", "initializers", "layers",
    "legacy", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "random",
    "regularizers", "saving", "utils",
})  # fmt: skip
_GADGETS = frozenset({"utils"})  # of `keras.utils` only FeatureSpace and its parts are modelling
_UTILS = frozenset({"FeatureSpace", "Feature", "Cross"})
_VOCABULARIES = frozenset({"vocabulary", "idf_weights"})
_DEEPEST = 100

Pointer = tuple[str | int, ...]


def findings(tree: ModelTree) -> tuple[Finding, ...]:
    """All of them, each once, those that can do harm first."""
    places = {node.pointer: node.path for node in tree.layers}
    found = list(dict.fromkeys(_walk(dict(tree.root), (), "", places, _DEEPEST)))
    return tuple(sorted(found, key=lambda each: each.severity != "danger"))


def _walk(
    value: JSON, pointer: Pointer, where: str, places: Mapping[Pointer, str], depth: int
) -> Iterator[Finding]:
    if depth == 0:
        return
    where = places.get(pointer, "compile" if pointer == ("compile_config",) else where)
    if isinstance(value, dict):
        yield from _judged(value, where)
        for key, item in value.items():
            if key in _VOCABULARIES and isinstance(item, str):
                yield Finding("danger", key, where, _OUTSIDE)
            if isinstance(item, (dict, list)):
                yield from _walk(item, (*pointer, key), where, places, depth - 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, (dict, list)):
                yield from _walk(item, (*pointer, index), where, places, depth - 1)


def _judged(record: dict[str, JSON], where: str) -> Iterator[Finding]:
    class_name = record.get("class_name")
    if not isinstance(class_name, str) or not is_record(record):
        return
    if class_name in _CODE:
        yield Finding("danger", class_name, where, _CODE[class_name])
    elif class_name.startswith("__"):
        return
    elif class_name == "function":
        yield from _function(record, where)
    else:
        yield from _class(record, class_name, where)


def _function(record: dict[str, JSON], where: str) -> Iterator[Finding]:
    name = str(record.get("config"))
    module = record.get("module")
    if module in (None, "builtins"):
        known = any(catalogue().entry(kind, name) for kind in ("activation", "loss", "metric"))
        if not known and record.get("registered_name") not in (None, "function", name):
            yield Finding("custom", str(record["registered_name"]), where, _NEEDS)
        elif not known:
            yield Finding("custom", name, where, _NEEDS)
        return
    yield from _of_module(record, name, where)


def _class(record: dict[str, JSON], class_name: str, where: str) -> Iterator[Finding]:
    registered = record.get("registered_name")
    module = record.get("module")
    if module is None and registered in (None, class_name):
        return  # the form of older Keras, which names no module
    package = keras_package(module)
    if package is not None and registered in (None, class_name):
        if package not in _MODELLING or (package in _GADGETS and class_name not in _UTILS):
            why = f"is '{module}.{class_name}', which no model needs: a load would call it"
            yield Finding("danger", class_name, where, why)
        return
    yield Finding("custom", str(registered or class_name), where, _NEEDS)


def _of_module(record: dict[str, JSON], name: str, where: str) -> Iterator[Finding]:
    package = keras_package(record.get("module"))
    if package is None:
        module = str(record.get("module"))
        yield Finding("danger", name, where, _FOREIGN.format(module=module))
    elif package not in _MODELLING or package in _GADGETS:
        why = f"is '{record.get('module')}.{name}', which no model needs: a load would call it"
        yield Finding("danger", name, where, why)
