"""Overrides, one after another: which layers, does it fit, and what to write."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from kover.modelconfig.keras_values import shorten
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.dotted import attribute_value
from kover.planning.held_layers import consents_of, rates_of
from kover.planning.layer_classes import attribute_names, layer_argument, takes
from kover.planning.layer_edits import LayerEdits, Write
from kover.planning.layer_index import LayerIndex
from kover.planning.layer_settings import SettingReader
from kover.planning.meaning import holds
from kover.planning.outcomes import Keeps, Lacks, Refused
from kover.planning.plan import Consent, LayerRate, Outcome, called
from kover.planning.renaming import Renames
from kover.planning.replacing import ClassReplacer, read_new_class
from kover.planning.selecting import Selection, select_layers, selector_text
from kover.problems import Problem, cut, errors_among
from kover.spec.document import Glob, Override, Setting, Value
from kover.suggest import did_you_mean
from kover.values import JSON, MISSING, Missing


@dataclass
class OverridePlanner:
    """Takes overrides in order and collects what they come to."""

    tree: ModelTree
    index: LayerIndex
    edits: LayerEdits
    renames: Renames
    problems: list[Problem] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    rates: list[LayerRate] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._settings = SettingReader(self.tree, self.edits)
        self._replacer = ClassReplacer(self.tree, self.edits)

    def add(self, override: Override) -> None:
        """Plan one override; what is wrong with it goes to `problems`.

        Within it, the class is replaced first, then attributes are set and unset, which are those
        of the new class; the name comes last.
        """
        fine = override.expect is not None and override.expect.minimum == 0
        selection = select_layers(
            override.layers,
            self.index,
            source=override.layers_source,
            none_is_fine=fine,
            or_model=override.rename is None and override.replace is None,
        )
        self.problems += _about_the_model(selection.problems, override, self.tree)
        if errors_among(selection.problems):
            return
        layers = selection.layers
        self.problems += _count_problems(override, layers)
        self.problems += self._was_problems(override, layers)
        if override.replace is not None and not self._replace(override.replace, layers):
            return
        passed_over: dict[str, tuple[str, ...]] = {}
        for setting in (*override.set, *override.unset):
            passed = self._set(setting, selection)
            if passed:
                passed_over[setting.attribute] = passed
        if override.rename is not None:
            self.renames.add(override.rename, layers)
        self.consents += consents_of(override, layers, self.tree)
        self.rates += rates_of(override, layers, self.tree)
        self.outcomes.append(
            Outcome(
                override.source,
                selector_text(override.layers),
                tuple(node.path or node.name for node in layers),
                passed_over,
                override.description,
            )
        )

    def _replace(self, value: Value, layers: tuple[LayerNode, ...]) -> bool:
        """Replace the layers' class; whether nothing was in the way."""
        new_class = read_new_class(value)
        if isinstance(new_class, tuple):
            self.problems += new_class
            return False
        found = [problem for node in layers for problem in self._replacer.replace(node, new_class)]
        self.problems += {(each.source, each.code): each for each in reversed(found)}.values()
        return not found

    def _was_problems(self, override: Override, layers: tuple[LayerNode, ...]) -> list[Problem]:
        found = []
        for setting in override.was:
            differing = [node for node in layers if not self._was(setting, node)]
            if differing:
                first = differing[0]
                actual = attribute_value(self.tree.config(first), setting.attribute)
                found.append(_was_differs(setting, first, actual, len(differing) - 1))
        return found

    def _was(self, setting: Setting, node: LayerNode) -> bool:
        """Whether the archive has the value; where it does not say, the class's default."""
        actual = attribute_value(self.tree.config(node), setting.attribute)
        argument = layer_argument(node, setting.attribute, actual)
        if actual is MISSING and argument is not None and not argument.required:
            actual = argument.default
        return holds(actual, setting.data, argument)

    def _set(self, setting: Setting, selection: Selection) -> tuple[str, ...]:
        """Write a setting to every layer that has the attribute; the paths of those without."""
        lacking: list[tuple[LayerNode, Lacks]] = []
        refused: list[Problem] = []
        taken = 0
        own = {node.path for node in selection.layers}
        for node in map(self.edits.node, selection.layers):
            if setting.attribute == "trainable" and (node.is_model or node.is_wrapper):
                resolved = self._push(setting, node, own)
            else:
                resolved = self._write(setting, node)
            if isinstance(resolved, Lacks):
                lacking.append((node, resolved))
            elif isinstance(resolved, Refused):
                refused += resolved.problems
            else:
                taken += 1
        self.problems += refused
        named = [lacks.problem for node, lacks in lacking if node.path in selection.named]
        self.problems += named
        if lacking and not (taken or named or refused):
            self.problems.append(self._no_layer_takes(setting, lacking))
        return tuple(node.path for node, _ in lacking)

    def _write(self, setting: Setting, node: LayerNode) -> Write | Keeps | Lacks | Refused:
        resolved = self._settings.resolve(setting, node)
        if isinstance(resolved, Write):
            self.edits.put(node, resolved)
        elif isinstance(resolved, Keeps):
            self.edits.keep(node, resolved.write)
        return resolved

    def _push(
        self, setting: Setting, holder: LayerNode, own: set[str]
    ) -> Write | Keeps | Lacks | Refused:
        """`trainable` of a nested model or wrapper, and of every layer inside.

        Keras restores the flags of the layers inside one by one; that of the holder alone would
        freeze nothing after the next load.
        """
        resolved = self._write(setting, holder)
        if isinstance(resolved, Refused):
            return resolved
        for node in map(self.edits.node, self.tree.descendants(holder.path)):
            if node.path in own or not takes(self.edits, node, "trainable"):
                continue
            inner = self._settings.resolve(setting, node)
            if isinstance(inner, Write):
                pushed = Write(inner.steps, inner.value, inner.source, holder.path)
                self.edits.put(node, pushed)
                resolved = pushed if isinstance(resolved, Lacks) else resolved
        return resolved

    def _no_layer_takes(self, setting: Setting, lacking: list[tuple[LayerNode, Lacks]]) -> Problem:
        first = lacking[0][1].problem
        for _, lacks in lacking:
            if lacks.problem.code == "keras-too-old":  # the class takes it, in another version
                return lacks.problem
        inner = [lacks.problem.help for _, lacks in lacking if lacks.held_inside]
        if len(lacking) == 1 or "." in setting.attribute:
            help = first.help
        elif inner:
            help = inner[0]
        else:
            known = set[str]().union(*(attribute_names(self.edits, node) for node, _ in lacking))
            help = did_you_mean(setting.attribute, known, "attributes")
        return Problem(
            "no-layer-takes",
            f"of the {_layers(len(lacking))} that match, none has '{setting.attribute}'"
            if len(lacking) > 1
            else first.message,
            setting.key_source,
            help,
        )


