"""What is in a model, as text: one line for each layer, then what it is compiled with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kover.catalogue import defaults_of
from kover.report.clean import ELLIPSIS, clean
from kover.report.diff_text import section, warnings
from kover.report.style import ConsoleOptions, Line, Meaning, Segment, columns, line, render_lines
from kover.report.value_text import count_text, counted, shapes_text, size_text, value_text
from kover.showing.model import Finding, LayerShown, ModelShown
from kover.values import JSON, MISSING, Missing, same

_LONGEST_PATH = 1000
_WIDEST = (44, 28, 26, 14, 9)
_INDENT = "  "
_ROOM_FOR_SETTINGS = 30


def render_shown(shown: ModelShown, options: ConsoleOptions | None = None) -> str:
    """The text, each line ended; on a terminal the settings are cut to its width."""
    options = options or ConsoleOptions()
    return render_lines(shown_lines(shown, options.width if options.terminal else None), options)


def shown_lines(shown: ModelShown, width: int | None = None) -> list[Line]:
    """The whole page.

    Args:
        shown: what is in the model.
        width: of the terminal; None where nobody minds long lines.
    """
    lines = header_lines(shown)
    lines += section(_layers(shown, width))
    lines += section(compile_lines(shown))
    lines += section(finding_lines(shown.findings))
    lines += section(_files(shown.files))
    lines += section(provenance_lines(shown))
    return lines + warnings(shown.warnings)


def header_lines(shown: ModelShown) -> list[Line]:
    """Which archive, and what it is."""
    facts = shown.facts
    parts = [
        f"{clean(facts.class_name)} {clean(facts.name)}".strip(),
        counted(facts.layer_count, "layer"),
        f"Keras {clean(facts.keras_version)}" if facts.keras_version else "",
        "" if facts.size_bytes is None else size_text(facts.size_bytes),
        f"saved {clean(shown.saved.replace('@', ' '))}" if shown.saved else "",
    ]
    return [
        line(Segment(clean(facts.path, _LONGEST_PATH), "title")),
        line(Segment(f"  {' · '.join(part for part in parts if part)}", "faint")),
        *([line(f"  {settings_text(shown.model_settings)}")] if shown.model_settings else ()),
    ]


def _layers(shown: ModelShown, width: int | None) -> list[Line]:
    if not shown.layers:
        return [line(Segment("Layers", "title"), "   none in the config: the class makes them")]
    total = parameters_text(shown)
    head = [line(Segment("Layers", "title"), f"   {total}" if total else "")]
    names = ("layer", "class", "output shape", "parameters", "", "settings")
    rows = [[line(Segment(name, "faint")) for name in names]]
    rows += [_row(layer) for layer in shown.layers]
    lines = columns(rows, _INDENT, _WIDEST)
    without = columns([row[:-1] for row in rows], _INDENT, _WIDEST[:-1])
    widest = max(len(each.text) for each in without)
    if width is None or widest + _ROOM_FOR_SETTINGS <= width:
        return head + [_cut(each, width) for each in lines]
    return head + _narrow(without, shown.layers, width)


def _narrow(lines: Sequence[Line], layers: Sequence[LayerShown], width: int) -> list[Line]:
    """The table where there is no room beside it: the settings of a layer below it."""
    found = [_cut(lines[0], width)]
    for each, layer in zip(lines[1:], layers, strict=True):
        found.append(_cut(each, width))
        if layer.settings:
            indent = _INDENT * (layer.depth + 3)
            found.append(_cut(line(indent, settings_text(layer.settings)), width))
    return found


def parameters_text(shown: ModelShown) -> str:
    """`2,125 parameters, 643 of them trainable`, or nothing without weights."""
    if shown.parameters is None:
        return ""
    text = f"{shown.parameters:,} parameters"
    trainable = shown.trainable_parameters
    if trainable is None:
        return f"{text}, how many of them train is for a custom layer to say"
    return text if trainable == shown.parameters else f"{text}, {trainable:,} of them trainable"


def _row(layer: LayerShown) -> list[Line]:
    name = clean(layer.name, 80)
    path = Segment(f"{_INDENT * layer.depth}{name}", "path")
    count = "" if not layer.parameters else count_text(layer.parameters)
    return [
        line(path),
        line(clean(layer.class_name, 60)),
        line(Segment(shape_of(layer), "faint")),
        line(f"{count:>10}"),
        line(Segment("" if layer.trainable else "frozen", "warning")),
        line(settings_text(layer.settings)),
    ]


def shape_of(layer: LayerShown) -> str:
    """The output shape, or nothing where the config does not tell."""
    return "" if isinstance(layer.output_shape, Missing) else shapes_text(layer.output_shape)


def settings_text(settings: Mapping[str, JSON]) -> str:
    """`units=10 activation=relu`."""
    return " ".join(f"{clean(name, 60)}={value_text(value)}" for name, value in settings.items())


def _cut(row: Line, width: int | None) -> Line:
    """A line that fits the terminal: a wrapped table cannot be read."""
    if width is None or len(row.text) <= width:
        return row
    room, kept = width - 1, []
    for segment in row.segments:
        kept.append(Segment(segment.text[:room], segment.meaning))
        room -= len(segment.text)
        if room <= 0:
            break
    return line(*kept, ELLIPSIS)


def compile_lines(shown: ModelShown) -> list[Line]:
    """Optimizer, loss and metrics, with the rates that a load would give."""
    if not shown.compiled and not shown.settings:
        return [line(Segment("Compile", "title"), "   saved uncompiled")]
    rows = [
        [line(Segment(clean(name), "attribute")), line(text)] for name, text in compile_rows(shown)
    ]
    return [line(Segment("Compile", "title")), *columns(rows, _INDENT, (24, 0))]


def compile_rows(shown: ModelShown) -> Iterable[tuple[str, str]]:
    """Name and text of everything worth a line."""
    optimizer = shown.settings.get("optimizer")
    for name, value in shown.settings.items():
        if name == "optimizer":
            yield name, _optimizer(value)
        elif not (name in _USUAL and value == _USUAL[name]):
            yield name, value_text(value)
    for rate in shown.rates:
        if len(shown.rates) > 1 or rate.written is not MISSING or not isinstance(optimizer, dict):
            where = (
                "" if rate.where == "*" and len(shown.rates) == 1 else f" for {_where(rate.where)}"
            )
            stale = "" if isinstance(rate.written, Missing) else _stale(rate.written)
            yield "learning rate", f"{value_text(rate.value)}{where}{stale}"
    if shown.slots or shown.iterations is not None:
        after = "" if shown.iterations is None else f", {counted(shown.iterations, 'step')} taken"
        yield "optimizer state", f"{counted(shown.slots, 'slot')}{after}"


_USUAL: dict[str, JSON] = {"run_eagerly": False, "steps_per_execution": 1, "jit_compile": False}


def _stale(written: JSON) -> str:
    return f" (the config says {value_text(written)}, which a load does not use)"


def _where(where: str) -> str:
    return "everything else" if where == "*" else clean(where)


def _optimizer(value: JSON) -> str:
    if not isinstance(value, dict) or "class" not in value:
        return value_text(value)
    usual = defaults_of("optimizer", str(value["class"]))
    telling = {
        key: item
        for key, item in value.items()
        if key in ("class", "learning_rate")
        or not (key in ("name", "optimizer_map") or same(item, usual.get(key, None)))
    }
    return clean(_called(telling), 200)


def _called(value: dict[str, JSON]) -> str:
    settings = [f"{key}={value_text(item)}" for key, item in value.items() if key != "class"]
    return f"{value['class']}({', '.join(settings)})"


def finding_lines(findings: Sequence[Finding]) -> list[Line]:
    """Custom and dangerous objects."""
    if not findings:
        return []
    rows = [
        [
            line(
                Segment(
                    "danger" if each.severity == "danger" else "custom", _MEANING[each.severity]
                )
            ),
            line(clean(each.what, 80)),
            line(Segment(f"in {clean(each.where) or 'the model'}", "path")),
            line(clean(each.why)),
        ]
        for each in findings
    ]
    return [
        line(Segment("Custom objects and code", "title")),
        *columns(rows, _INDENT, (8, 40, 48, 0)),
    ]


_MEANING: dict[str, Meaning] = {"danger": "bad", "custom": "warning"}


def _files(files: Sequence[tuple[str, int]]) -> list[Line]:
    if not files:
        return []
    rows = [[line(clean(name)), line(Segment(size_text(size), "faint"))] for name, size in files]
    return [line(Segment("Other files in the archive", "title")), *columns(rows, _INDENT, (64, 0))]


def provenance_lines(shown: ModelShown) -> list[Line]:
    """Which model and specs this one was made from, by kover."""
    rows = [[line(Segment(name, "attribute")), line(text)] for name, text in provenance_rows(shown)]
    if not rows:
        return []
    return [line(Segment("Made by kover", "title")), *columns(rows, _INDENT, (24, 0))]


def provenance_rows(shown: ModelShown) -> Iterable[tuple[str, str]]:
    """Name and text of what the record holds."""
    words = {"version": "kover version", "input_sha256": "from model", "spec_sha256": "by spec"}
    for name, value in shown.provenance.items():
        if value in ({}, [], None):
            continue
        for item in value if isinstance(value, list) and name == "spec_sha256" else [value]:
            text = item if isinstance(item, str) else value_text(item)
            digest = "sha256 " if name.endswith("sha256") else ""
            yield words.get(name, clean(name)), f"{digest}{clean(text)}"
