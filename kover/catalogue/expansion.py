"""From the short form of a spec to the form that Keras writes into `config.json`.

Arguments left out are filled in as `get_config` would give them, so that the written config
equals what Keras itself would save.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

from kover.catalogue.checking import SPECIAL_NAMES
from kover.catalogue.forms import ObjectForm, is_object_kind, names_an_object, read_object
from kover.catalogue.model import Argument, Entry
from kover.values import JSON, MISSING

_QUANTIZED_CLASSES = {
    "int8": "QuantizedDTypePolicy",
    "float8": "QuantizedFloat8DTypePolicy",
    "int4": "Int4DTypePolicy",
}
_ITEM_KINDS = {"losses": "loss", "metrics": "metric"}


def expand(argument: Argument, data: JSON) -> JSON:
    """The value of a spec as Keras serialises it. Give it only what `check_value` passed."""
    if data is None or isinstance(data, bool):
        return data
    if argument.kind == "shape":
        return _shape(argument, data)
    if argument.kind in {"float", "learning_rate"} and isinstance(data, int):
        return float(data)  # Keras refuses an integer here
    if isinstance(data, (str, list, dict)):
        return _expanded(argument.kind, data)
    return data


def _expanded(kind: str, data: str | list[JSON] | dict[str, JSON]) -> JSON:
    if kind == "dtype_policy" and isinstance(data, str):
        return _dtype_policy(data)
    if kind in _ITEM_KINDS:
        expanded = _structure(kind, data)
        return with_unique_names(expanded) if kind == "metrics" else expanded
    if is_object_kind(kind) and not isinstance(data, list):
        return _object(kind, data)
    return copy.deepcopy(data)


def expand_arguments(entry: Entry, given: Mapping[str, JSON]) -> dict[str, JSON]:
    """Each given argument of a class in its config form; nothing is filled in."""
    return {
        name: expand(entry.arguments.get(name, Argument(name)), data)
        for name, data in given.items()
    }


def _shape(argument: Argument, data: JSON) -> JSON:
    if argument.length is None:
        return copy.deepcopy(data)
    if isinstance(data, list):
        return data * argument.length if len(data) == 1 else list(data)
    return [data] * argument.length


def _dtype_policy(name: str) -> JSON:
    mode, separator, source = name.partition("_from_")
    if not separator:
        return _record("keras", "DTypePolicy", {"name": name})
    class_name = _QUANTIZED_CLASSES.get(mode.partition("/")[0])
    if class_name is None or (class_name == "Int4DTypePolicy" and "/" not in mode):
        return name  # Keras takes the string as well
    return _object("dtype_policy", {"class": class_name, "mode": mode, "source_name": source})


def _structure(kind: str, data: JSON) -> JSON:
    if isinstance(data, list):
        return [_structure(kind, item) for item in data]
    if isinstance(data, dict) and not names_an_object(data):
        return {key: _structure(kind, item) for key, item in data.items()}
    if isinstance(data, (str, dict)) and data not in SPECIAL_NAMES[kind]:
        return _object(_ITEM_KINDS[kind], data)
    return data


def _object(kind: str, data: str | dict[str, JSON]) -> JSON:
    form = read_object(kind, data)
    if form.name is None:
        return copy.deepcopy(data)
    if form.entry is None:
        return _custom(form) if form.is_custom else copy.deepcopy(data)
    if form.entry.is_function:
        return _function(form.entry, data)
    if isinstance(data, str) and kind in {"loss", "metric"} and data in form.entry.identifiers:
        return data  # kept as `Model.compile` was given it, which is what Keras saves
    return _record(form.entry.module, form.entry.class_name, _filled(form.entry, form.arguments))


def _function(entry: Entry, data: str | dict[str, JSON]) -> JSON:
    if entry.kind == "activation":
        return entry.class_name
    if isinstance(data, str) and data in entry.identifiers:
        return data
    return {
        "module": "builtins",
        "class_name": "function",
        "config": entry.class_name,
        "registered_name": "function",
    }


def _filled(entry: Entry, given: Mapping[str, JSON]) -> dict[str, JSON]:
    """The config of an object of the class: what is given, else the defaults."""
    expanded = expand_arguments(entry, given)
    config: dict[str, JSON] = {}
    for name in entry.config_keys:
        argument = entry.arguments.get(name)
        if name in expanded:
            config[name] = expanded.pop(name)
        elif argument is not None and argument.default is not MISSING:
            config[name] = copy.deepcopy(argument.default)
    return config | expanded


def _custom(form: ObjectForm) -> JSON:
    """A record that Keras resolves through its registry, whether class or function."""
    if form.given.get("class_name") == "function":
        return copy.deepcopy(dict(form.given))
    name = str(form.name)
    registered = form.given.get("registered_name") or name
    return {
        "module": form.given.get("module"),
        "class_name": name.rpartition(">")[2],
        "config": copy.deepcopy(dict(form.arguments)),
        "registered_name": registered,
    }


def _record(module: str, class_name: str, config: dict[str, JSON]) -> JSON:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def with_unique_names(metrics: JSON) -> JSON:
    """Metrics whose names would clash, numbered as Keras does: `auc`, `auc_1`."""
    counts: dict[str, int] = {}
    return _numbered(metrics, counts)


def _numbered(data: JSON, counts: dict[str, int]) -> JSON:
    if isinstance(data, list):
        return [_numbered(item, counts) for item in data]
    if isinstance(data, str):  # `auc` is the name of the metric as well
        counts.setdefault(data, 1)
    if not isinstance(data, dict):
        return data
    config = data.get("config")
    if "class_name" not in data or not isinstance(config, dict):
        return {key: _numbered(item, counts) for key, item in data.items()}
    name = config.get("name")
    if not isinstance(name, str):
        return data
    number = counts.get(name, 0)
    counts[name] = number + 1
    return {**data, "config": {**config, "name": f"{name}_{number}"}} if number else data