def _about_the_model(
    problems: tuple[Problem, ...], override: Override, tree: ModelTree
) -> tuple[Problem, ...]:
    """A `rename` that selects the model itself, which is none of its layers, is told so."""
    selector = override.layers
    if override.rename is None or not isinstance(selector, Glob):
        return problems
    if selector.pattern.strip("/") != tree.name:
        return problems
    help = f"'{tree.name}' is the model itself, which keeps its name; only its layers are renamed"
    return tuple(replace(each, help=help) for each in problems)


def _count_problems(override: Override, layers: tuple[LayerNode, ...]) -> list[Problem]:
    expect, count = override.expect, len(layers)
    if expect is None:
        return []
    if count >= expect.minimum and (expect.maximum is None or count <= expect.maximum):
        return []
    listed = ", ".join(called(node.path) for node in layers[:4])
    more = f" and {count - 4} more" if count > 4 else ""
    match = "matches" if count == 1 else "match"
    return [
        Problem(
            "unexpected-count",
            f"{_layers(count)} {match} {selector_text(override.layers)}, "
            f"expected {_expected(expect.minimum, expect.maximum)}",
            expect.source,
            f"matched: {listed}{more}" if count else "`kover show` lists the model's layers",
        )
    ]


def _was_differs(setting: Setting, node: LayerNode, actual: JSON | Missing, others: int) -> Problem:
    also = f" (nor in {_layers(others)} more)" if others else ""
    found = "absent" if actual is MISSING else _text(shorten(actual))
    wanted = setting.data
    return Problem(
        "was-differs",
        f"'{setting.attribute}' of {called(node.path)} is {found}, "
        f"not {_text(None if wanted is MISSING else wanted)}{also}",
        setting.value_source,
        "the model is not as the spec expects it",
    )


def _text(value: JSON) -> str:
    return cut(json.dumps(value, ensure_ascii=False))


def _layers(count: int) -> str:
    return "1 layer" if count == 1 else f"{count} layers"


def _expected(minimum: int, maximum: int | None) -> str:
    if maximum is None:
        return f"at least {minimum}"
    return str(minimum) if minimum == maximum else f"{minimum} to {maximum}"
