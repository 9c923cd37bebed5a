"""Where the boxes and lines of a model's graph go.

Each model is laid out by itself, inner ones first, so that a nested model is a box with its own
graph in it. Layers that follow one another in a single file are stacked; everything else is laid
out by fast-sugiyama.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

GAP_X, GAP_Y, PADDING, TITLE = 28.0, 26.0, 14.0, 42.0
# Lines, bends in them, pairs of lines between two rows: with more, the drawing is a simpler one.
_MOST_SWAPPED, _MOST_BENDS, _MOST_RANKED, _MOST_PAIRS = 3_000, 60_000, 250_000, 5_000_000

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A layer to place: its id, its size, and the ids of those that feed it."""

    id: int
    width: float
    height: float
    inputs: tuple[int, ...] = ()
    inside: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Placed:
    """A box with its top left corner."""

    id: int
    x: float
    y: float
    width: float
    height: float


@dataclass
class Picture:
    """A laid out graph: boxes, holders before what they hold, and lines from top to bottom."""

    width: float = 0.0
    height: float = 0.0
    boxes: list[Placed] = field(default_factory=list)
    lines: list[tuple[int, int, tuple[Point, ...]]] = field(default_factory=list)


def lay_out(boxes: Sequence[Box]) -> Picture:
    """Place boxes that stand beside each other, and all that is in them."""
    inner = {box.id: lay_out(box.inside) for box in boxes if box.inside}
    sizes = {box.id: _size(box, inner.get(box.id)) for box in boxes}
    edges = _forward_edges(boxes)
    ids = [box.id for box in boxes]
    if _is_file(ids, edges):
        rows: list[list[int]] = [[each] for each in ids]
        bends: dict[tuple[int, int], list[int]] = {}
        centres = dict.fromkeys(ids, 0.0)
    else:
        rows, centres, bends = _layered(ids, edges, sizes)
    return _drawn(_Rows(rows, centres, bends), sizes, edges, inner)


def _size(box: Box, inner: Picture | None) -> Point:
    if inner is None:
        return box.width, box.height
    return (
        max(box.width, inner.width + 2 * PADDING),
        inner.height + TITLE + PADDING,
    )


def _forward_edges(boxes: Sequence[Box]) -> list[tuple[int, int]]:
    """The connections, without those that close a circle."""
    known = {box.id for box in boxes}
    feeding = {
        box.id: {each for each in box.inputs if each in known and each != box.id} for box in boxes
    }
    fed: dict[int, list[int]] = {}
    for target, sources in feeding.items():
        for source in sources:
            fed.setdefault(source, []).append(target)
    waiting = {target: len(sources) for target, sources in feeding.items()}
    ready = [box.id for box in boxes if not waiting[box.id]]
    order: dict[int, int] = {}
    left = dict.fromkeys(box.id for box in boxes)
    while left:
        if not ready:
            ready.append(next(iter(left)))  # a circle: cut it where the model begins
        current = ready.pop()
        if current not in left:
            continue
        del left[current]
        order[current] = len(order)
        for target in fed.get(current, ()):
            waiting[target] -= 1
            if waiting[target] == 0 and target in left:
                ready.append(target)
    return [
        (source, box.id)
        for box in boxes
        for source in dict.fromkeys(box.inputs)
        if source in feeding[box.id] and order[source] < order[box.id]
    ]


def _is_file(ids: Sequence[int], edges: Sequence[tuple[int, int]]) -> bool:
    """Whether each box feeds the next one and no other (or nothing feeds anything)."""
    return not edges or list(edges) == list(pairwise(ids))


@dataclass
class _Rows:
    """Rows of ids from the top, their centres, and the bends of long lines (ids below zero)."""

    rows: list[list[int]]
    centres: dict[int, float]
    bends: dict[tuple[int, int], list[int]]


