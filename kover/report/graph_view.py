"""A model's graph as a template draws it: boxes with captions, and lines between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kover.report.clean import clean
from kover.report.graph_layout import Box, Picture, Point, lay_out
from kover.report.html_page import missing_extra

_HEIGHT = 40.0
_NARROWEST, _WIDEST, _CHARACTER = 120.0, 300.0, 7.3
_LONGEST = 36


@dataclass(frozen=True)
class GraphLayer:
    """A layer to draw.

    Attributes:
        path: its id; parents and inputs are given by it.
        caption: the small second line.
        status: a class of the style sheet: `equal`, `changed`, `added`, ...
        sign: what stands before the name, for those who see no colours.
        word: the status in a word.
        former: paths of layers that fed it before.
    """

    path: str
    name: str
    class_name: str
    caption: str
    parent: str | None = None
    inputs: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    status: str = "equal"
    sign: str = ""
    word: str = ""


@dataclass(frozen=True)
class NodeView:
    """A box with its place."""

    id: int
    path: str
    label: str
    class_name: str
    caption: str
    status: str
    sign: str
    word: str
    holds: bool
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class WireView:
    """A line, as an SVG path."""

    d: str
    status: str


@dataclass(frozen=True)
class GraphView:
    """The whole picture; holders before what they hold."""

    width: float
    height: float
    nodes: tuple[NodeView, ...]
    wires: tuple[WireView, ...]


def graph_view(layers: Sequence[GraphLayer]) -> GraphView:
    """Lay the layers out. Their ids are their places in `layers`.

    Raises:
        UsageError: `missing-extra`.
    """
    ids = {(layer.path, layer.status == "removed"): place for place, layer in enumerate(layers)}
    try:
        picture = lay_out(_boxes(layers, ids))
    except ModuleNotFoundError as error:
        raise missing_extra() from error
    holders = {layer.parent for layer in layers}
    nodes = []
    for box in picture.boxes:
        layer = layers[box.id]
        nodes.append(
            NodeView(
                box.id,
                layer.path,
                clean(layer.name, _LONGEST),
                layer.class_name,
                clean(layer.caption, _LONGEST + 6),
                layer.status,
                layer.sign,
                layer.word,
                layer.path in holders,
                round(box.x, 1),
                round(box.y, 1),
                round(box.width, 1),
                round(box.height, 1),
            )
        )
    wires = tuple(
        WireView(_path(points), _wire_status(layers[source], layers[target]))
        for source, target, points in picture.lines
    )
    return GraphView(*_frame(picture), tuple(nodes), wires)


def _frame(picture: Picture) -> tuple[float, float]:
    return round(picture.width + 8, 1), round(picture.height + 8, 1)


def _boxes(layers: Sequence[GraphLayer], ids: Mapping[tuple[str, bool], int]) -> tuple[Box, ...]:
    children: dict[int | None, list[int]] = {}
    for place, layer in enumerate(layers):
        holder = None if layer.parent is None else _place(ids, layer.parent, layer.status)
        children.setdefault(None if holder == place else holder, []).append(place)

    def made(place: int) -> Box:
        layer = layers[place]
        inside = tuple(made(each) for each in children.get(place, ()))
        return Box(place, _width(layer), _HEIGHT, _inputs(layer, ids), inside)

    return tuple(made(place) for place in children.get(None, ()))


def _place(ids: Mapping[tuple[str, bool], int], path: str, status: str) -> int | None:
    """The layer at `path`, of the same model if there is one in each."""
    own = status == "removed"
    return ids.get((path, own), ids.get((path, not own)))


def _inputs(layer: GraphLayer, ids: Mapping[tuple[str, bool], int]) -> tuple[int, ...]:
    found = [_place(ids, path, layer.status) for path in layer.inputs]
    found += [ids.get((path, True)) for path in layer.former]
    return tuple(each for each in found if each is not None)


def _width(layer: GraphLayer) -> float:
    longest = max(len(layer.name) + 2 * len(layer.sign), len(layer.caption) * 0.88, 1)
    return min(max(_NARROWEST, min(longest, _LONGEST) * _CHARACTER + 22), _WIDEST)


def _wire_status(source: GraphLayer, target: GraphLayer) -> str:
    if "removed" in (source.status, target.status):
        return "removed"
    return "added" if "added" in (source.status, target.status) else ""


def _path(points: Sequence[Point]) -> str:
    (x, y), *rest = points
    parts = [f"M{x:.1f} {y:.1f}"]
    for place, (px, py) in enumerate(rest):
        if place % 2 and px == x:
            parts.append(f"V{py:.1f}")
        else:
            middle = (y + py) / 2
            parts.append(f"C{x:.1f} {middle:.1f} {px:.1f} {middle:.1f} {px:.1f} {py:.1f}")
        x, y = px, py
    return "".join(parts)
