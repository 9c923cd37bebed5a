"""Values that the catalogue accepts and Keras' constructor refuses: what `apply` makes of each."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalogue_making.instances import Instance, constructible
from catalogue_making.public import Public, public_objects
from catalogue_making.signatures import required
from table_making.minimal_models import ATTRIBUTES_LEFT_OUT, layer_classes, minimal_model

from kover.applying import ApplyRequest, apply
from kover.catalogue import Entry, catalogue
from kover.catalogue.checking import value_faults
from kover.catalogue.expansion import expand
from kover.errors import KoverError

IN_COMPILE = {"optimizer", "schedule", "loss", "metric"}
IN_LAYER = {
    "initializer": "kernel_initializer",
    "regularizer": "kernel_regularizer",
    "constraint": "kernel_constraint",
    "dtype_policy": "dtype",
}


@dataclass(frozen=True)
class Refused:
    """A value that Keras' constructor refuses, and the catalogue lets pass."""

    kind: str
    class_name: str
    argument: str
    value: Any

    def spec(self, layer: str, around: dict[str, Any]) -> tuple[str, int]:
        """A spec that asks for it, and the line that it stands in.

        Args:
            layer: the path of the layer that takes it, or the object that has it.
            around: the other arguments that the object needs.
        """
        lines = ["version: 1"]
        given = [f"{self.argument}: {json.dumps(self.value)}"]
        if self.kind == "layer":
            lines += ["overrides:", f"- layers: /{layer}", "  set:", f"    {given[0]}"]
            return "\n".join(lines) + "\n", len(lines)
        inside = [f"class: {self.class_name}"]
        inside += [f"{name}: {json.dumps(item)}" for name, item in around.items()] + given
        if self.kind in IN_LAYER:
            key = IN_LAYER[self.kind]
            lines += ["overrides:", f"- layers: /{layer}", "  set:", f"    {key}:"]
        else:
            lines += ["compile:", *([] if self.kind == "loss" else ["  loss: mse"])]
            lines += {
                "optimizer": ["  optimizer:"],
                "loss": ["  optimizer: sgd", "  loss:"],
                "schedule": ["  optimizer:", "    class: SGD", "    learning_rate:"],
                "metric": ["  optimizer: sgd", "  metrics:", "    m:"],
            }[self.kind]
        lines += [f"      {line}" for line in inside]
        return "\n".join(lines) + "\n", len(lines)


def refused_values(tried: tuple[Any, ...]) -> Iterator[tuple[Public, Instance, list[Refused]]]:
    """For each class, the values among those tried that are refused so late."""
    for public in public_objects():
        entry = catalogue().entry(public.kind, public.name)
        if public.is_function or entry is None or not constructible(public.name):
            continue
        instance = Instance(public, required(public.object))
        found = [
            Refused(public.kind, public.name, name, value)
            for name, value in accepted(entry, tried)
            if not instance.takes(name, expand(entry.arguments[name], value))
        ]
        if found:
            yield public, instance, found


def accepted(entry: Entry, tried: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Arguments and values that the catalogue lets pass."""
    for name, argument in entry.arguments.items():
        if f"{entry.class_name}.{name}" not in ATTRIBUTES_LEFT_OUT:
            for value in tried:
                if not any(value_faults(argument, value)):
                    yield name, value


def arguments_around(value: Refused, instance: Instance) -> dict[str, Any]:
    """The other arguments that an object needs which a spec makes; a layer is there already."""
    if value.kind == "layer":
        return {}
    needed = set(required(instance.public.object)) - {value.argument}
    return {name: item for name, item in instance.config.items() if name in needed}


def saved_model(public: Public, folder: Path) -> tuple[Path, str] | None:
    """A model that can be asked to take the value, and its layer; None where there is none."""
    import keras

    path = folder / "before.keras"
    if public.kind == "layer":
        name = public.object.__name__
        if name not in layer_classes():
            return None
        model, layer = minimal_model(name, public.object)
    else:
        keras.backend.clear_session(free_memory=False)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="m")], name="net")
        layer = "m"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)
    return path, layer


def outcome(model: Path, spec: Path, line: int) -> str:
    """`refused` at the place, `loads`, or what is wrong."""
    output = model.with_name("after.keras")
    output.unlink(missing_ok=True)
    request = ApplyRequest(str(model), (str(spec),), output=str(output))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            apply(request)
    except KoverError as error:
        return _judged(error, spec, line, output)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is a bug)
        return f"bug: {type(error).__name__}: {error}"
    return _loaded(output)


def _judged(error: KoverError, spec: Path, line: int, output: Path) -> str:
    first, place = error.problems[0], error.problems[0].source
    said = f"{first.code}: {first.message}"
    if len({problem.source for problem in error.problems}) > 1:
        return f"several places: {[problem.message for problem in error.problems]}"
    if error.exit_code not in (1, 2):
        return f"exit code {error.exit_code}: {said}"
    if place is None or place.path != str(spec) or place.line is None or place.column is None:
        return f"no place: {said}"
    if not line - 4 <= place.line <= line or not first.help:
        return f"line {place.line} instead of {line}, help {first.help}: {said}"
    left = {path.name for path in output.parent.iterdir()} - {"before.keras", "spec.yaml"}
    return f"written: {left}" if left else f"refused: {first.code}"


def _loaded(output: Path) -> str:
    import keras

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            keras.models.load_model(output)
    except Exception as error:  # noqa: BLE001  (Keras raises whatever it likes)
        return f"does not load: {type(error).__name__}: {error}"
    return "loads"
