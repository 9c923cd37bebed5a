"""Where boxes and lines go: apart from each other, and downwards."""

from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.report.graph_layout import Box, Picture, lay_out


def box(number: int, *inputs: int, inside: tuple[Box, ...] = ()) -> Box:
    return Box(number, 100 + number % 5 * 20, 40, inputs, inside)


def overlapping(picture: Picture, holders: set[int]) -> list[tuple[int, int]]:
    found = []
    leaves = [each for each in picture.boxes if each.id not in holders]
    for place, one in enumerate(leaves):
        for other in leaves[place + 1 :]:
            beside = one.x + one.width <= other.x or other.x + other.width <= one.x
            above = one.y + one.height <= other.y or other.y + other.height <= one.y
            if not (beside or above):
                found.append((one.id, other.id))
    return found


def test_layers_in_a_file_are_stacked() -> None:
    picture = lay_out([box(0), box(1, 0), box(2, 1)])
    assert [each.id for each in sorted(picture.boxes, key=lambda each: each.y)] == [0, 1, 2]
    assert len(picture.lines) == 2


def test_a_nested_model_is_a_box_around_its_layers() -> None:
    picture = lay_out([box(0), box(1, 0, inside=(box(3), box(4, 3))), box(2, 1)])
    places = {each.id: each for each in picture.boxes}
    holder = places[1]
    for inner in (places[3], places[4]):
        assert holder.x <= inner.x
        assert inner.x + inner.width <= holder.x + holder.width
        assert holder.y < inner.y
        assert inner.y + inner.height <= holder.y + holder.height


@given(
    st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=30),
)
def test_boxes_are_apart_and_lines_lead_down_whatever_the_graph(wires: list[list[int]]) -> None:
    boxes = [box(number, *inputs) for number, inputs in enumerate(wires)]
    picture = lay_out(boxes)
    assert sorted(each.id for each in picture.boxes) == list(range(len(boxes)))
    assert overlapping(picture, set()) == []
    assert all(each.x >= 0 and each.x + each.width <= picture.width + 0.1 for each in picture.boxes)
    for source, target, points in picture.lines:
        heights = [y for _, y in points]
        assert heights == sorted(heights), (source, target, points)


@given(st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=8, max_size=30))
def test_the_same_graph_has_the_same_picture(wires: list[list[int]]) -> None:
    boxes = [box(number, *inputs) for number, inputs in enumerate(wires)]
    pictures = {repr(lay_out(boxes)) for _ in range(4)}
    assert len(pictures) == 1


def test_two_thousand_layers_take_no_time() -> None:
    boxes = [
        box(number, *([number - 1, number - 6] if number % 6 == 0 and number else [number - 1]))
        for number in range(2_000)
    ]
    start = time.perf_counter()
    picture = lay_out(boxes)
    assert time.perf_counter() - start < 5
    assert lay_out(boxes) == picture
    assert len(picture.boxes) == 2_000


@pytest.mark.parametrize(
    ("count", "inputs", "reach"), [(300, 300, 300), (2_000, 5, 2_000), (8_000, 2, 8_000)]
)
def test_a_tangle_of_lines_is_drawn_as_well(count: int, inputs: int, reach: int) -> None:
    random = Random(1)
    boxes = [
        box(each, *{max(0, each - 1 - random.randrange(reach)) for _ in range(inputs)})
        for each in range(count)
    ]
    picture = lay_out(boxes)
    places = {box.id: box.y for box in picture.boxes}
    assert len(places) == count
    assert all(places[source] < places[target] for source, target, _ in picture.lines)
