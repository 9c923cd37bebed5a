"""A commented starter spec for a model: valid, and without effect until somebody edits it.

What is commented out says what is there now. Whoever takes away the `#` gets a spec that still
changes nothing, to be edited in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from kover.catalogue.compact import compact
from kover.drafting.checking import plan_text
from kover.drafting.comments import comment, shown
from kover.drafting.selectors import Selectors
from kover.errors import AnswerIsNo
from kover.modelconfig.keras_values import shorten
from kover.modelconfig.nodes import LayerNode, ModelTree
from kover.showing.model import ModelShown
from kover.values import JSON, as_mapping
from kover.yaml_text import flow

_TUNED = ("rate", "activation", "kernel_regularizer", "momentum", "recurrent_dropout", "dropout")
_OVERRIDES, _ITEM, _SET = "#overrides:", "#  - layers:", "#    set:"
_ROUNDS = 8
_GROUPS = 24
_NAMED = 8
_LONGEST = 2000  # characters of a value
_SETTINGS = ("loss", "loss_weights", "metrics", "weighted_metrics")


def starter_spec(shown_model: ModelShown, tree: ModelTree) -> str:
    """The text of the spec.

    Args:
        shown_model: what is in the model.
        tree: its config.
    """
    lines = [*_head(shown_model), *_overrides(tree), *_live(shown_model)]
    return "".join(f"{line}\n" for line in _without_empty(_working(lines, tree)))


def _without_empty(lines: Sequence[str]) -> Iterator[str]:
    """No heading for overrides of which none is left."""
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line != _OVERRIDES or following.startswith(_ITEM):
            yield line


def _head(model: ModelShown) -> Iterator[str]:
    facts = model.facts
    what = [f"{facts.class_name} {facts.name}", f"{facts.layer_count:,} layers"]
    if model.parameters is not None:
        what.append(f"{model.parameters:,} parameters")
    if facts.keras_version:
        what.append(f"Keras {facts.keras_version}")
    file = PurePath(facts.path).name
    yield comment(f"A spec for {file}: {', '.join(what)}.")
    yield "#"
    yield "# As it stands it changes nothing. What is commented out below shows the values that are"
    yield "# there now: take the `#` away to set them. Then:"
    yield "#"
    yield comment(f"$ kover validate THIS-FILE --model {file}")
    yield comment(f"$ kover apply {file} THIS-FILE")
    yield "#"
    yield comment(
        f"`kover show {file}` lists the layers, `kover show {file} LAYER` all of a layer."
    )
    yield "version: 1"
    yield f"description: {flow(f'What to change in {shown(file, 60)}.', literal=True)}"
    yield ""
    yield "# Refuse any other model:"
    yield "#model:"
    for key, value in (("name", facts.name), ("class", facts.class_name)):
        text = _flow(value)
        if text is not None:
            yield f"#  {key}: {text}"
    yield ""


def _overrides(tree: ModelTree) -> Iterator[str]:
    selectors = Selectors(tree)
    groups = list(_groups(tree))
    models = [(node, _all_trainable(tree, node)) for node in tree.top_level if node.is_model]
    models = [(node, trainable) for node, trainable in models if trainable is not None]
    if not (groups or models):
        return
    yield "# Layers, chosen by name, path, glob, class or condition:"
    yield _OVERRIDES
    for node, trainable in models[:_NAMED]:
        note = f"{node.class_name}, and all in it"
        yield from _override([selectors.of(node)], {"trainable": trainable}, note)
    for nodes, settings in groups[:_GROUPS]:
        yield from _override(selectors.of_all(nodes), settings, nodes[0].class_name)
    if len(groups) > _GROUPS:
        yield comment(f"… and {len(groups) - _GROUPS:,} more kinds of layers")
    yield ""


def _all_trainable(tree: ModelTree, node: LayerNode) -> bool | None:
    """What `trainable` is throughout a nested model; None where it varies."""
    layers = (node, *(each for each in tree.descendants(node.path)))
    found = {
        tree.config(each).get("trainable", True) is not False
        for each in layers
        if each.class_name != "InputLayer"
    }
    return found.pop() if len(found) == 1 else None


def _override(layers: Sequence[str], settings: Mapping[str, JSON], note: str) -> Iterator[str]:
    texts = [_flow(layer, literal=True) for layer in layers]
    values = {name: _flow(value, literal=True) for name, value in settings.items()}
    if None in texts or None in values.values():
        return
    chosen = texts[0] if len(texts) == 1 else f"[{', '.join(map(str, texts))}]"
    inside = ", ".join(f"{name}: {value}" for name, value in values.items())
    yield f"{_ITEM} {chosen}   # {shown(note)}"
    yield f"{_SET} {{{inside}}}"


def _flow(value: JSON, *, literal: bool = False) -> str | None:
    """The value in one line; None where YAML has none, or nobody would read it."""
    try:
        text = flow(value, literal=literal)
    except ValueError:
        return None
    return text if len(text) <= _LONGEST else None


def _groups(tree: ModelTree) -> Iterator[tuple[Sequence[LayerNode], Mapping[str, JSON]]]:
    """Layers of one class with the same values of what people tune, in model order."""
    found: dict[str, tuple[list[LayerNode], dict[str, JSON]]] = {}
    for node in tree.layers:
        config = tree.attributes(node)
        settings = {name: shorten(config[name]) for name in _TUNED if _is_tuned(config, name)}
        if settings:
            key = repr((node.class_name, settings))
            found.setdefault(key, ([], settings))[0].append(node)
    for nodes, settings in found.values():
        for start in range(0, len(nodes), _NAMED):
            yield nodes[start : start + _NAMED], settings


def _is_tuned(config: Mapping[str, JSON], name: str) -> bool:
    value = config.get(name)
    return name in config and not (name == "activation" and isinstance(value, dict))


def _live(model: ModelShown) -> Iterator[str]:
    yield "compile:"
    yield "  optimizer_state: keep   # or reset: forget momenta and the step count"
    if not model.compiled:
        yield "# The model was saved uncompiled. To compile it:"
        yield "# optimizer: {class: Adam, learning_rate: 1e-3}"
        yield "# loss: mse"
        return
    optimizer = _single(as_mapping(model.settings.get("optimizer")))
    rate = optimizer.get("learning_rate")
    if rate is not None and (text := _flow(compact(rate), literal=True)) is not None:
        yield f"#  optimizer: {{learning_rate: {text}}}   # {shown(str(optimizer.get('class')))}"
    for name in _SETTINGS:
        value = model.settings.get(name)
        if value is not None and (text := _flow(compact(value), literal=True)) is not None:
            yield f"#  {name}: {text}"


def _single(optimizer: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The optimizer that a setting is for: the one inside, the default one of several."""
    held = as_mapping(optimizer.get("optimizer_map")).get("default_optimizer")
    inner = optimizer.get("inner_optimizer", held)
    return _single(inner) if isinstance(inner, dict) else optimizer


