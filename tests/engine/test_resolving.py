"""A graph that cannot be resolved is refused; older Keras would try forever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.engine.keras_private.resolving import refusing_loops

Graph = list[list[list[int]]]  # per layer, per call, the layers that feed it


class Layer:
    """As much of one as resolving looks at."""

    def __init__(self) -> None:
        self._inbound_nodes: list[object] = []


def deserialize_node(node_data: list[int], created_layers: dict[int, Layer]) -> None:
    for feeding in node_data:
        if not created_layers[feeding]._inbound_nodes:
            raise IndexError


def resolve(graph: Graph, ask: Callable[..., Any]) -> int:
    """How many tries it took, by the loop of keras 3.10 `functional_from_config`."""
    layers = {number: Layer() for number in range(len(graph))}
    waiting = {number: calls for number, calls in enumerate(graph) if calls}
    tries = 0
    while waiting:
        for number in list(waiting):
            calls = waiting.pop(number)
            while calls:
                tries += 1
                try:
                    ask(calls[0], layers)
                except IndexError:
                    break
                layers[number]._inbound_nodes.append(object())
                calls = calls[1:]
            if calls:
                waiting[number] = calls
        assert tries < 10_000, "forever"
    return tries


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any order of layers, each fed by such as come earlier in some other order."""
    order = draw(st.permutations(range(draw(st.integers(1, 12)))))
    graph: Graph = [[] for _ in order]
    for place, number in enumerate(order):
        feeding = st.lists(st.sampled_from(order[:place]), max_size=3) if place else st.just([])
        graph[number] = draw(st.lists(feeding, min_size=1, max_size=3))
    return graph


@given(graphs())
def test_what_can_be_resolved_is_as_without_the_guard(graph: Graph) -> None:
    assert resolve(graph, refusing_loops(deserialize_node)) == resolve(graph, deserialize_node)


@given(graphs(), st.data())
def test_what_cannot_be_resolved_is_refused_after_a_few_rounds(graph: Graph, data: Any) -> None:
    size = len(graph)
    looped = data.draw(st.integers(0, size - 1))
    graph[looped].insert(0, [looped])
    calls = sum(map(len, graph))
    with pytest.raises(ValueError, match="loops or disconnected"):
        resolve(graph, counted(refusing_loops(deserialize_node), 2 * calls * (size + 3)))


def counted(ask: Callable[..., Any], most: int) -> Callable[..., Any]:
    tries = 0

    def asked(*arguments: Any) -> Any:
        nonlocal tries
        tries += 1
        assert tries <= most
        return ask(*arguments)

    return asked


def test_one_guard_serves_models_within_models() -> None:
    """Each has layers of its own; one that is gone must not be taken for the next."""
    ask = refusing_loops(deserialize_node)
    for _ in range(50):
        resolve([[[2]], [[0]], [[]]], ask)


@pytest.mark.keras
@pytest.mark.parametrize("history", [["b", 0, 0], ["a", 0, 0], ["x", 99, 0], ["x", 0, 99]])
def test_keras_refuses_or_is_made_to_refuse(history: list[Any]) -> None:
    import json

    import keras

    from kover.engine import keras_private

    inputs = keras.Input((2,), name="x")
    hidden = keras.layers.Dense(2, name="a")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, name="b")(hidden))
    config = json.loads(model.to_json())
    (call,) = config["config"]["layers"][1]["inbound_nodes"]
    call["args"][0]["config"]["keras_history"] = history
    with pytest.raises(ValueError, match="loops or disconnected"):
        keras_private.deserialize_model(config)
