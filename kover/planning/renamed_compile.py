"""The compile config after layers were renamed: outputs by name, patterns of an optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kover.modelconfig.keras_values import is_record
from kover.modelconfig.tree import ModelTree
from kover.planning.dotted import inside, with_inside
from kover.planning.output_names import free_output_names
from kover.planning.renamed_patterns import follow_patterns
from kover.planning.renaming import Renamed, names_by_holder
from kover.problems import Problem, cut
from kover.source import Source
from kover.spec.document import Value
from kover.values import JSON

_BY_OUTPUT = ("loss", "loss_weights", "metrics", "weighted_metrics")


@dataclass(frozen=True)
class RenamedCompile:
    """What new names make of the compile config.

    Attributes:
        settings: the arguments that differ now.
        asked: the same by attribute, each at the place of the `rename` that changed it.
        outputs: the new names of layers that make outputs.
        misled: what is wrong with the optimizer, unless it is replaced.
    """

    settings: Mapping[str, JSON] = field(default_factory=dict)
    asked: Mapping[str, Value] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    misled: tuple[Problem, ...] = ()


def renamed_compile(tree: ModelTree, renamed: tuple[Renamed, ...]) -> RenamedCompile:
    """Let the model's compile config follow the new names."""
    if not renamed:
        return RenamedCompile()
    outputs = names_by_holder(renamed).get(None, {})
    sources = {each.node.name: each.source for each in renamed if each.node.parent is None}
    keys = {old: new for old, new in outputs.items() if old not in free_output_names(tree)}
    settings: dict[str, JSON] = {}
    asked: dict[str, Value] = {}
    for name in _BY_OUTPUT:
        old = tree.compile_config.get(name)
        if isinstance(old, dict) and not is_record(old) and (hit := keys.keys() & old.keys()):
            settings[name] = {keys.get(key, key): item for key, item in old.items()}
            first = next(key for key in old if key in hit)
            asked[name] = Value(settings[name], {(): sources[first]})
    optimizer = tree.compile_config.get("optimizer")
    edited = _Optimizer(tree, renamed).followed(optimizer, "optimizer")
    if edited.value != optimizer:
        settings["optimizer"] = edited.value
        asked[edited.where] = Value(edited.map, {(): renamed[0].source})
    return RenamedCompile(settings, asked, outputs, edited.problems)


@dataclass(frozen=True)
class _Edited:
    value: JSON
    where: str = ""
    map: JSON = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class _Optimizer:
    tree: ModelTree
    renamed: tuple[Renamed, ...]

    def followed(self, record: JSON, where: str) -> _Edited:
        """An optimizer whose map of patterns has the new names, if it has one at all."""
        if not isinstance(record, dict) or not is_record(record):
            return _Edited(record)
        config = inside(record)
        inner, patterns = config.get("inner_optimizer"), config.get("optimizer_map")
        if isinstance(inner, dict):
            found = self.followed(inner, f"{where}.inner_optimizer")
            value = with_inside(record, {**config, "inner_optimizer": found.value})
            return _Edited(value, found.where, found.map, found.problems)
        if not isinstance(patterns, dict) or not isinstance(
            inside(patterns).get("optimizer_map"), dict
        ):
            return _Edited(record)
        groups = inside(inside(patterns).get("optimizer_map", None))
        names = {each.node.path: each.name for each in self.renamed}
        followed = follow_patterns(list(groups), self.tree, names)
        new = {followed.patterns[pattern]: group for pattern, group in groups.items()}
        map_ = with_inside(patterns, {**inside(patterns), "optimizer_map": new})
        value = with_inside(record, {**config, "optimizer_map": map_})
        return _Edited(value, f"{where}.optimizer_map", map_, tuple(self._misled(followed.misled)))

    def _misled(self, patterns: tuple[str, ...]) -> Iterator[Problem]:
        source: Source = self.renamed[0].source
        for pattern in patterns:
            shown = cut(pattern)
            yield Problem(
                "pattern-names-layer",
                f"the optimizer's pattern '{shown}' may mean other variables after the renaming",
                source,
                "replace the optimizer (`compile: {optimizer: {class: …}}`) and give rates in "
                "`overrides`, or leave the name as it is",
                related=tuple(dict.fromkeys(each.source for each in self.renamed[1:4])),
            )