def _layered(
    ids: Sequence[int], edges: Sequence[tuple[int, int]], sizes: Mapping[int, Point]
) -> tuple[list[list[int]], dict[int, float], dict[tuple[int, int], list[int]]]:
    """Rows by fast-sugiyama; what nothing is connected to goes below."""
    from fast_sugiyama import from_edges

    ids = _from_the_top(ids, edges)
    places = {each: place for place, each in enumerate(ids)}
    numbered = sorted((places[source], places[target]) for source, target in edges)
    widest = max(sizes[each][0] for each in ids)
    typical = sorted(sizes[each][0] for each in ids)[len(ids) // 2]
    spacing = min(widest, typical) + GAP_X
    bend_count, pair_count = _effort(numbered, len(ids))
    if bend_count > _MOST_RANKED or pair_count > _MOST_PAIRS:
        return _by_rank(ids, edges, widest + GAP_X)
    layouts = from_edges(
        numbered,
        vertex_spacing=spacing,
        dummy_vertices=bend_count <= _MOST_BENDS,
        dummy_size=GAP_X,
        ranking_type="up",
        transpose=len(edges) <= _MOST_SWAPPED,
        check_layout=False,
    )
    rows: dict[int, list[int]] = {}
    centres: dict[int, float] = {}
    bends: dict[tuple[int, int], list[int]] = {}
    left, used = 0.0, 0
    for positions, width, _, drawn in layouts:
        spots = sorted((int(number), spot) for number, spot in positions)  # it lists them anyhow
        named = {number: _named(number, ids, used) for number, _ in spots}
        levels = sorted({y for _, (_, y) in spots}, reverse=True)
        ranks = {y: rank for rank, y in enumerate(levels)}
        for number, (x, y) in spots:
            centres[named[number]] = x + left
            rows.setdefault(ranks[y], []).append(named[number])
        for source, target in sorted((int(one), int(other)) for one, other in drawn or ()):
            bends.setdefault((named[source], 0), []).append(named[target])
        left += width + 2 * spacing
        used += len(positions)
    placed = set(centres)
    for row in rows.values():
        row.sort(key=lambda each: (centres[each], each))
    listed = [rows[rank] for rank in sorted(rows)]
    alone = [each for each in ids if each not in placed]
    for each in alone:
        centres[each] = 0.0
        listed.append([each])
    rank = {each: number for number, row in enumerate(listed) for each in row}
    if any(rank[source] >= rank[target] for source, target in edges):
        return _by_rank(ids, edges, widest + GAP_X)  # it cuts circles that are none
    return listed, centres, _chains(edges, bends)


def _by_rank(
    ids: Sequence[int], edges: Sequence[tuple[int, int]], spacing: float
) -> tuple[list[list[int]], dict[int, float], dict[tuple[int, int], list[int]]]:
    """Each box in the row below the last of those that feed it; ids are from the top."""
    feeding: dict[int, list[int]] = {}
    for source, target in edges:
        feeding.setdefault(target, []).append(source)
    ranks: dict[int, int] = {}
    rows: dict[int, list[int]] = {}
    for each in ids:
        ranks[each] = 1 + max((ranks[source] for source in feeding.get(each, ())), default=-1)
        rows.setdefault(ranks[each], []).append(each)
    centres = {each: place * spacing for row in rows.values() for place, each in enumerate(row)}
    return [rows[rank] for rank in sorted(rows)], centres, {}


def _from_the_top(ids: Sequence[int], edges: Sequence[tuple[int, int]]) -> list[int]:
    """The ids so that what feeds comes before what is fed; otherwise as they were."""
    fed: dict[int, list[int]] = {}
    waiting = dict.fromkeys(ids, 0)
    for source, target in edges:
        fed.setdefault(source, []).append(target)
        waiting[target] += 1
    ready = [each for each in reversed(ids) if not waiting[each]]
    order = []
    while ready:
        current = ready.pop()
        order.append(current)
        for target in fed.get(current, ()):
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return order


def _named(number: int, ids: Sequence[int], used: int) -> int:
    """The id of a box; bends get ids below zero, apart for each connected part."""
    return ids[number] if number < len(ids) else -(number + used * 1_000_000)


def _effort(edges: Sequence[tuple[int, int]], count: int) -> tuple[int, int]:
    """How many bends the lines need on the longest ranking; about how many pairs may cross."""
    ranks = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        ranks[target] = max(ranks[target], ranks[source] + 1)
    bends = sum(max(ranks[target] - ranks[source] - 1, 0) for source, target in edges)
    return bends, len(edges) ** 2 // (max(ranks) + 1)


def _chains(
    edges: Iterable[tuple[int, int]], steps: Mapping[tuple[int, int], list[int]]
) -> dict[tuple[int, int], list[int]]:
    """Edge -> its bends, by following them from each source to a box."""
    found: dict[tuple[int, int], list[int]] = {}
    wanted = set(edges)
    for source, _ in wanted:
        for first in steps.get((source, 0), ()):
            chain, current = [], first
            while current < 0 and (current, 0) in steps:
                chain.append(current)
                current = steps[current, 0][0]
            if (source, current) in wanted:
                found[source, current] = chain
    return found


def _drawn(
    laid: _Rows,
    sizes: Mapping[int, Point],
    edges: Sequence[tuple[int, int]],
    inner: Mapping[int, Picture],
) -> Picture:
    """Coordinates from rows: boxes of a row are pushed apart where they would overlap."""
    spots: dict[int, tuple[float, float, float, float]] = {}
    top = 0.0
    for row in laid.rows:
        height = max((sizes[each][1] for each in row if each >= 0), default=0.0)
        right: float | None = None
        for each in row:
            width, own = sizes[each] if each >= 0 else (GAP_X / 2, height)
            x = laid.centres[each] - width / 2
            if right is not None:
                x = max(x, right + GAP_X / (1 if each >= 0 else 2))
            right = x + width
            spots[each] = (x, top + (height - own) / 2, width, own)
        top += height + GAP_Y
    least = min((spot[0] for spot in spots.values()), default=0.0)
    picture = Picture(height=max(top - GAP_Y, 0.0))
    for each, (x, y, width, height) in spots.items():
        if each < 0:
            continue
        picture.boxes.append(Placed(each, x - least, y, width, height))
        picture.width = max(picture.width, x - least + width)
        if each in inner:
            offset = (width - inner[each].width) / 2
            _merge(picture, inner[each], x - least + offset, y + TITLE)
    for source, target in edges:
        points = _points(source, target, laid.bends.get((source, target), ()), spots)
        picture.lines.append((source, target, tuple((x - least, y) for x, y in points)))
    return picture


def _points(
    source: int,
    target: int,
    bends: Sequence[int],
    spots: Mapping[int, tuple[float, float, float, float]],
) -> list[Point]:
    x, y, width, height = spots[source]
    points = [(x + width / 2, y + height)]
    for bend in bends:
        x, y, width, height = spots[bend]
        points += [(x + width / 2, y), (x + width / 2, y + height)]
    x, y, width, _ = spots[target]
    return [*points, (x + width / 2, y)]


def _merge(picture: Picture, inner: Picture, x: float, y: float) -> None:
    for box in inner.boxes:
        picture.boxes.append(Placed(box.id, box.x + x, box.y + y, box.width, box.height))
    for source, target, points in inner.lines:
        moved = tuple((px + x, py + y) for px, py in points)
        picture.lines.append((source, target, moved))
