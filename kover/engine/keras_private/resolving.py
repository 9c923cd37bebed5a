"""Graphs that older Keras never finishes to read: those with a loop, or with a call that fails."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any


@contextlib.contextmanager
def loops_refused() -> Iterator[None]:
    """Let a graph that cannot be resolved end in a ValueError, as newer Keras does.

    `functional_from_config` tries each call of a layer until all that it needs is there. Before
    3.12.4, in 3.13 and in 3.14.0 it does so forever where that never comes.

    Source: keras 3.10 `models.functional.functional_from_config`, which asks `deserialize_node`
    of its module before each try; the one of 3.14.1 has `some_nodes_processed`.
    """
    from keras.src.models import functional

    if "some_nodes_processed" in functional.functional_from_config.__code__.co_varnames:
        yield
        return
    original = functional.deserialize_node
    functional.deserialize_node = refusing_loops(original)
    try:
        yield
    finally:
        functional.deserialize_node = original


def refusing_loops(deserialize_node: Callable[..., Any]) -> Callable[..., Any]:
    """The function, refusing to be asked again where nothing was called since the last round.

    A call that fails twice while no other is made in between fails always. A round begins with
    the call that has been tried most often; only then is counted what has been made.
    """
    tries: Counter[tuple[int, int]] = Counter()
    rounds: dict[int, tuple[int, int]] = {}  # a model's layers to its round, and calls by then
    kept = []  # as long as an object is here, no other has its id

    def guarded(node_data: Any, created_layers: Mapping[str, Any]) -> Any:
        model = id(created_layers)
        key = model, id(node_data)
        if key not in tries:
            kept.append((node_data, created_layers))
        tries[key] += 1
        number, before = rounds.get(model, (1, -1))
        if tries[key] > number:
            made = sum(len(layer._inbound_nodes) for layer in created_layers.values())
            if made == before:
                raise ValueError(
                    "Invalid Functional model configuration. The graph of the Functional model "
                    "either has loops or disconnected nodes."
                )
            rounds[model] = tries[key], made
        return deserialize_node(node_data, created_layers)

    return guarded
