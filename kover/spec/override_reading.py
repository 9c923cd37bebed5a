"""One entry of `overrides`, from its node."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kover.problems import Problem
from kover.spec.document import Expect, Glob, Override, Rate, Reinitialize, Setting
from kover.spec.nodes import Node
from kover.spec.selectors import Report, read_globs, read_selector

_PLACEHOLDER = re.compile(r"\{\w*\}")
_PER_VARIABLE = ("learning_rate", "weight_decay", "reinitialize")


def read_override(node: Node, report: Report) -> Override:
    """The override that a checked mapping spells."""
    first = next(iter(node.entries.values())).key_source
    layers = node.entries["layers"].node
    settings = {key: _settings(node.get(key), report) for key in ("set", "unset", "was")}
    description, replace, rename = (node.get(key) for key in ("description", "replace", "rename"))
    override = Override(
        source=first,
        layers=read_selector(layers, report),
        layers_source=layers.source,
        set=settings["set"],
        unset=settings["unset"],
        replace=replace.value() if replace else None,
        rename=rename.value() if rename else None,
        was=settings["was"],
        expect=_expect(node.get("expect"), report),
        learning_rate=_rate(node.get("learning_rate")),
        weight_decay=_rate(node.get("weight_decay")),
        reinitialize=_reinitialize(node.get("reinitialize")),
        variables=_variables(node, report),
        description=description.data if description and isinstance(description.data, str) else None,
    )
    for problem in (*_contradictions(override, node), *_bad_names(rename)):
        report(problem)
    return override


def _bad_names(rename: Node | None) -> Iterator[Problem]:
    """What cannot be the name of a layer, whatever the model."""
    if rename is None:
        return
    name = str(rename.data)
    strange = [found for found in _PLACEHOLDER.findall(name) if found != "{name}"]
    if strange:
        help = "the one placeholder is '{name}', which stands for the old name"
        yield Problem("bad-name", f"'{strange[0]}' in 'rename' is no name", rename.source, help)
    elif not name.strip():
        message = "the new name of a layer is empty"
        yield Problem("bad-name", message, rename.source, "give it a name, or leave 'rename' out")


def _settings(node: Node | None, report: Report) -> tuple[Setting, ...]:
    if node is None:
        return ()
    if node.is_mapping:
        return tuple(
            Setting(key, entry.key_source, entry.node.value())
            for key, entry in node.entries.items()
        )
    found: dict[str, Setting] = {}
    for part in node.items if node.is_list else (node,):
        name = str(part.data)
        if name in found:
            first = found[name].key_source
            help = "name it once"
            message = f"'{name}' is unset twice"
            report(Problem("repeated", message, part.source, help, related=(first,)))
        else:
            found[name] = Setting(name, part.source)
    return tuple(found.values())


def _expect(node: Node | None, report: Report) -> Expect | None:
    if node is None:
        return None
    if not node.is_mapping:
        return Expect(_whole(node), _whole(node), node.source)
    least, most = node.get("min"), node.get("max")
    maximum = None if most is None else _whole(most)
    minimum = min(1, maximum if maximum is not None else 1) if least is None else _whole(least)
    if maximum is not None and maximum < minimum and most is not None:
        message = f"'max' is {maximum}, less than 'min', which is {minimum}"
        report(Problem("out-of-range", message, most.source, "swap them"))
    return Expect(minimum, maximum, node.source)


def _rate(node: Node | None) -> Rate | None:
    if node is None:
        return None
    factor = node.get("multiply")
    if factor is not None:
        return Rate(node.source, multiply=_number(factor))
    return Rate(node.source, absolute=_number(node))


def _reinitialize(node: Node | None) -> Reinitialize | None:
    if node is None or node.data is False:
        return None
    seed = node.get("seed")
    return Reinitialize(0 if seed is None else _whole(seed), node.source)


def _variables(node: Node, report: Report) -> tuple[Glob, ...]:
    variables = node.get("variables")
    return () if variables is None else read_globs(variables, report)


def _contradictions(override: Override, node: Node) -> Iterator[Problem]:
    asked = {setting.attribute: setting.key_source for setting in override.set}
    for setting in override.unset:
        if setting.attribute in asked:
            yield Problem(
                "set-and-unset",
                f"'{setting.attribute}' is both set and unset",
                setting.key_source,
                "keep one of them",
                related=(asked[setting.attribute],),
            )
    acts = [override.learning_rate, override.weight_decay, override.reinitialize]
    per_variable = any(act is not None for act in acts)
    if override.variables and not per_variable:
        yield Problem(
            "variables-without-effect",
            "'variables' narrows nothing here",
            node.key_source("variables"),
            "it goes with learning_rate, weight_decay or reinitialize",
        )
    structural = override.replace is not None or override.rename is not None
    if not (override.set or override.unset or structural or per_variable):
        yield Problem(
            "empty-override",
            "the override changes nothing",
            node.key_source("reinitialize"),
            "write 'reinitialize: true', or remove the override",
        )


def _whole(node: Node) -> int:
    return int(node.data) if isinstance(node.data, int | float) else 0


def _number(node: Node) -> float:
    return float(node.data) if isinstance(node.data, int | float) else 0.0
