"""The variables that a layer stores: their names, in storing order, and what switches each off.

A built layer is walked by Keras' own saving code with a store that only records. Every
argument that might switch variables is tried both ways.
"""

from __future__ import annotations

import warnings
from typing import Any

from catalogue_making.instances import Instance

HOLDERS = {"Bidirectional", "TimeDistributed", "RNN", "StackedRNNCells", "Pipeline"}
OWN_ONLY = {"SpectralNormalization"}
ON = {"rate": 0.5, "dropout": 0.5, "recurrent_dropout": 0.5, "stddev": 0.1, "bias_axes": "c"}
"""Arguments that are no booleans, yet switch variables: a value with which they exist."""

Key = tuple[str, str]  # group, name


def _recorder() -> Any:
    """An HDF5 store that keeps the variables themselves instead of their values."""
    from keras.src.saving import saving_lib

    class Recorder(saving_lib.H5IOStore):  # type: ignore[misc] # Keras asks for an instance
        def __init__(self) -> None:
            self.groups: dict[str, dict[str, Any]] = {}

        def __bool__(self) -> bool:
            return True

        def make(self, path: str, metadata: Any = None) -> dict[str, Any]:
            return self.groups.setdefault(path.strip("/"), {})

    return Recorder()


def stored_variables(instance: Instance, arguments: dict[str, Any]) -> list[list[str]]:
    """Each variable as `[name, group, switch]`, the last ones left out where empty."""
    if instance.public.name in HOLDERS:
        return []
    usual = _keys(instance, {})
    switches: dict[Key, str] = {}
    on: dict[str, Any] = {}
    for argument in sorted(arguments):
        values = _both_ways(argument, arguments[argument])
        if values is None:
            continue
        off, with_it = (_keys(instance, {argument: value}) for value in values)
        for key in sorted(set(with_it) - set(off)):
            switches.setdefault(key, argument)
            on[argument] = values[1]
    ordered = _keys(instance, on) if on else usual
    names = [name for _, name in ordered]
    lines = []
    for group, name in ordered:
        readable = name if names.count(name) == 1 else f"{group.rpartition('/')[2]}/{name}"
        lines.append(
            [readable.replace("_dense/", "/").lstrip("_"), group, switches.get((group, name), "")]
        )
    return [_trimmed(line) for line in lines]


def _trimmed(line: list[str]) -> list[str]:
    while line and not line[-1]:
        line = line[:-1]
    return line


def _both_ways(argument: str, domain: dict[str, Any]) -> tuple[Any, Any] | None:
    if argument in ON:
        return (None if argument == "bias_axes" else 0.0), ON[argument]
    if domain["kind"] == "bool" and argument not in {"trainable", "autocast"}:
        return False, True
    return None


def _keys(instance: Instance, changed: dict[str, Any]) -> list[Key]:
    """Group and name of each stored variable of the layer with that config."""
    from keras.src.saving import saving_lib

    try:
        layer = instance.make(**changed)
        _build(layer, instance.public.name)
    except Exception:  # noqa: BLE001 (a combination that Keras refuses stores nothing)
        return []
    recorder = _recorder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saving_lib._save_state(layer, recorder, None, "", set())
    found = []
    for group, stored in recorder.groups.items():
        if group and instance.public.name in OWN_ONLY:
            continue
        for index in sorted(
            stored, key=lambda key: (not key.isdigit(), int(key) if key.isdigit() else 0, key)
        ):
            found.append((group, getattr(stored[index], "name", index)))
    return found


def _build(layer: Any, name: str) -> None:
    """Build the layer on the first input shape that it takes."""
    if "QueryAttention" in name or name == "MultiHeadAttention":
        layer.build((2, 4, 8), (2, 4, 8))
        return
    shapes: list[Any] = [(2, 4), (2, 8, 4), (2, 8, 8, 4), (2, 4, 8, 8, 4), (2, 4, 4, 8, 8, 4)]
    if name in {"Attention", "AdditiveAttention"}:
        shapes = [[(2, 4, 4), (2, 4, 4)]]
    if name == "Embedding":
        shapes = [(2, 4)]
    for shape in shapes:
        try:
            layer.build(shape)
        except Exception:  # noqa: BLE001 (wrong rank: the next one)
            continue
        return
