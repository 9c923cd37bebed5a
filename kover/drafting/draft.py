"""A spec in the making: settings that are still proposals, and the text they make.

Each setting stands on a line of its own, so that a problem found at that line tells which
proposal does not work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kover.drafting.comments import comment, remark
from kover.values import JSON, MISSING, Missing
from kover.yaml_text import flow


@dataclass(frozen=True, eq=False)  # each one is itself: two may ask for the same
class Proposal:
    """One setting.

    Attributes:
        layers: selectors; empty for a `compile` setting.
        attribute: its name; for `compile`, the keys that lead to it, joined by dots.
        value: the new value; MISSING to unset it.
        note: what to say beside it.
        act: what is done with the layers, if not `set`; `attribute` is then empty.
        rates: `learning_rate` and `weight_decay` of the layers; `attribute` is then empty.
        variables: those of the layers' variables that rates or a consent are for.
    """

    layers: tuple[str, ...]
    attribute: str
    value: JSON | Missing = MISSING
    note: str = ""
    act: Literal["set", "replace", "rename", "reinitialize"] = "set"
    rates: Mapping[str, JSON] = field(default_factory=dict)
    variables: tuple[str, ...] = ()


@dataclass
class SpecText:
    """Lines of a spec, and which proposal each of them stands for."""

    lines: list[str] = field(default_factory=list)
    proposals: dict[int, Proposal] = field(default_factory=dict)

    def add(self, text: str, proposal: Proposal | None = None) -> None:
        """Another line."""
        self.lines.append(text)
        if proposal is not None:
            self.proposals[len(self.lines)] = proposal

    @property
    def text(self) -> str:
        """All lines, each ended."""
        return "".join(f"{line}\n" for line in self.lines)

    def at(self, line: int | None) -> Proposal | None:
        """The proposal that a problem at `line` is about: the one there, or the next."""
        if line is None:
            return None
        after = [number for number in self.proposals if number >= line]
        return self.proposals[min(after)] if after else None


def written(head: Sequence[str], proposals: Sequence[Proposal], tail: Sequence[str]) -> SpecText:
    """The spec that asks for all the proposals.

    Args:
        head: comment lines without `#`.
        proposals: those for the same layers are one override.
        tail: comment lines for the end.
    """
    text = SpecText()
    for line in head:
        text.add(comment(line))
    text.add("version: 1")
    overrides = _by_layers(proposals)
    if overrides:
        text.add("")
        text.add("overrides:")
        for (layers, _), settings in overrides.items():
            _add_override(text, layers, settings)
    compiling = [each for each in proposals if not each.layers]
    if compiling or not overrides:
        text.add("")
        text.add("compile:")
        _add_compile(text, compiling)
    if tail:
        text.add("")
    for line in tail:
        text.add(comment(line))
    return text


_Key = tuple[tuple[str, ...], tuple[str, ...]]


def _by_layers(proposals: Sequence[Proposal]) -> Mapping[_Key, list[Proposal]]:
    """What is for the same layers; rates for some variables stand apart."""
    found: dict[_Key, list[Proposal]] = {}
    for each in proposals:
        if each.layers:
            found.setdefault((each.layers, each.variables), []).append(each)
    return found


def _add_override(text: SpecText, layers: Sequence[str], settings: Sequence[Proposal]) -> None:
    one = flow(layers[0], literal=True) if len(layers) == 1 else None
    text.add(f"  - layers: {one}" if one else "  - layers:", settings[0])
    for selector in () if one else layers:
        text.add(f"      - {flow(selector, literal=True)}", settings[0])
    for each in settings:
        if each.act == "replace" and not isinstance(each.value, Missing):
            value = flow(each.value, literal=True)
            text.add(f"    replace: {value}{remark(each.note)}", each)
    values = [e for e in settings if not isinstance(e.value, Missing) and e.act == "set"]
    if values:
        text.add("    set:")
    for each in values:
        assert not isinstance(each.value, Missing)
        setting = f"      {flow(each.attribute)}: {flow(each.value, literal=True)}"
        text.add(f"{setting}{remark(each.note)}", each)
    unset = [each for each in settings if each.value is MISSING and each.attribute]
    if unset:
        text.add("    unset:")
    for each in unset:
        text.add(f"      - {flow(each.attribute)}{remark(each.note)}", each)
    _add_acts(text, settings)


def _add_acts(text: SpecText, settings: Sequence[Proposal]) -> None:
    """Rates, consent and new names: what is not an attribute."""
    for each in settings:
        if each.variables:
            text.add(f"    variables: {flow(list(each.variables), literal=True)}", each)
        for name, rate in each.rates.items():
            text.add(f"    {name}: {flow(rate)}", each)
        if each.act == "reinitialize":
            text.add(f"    reinitialize: true{remark(each.note)}", each)
        elif each.act == "rename" and not isinstance(each.value, Missing):
            text.add(f"    rename: {flow(each.value, literal=True)}", each)


def _add_compile(text: SpecText, settings: Sequence[Proposal]) -> None:
    if not settings:
        text.add("  optimizer_state: keep")
        return
    tree: dict[str, object] = {}
    for each in settings:
        branch = tree
        *steps, last = each.attribute.split(".")
        for step in steps:
            branch = branch.setdefault(step, {})  # type: ignore[assignment]  # a branch is a dict
        branch[last] = each
    for line, proposal in _branches(tree, "  "):
        text.add(line, proposal)


def _branches(tree: Mapping[str, object], indent: str) -> Iterator[tuple[str, Proposal | None]]:
    for key, branch in tree.items():
        if isinstance(branch, Proposal):
            assert not isinstance(branch.value, Missing)
            value = flow(branch.value, literal=True)
            yield f"{indent}{flow(key)}: {value}{remark(branch.note)}", branch
        elif isinstance(branch, dict):
            yield f"{indent}{flow(key)}:", None
            yield from _branches(branch, f"{indent}  ")
