"""What the code of a class calls the variables that it makes: `blocks/0/up/kernel`.

A config does not say, and the groups of a weights file only half: of `stem` they make
`layers/dense`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def code_names(layers: Mapping[str, Any]) -> dict[int, str]:
    """By the `id` of a variable, its name within the layer of the config that holds it.

    The steps are public attributes, and places in lists and mappings. Variables of the layer itself
    are left out: they have a name.

    Args:
        layers: the live layer at each path of the config; "" is the model.
    """
    known = {id(layer) for layer in layers.values()}
    found: dict[int, str] = {}
    for layer in layers.values():
        seen = set(known)
        pending = list(_parts(layer, ""))
        while pending:
            name, part = pending.pop()
            if id(part) in seen:
                continue
            seen.add(id(part))
            for variable in part.weights:
                found[id(variable)] = f"{name}/{variable.name}"
            pending += _parts(part, f"{name}/")
    return found


def _parts(layer: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """The layers that a layer's public attributes lead to."""
    attributes = vars(layer)
    # On PyTorch a layer is a `torch.nn.Module`, which keeps the layers among its attributes apart.
    for name, value in {**attributes, **attributes.get("_modules", {})}.items():
        if not name.startswith("_"):
            yield from _layers_in(f"{prefix}{name}", value)


def _layers_in(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    import keras

    if isinstance(value, keras.layers.Layer):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(value):
            yield from _layers_in(f"{name}/{at}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _layers_in(f"{name}/{key}", item)