def uncommented(text: str) -> str:
    """The spec with all that is commented out taken in, line by line."""
    return "".join(f"{line[1:] if is_setting(line) else line}\n" for line in text.splitlines())


def is_setting(line: str) -> bool:
    """Whether the line is a setting that is commented out, and no prose."""
    return line.startswith("#") and (line[1:3] == "  " or line[1:2] not in ("", " "))


def _working(lines: Sequence[str], tree: ModelTree) -> Sequence[str]:
    """The lines without those settings that a spec may not make, once they are taken in."""
    kept = list(lines)
    for _ in range(_ROUNDS):
        try:
            plan_text(uncommented("\n".join(kept)), tree)
        except AnswerIsNo as error:
            wrong = {each.source.line for each in error.problems if each.source} - {None}
            fewer = [row for number, row in enumerate(kept, 1) if not _is_in(kept, number, wrong)]
            if len(fewer) == len(kept):
                break
            kept = fewer
        else:
            return kept
    return [line for line in lines if not is_setting(line)]


def _is_in(lines: Sequence[str], number: int, wrong: set[int | None]) -> bool:
    """Whether a line is part of an override, or is a setting, that a problem is about."""
    line = lines[number - 1]
    if not is_setting(line) or line == _OVERRIDES:
        return False
    together = {number}
    if line.startswith(_ITEM):
        together.add(number + 1)
    elif line.startswith(_SET):
        together.add(number - 1)
    return bool(together & wrong)
