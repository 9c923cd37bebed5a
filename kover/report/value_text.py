"""Values, shapes and numbers as people write them. All text that leaves here is clean."""

from __future__ import annotations

import json
import re

from kover.report.clean import ELLIPSIS, clean
from kover.values import JSON, MISSING, Missing, normal, same

LONGEST = 60
_BARE = re.compile(r"[A-Za-z_][\w.>-]*", re.ASCII)
_WORDS = frozenset({"true", "false", "none", "null", "absent"})
_DEEPEST = 6
_CONSTANTS: dict[bool | Missing | None, str] = {
    MISSING: "absent",
    None: "none",
    True: "true",
    False: "false",
}


def value_text(value: JSON | Missing) -> str:
    """A value in short form: `none`, `true`, `relu`, `L2(l2=0.0001)`, `(3, 3)`; at most 60 long."""
    return clean(_text(value, 0), LONGEST)


def change_text(before: JSON | Missing, after: JSON | Missing) -> tuple[str, str]:
    """Two values. Of long objects only what tells them apart is shown."""
    for one, other in (
        (before, after),
        (_telling(before, after), _telling(after, before)),
        (_head(before, after), _head(after, before)),
    ):
        if max(len(_text(one, 0)), len(_text(other, 0))) <= LONGEST:
            break
    return value_text(one), value_text(other)


def _head(value: JSON | Missing, other: JSON | Missing) -> JSON | Missing:
    """Of an object of another class than `other` the class, and its learning rate if it has one."""
    if not (isinstance(value, dict) and isinstance(other, dict)) or same(
        value.get("class"), other.get("class")
    ):
        return _telling(value, other)
    return {key: item for key, item in value.items() if key in ("class", "learning_rate")}


def _telling(value: JSON | Missing, other: JSON | Missing) -> JSON | Missing:
    """`value` without the settings that `other` shares, and without those that are not set."""
    if not isinstance(value, dict) or "class" not in value:
        return value
    others = other if isinstance(other, dict) else {}
    kept: dict[str, JSON] = {
        key: item
        for key, item in value.items()
        if key == "class" or not (_is_unset(item) or (key in others and same(item, others[key])))
    }
    return kept


def _is_unset(value: JSON) -> bool:
    return value is None or value is False


def _text(value: JSON | Missing, level: int) -> str:
    if isinstance(value, (list, dict)):
        if level >= _DEEPEST:
            return ELLIPSIS
        form = _list_text if isinstance(value, list) else _mapping_text
        return form(value, level)  # type: ignore[arg-type]  # the form was chosen by the type
    if isinstance(value, str):
        bare = _BARE.fullmatch(value) and value not in _WORDS
        return value if bare else json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(normal(value))
    return _CONSTANTS[value]


def _list_text(value: list[JSON], level: int) -> str:
    head = value[: LONGEST + 1]  # what is beyond is cut away anyway
    if head and all(item is None or type(item) is int for item in head):
        return shape_text(tuple(head))
    return f"[{', '.join(_text(item, level + 1) for item in head)}]"


def _mapping_text(value: dict[str, JSON], level: int) -> str:
    name = value.get("class")
    if not isinstance(name, str):
        items = (f"{key}: {_text(item, level + 1)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    rest = [f"{key}={_text(item, level + 1)}" for key, item in value.items() if key != "class"]
    return f"{name}({', '.join(rest)})" if rest else name


def shape_text(shape: tuple[object, ...]) -> str:
    """`(None, 128)`, as Keras prints shapes."""
    return str(tuple(shape))


def count_text(number: int | None) -> str:
    """`25,557,032`, or `unknown`."""
    return "unknown" if number is None else f"{number:,}"


def counted(number: int, noun: str) -> str:
    """`1 layer`, `57 layers`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size_text(size_bytes: int) -> str:
    """`98.2 MB`, in powers of 1000."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def measure_text(number: float | None) -> str:
    """Three significant digits: enough to see how much something moved."""
    return "unknown" if number is None else f"{number:.3g}"


def share_text(share: float) -> str:
    """A percentage that never rounds something to 0 %, nor not everything to 100 %."""
    percent = share * 100
    if 99.9 < percent < 100:
        return "> 99.9 %"
    if 0 < percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.3g} %"


def shapes_text(shape: JSON) -> str:
    """An output shape, or several: `(None, 10)`, `(None, 10), (None, 4)`."""
    if isinstance(shape, list) and shape and all(isinstance(item, list) for item in shape):
        return clean(", ".join(shapes_text(item) for item in shape), LONGEST)
    return value_text(shape)
