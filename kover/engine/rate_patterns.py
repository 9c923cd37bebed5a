"""The patterns of a `MultiOptimizer`'s groups, spelled out from the variables' own paths.

They cannot overlap, and match in the process that built the model as well as in one that loaded
it. Layers that a class makes in code without a name are numbered by Keras through the whole
process; their patterns leave the number open wherever the rest tells the variables apart.

Source: keras 3.15 `optimizers.multi_optimizer.OptimizerMap.__getitem__`, which takes the one
pattern that matches a variable's path from end to end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kover.engine.identity import VariableKey, stable_name
from kover.engine.twin import Twin, TwinArray
from kover.errors import AnswerIsNo
from kover.planning.plan import LayerRate
from kover.problems import Problem
from kover.source import Source

_NUMBERED = re.compile(r"(.+?)(?:_\d+)?")
_LISTED = 4


@dataclass(frozen=True)
class GroupPatterns:
    """What tells the groups apart.

    Attributes:
        by_group: a pattern for each group but the default one.
        warnings: where only a number does that changes from process to process.
    """

    by_group: Mapping[str, str]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True)
class _Variable:
    """A trainable variable's path in a loaded model, and the patterns for it.

    Attributes:
        path: without a number that only this process gave the variable.
        exact: matches the path, with or without the names of what is around the layer.
        open: the same with any number behind the names that Keras gave; None if there are none.
    """

    key: VariableKey
    group: str
    path: str
    exact: str
    open: str | None


def is_meant(rule: LayerRate, key: VariableKey) -> bool:
    """Whether a rule speaks of a variable."""
    inside = key.layer == rule.layer or key.layer.startswith(f"{rule.layer}/")
    return inside and key.is_called(rule.variables)


def group_patterns(
    groups: Mapping[str, Sequence[VariableKey]],
    default: str,
    trainable: Mapping[VariableKey, TwinArray],
    twin: Twin,
    rules: Sequence[LayerRate],
) -> GroupPatterns:
    """One pattern for each group but `default`.

    Args:
        groups: the variables of each.
        default: the group that needs no pattern.
        trainable: all variables in the groups.
        twin: that they are from.
        rules: to blame.

    Raises:
        AnswerIsNo: `indistinguishable-variables`.
    """
    variables = [
        _variable(key, group, trainable[key], twin)
        for group, keys in groups.items()
        for key in keys
    ]
    _check_distinguishable(variables, rules)
    by_number = _told_apart_by_number(variables)
    by_group = {
        group: "|".join(
            each.exact if each.open is None or each.key in by_number else each.open
            for each in variables
            if each.group == group
        )
        for group in groups
        if group != default
    }
    return GroupPatterns(by_group, tuple(_numbered(by_number, rules)))


def _variable(key: VariableKey, group: str, array: TwinArray, twin: Twin) -> _Variable:
    """A loaded model's path begins at the layer, or at a wrapper's inner layer.

    In the process that built it the names of the model and of nested models may stand before that.
    """
    path = _stable_path(array)
    around = [twin.tree.name, *key.layer.split("/")] if key.layer else [twin.tree.name]
    steps = path.split("/")
    if steps[0] in around:
        around = around[: len(around) - 1 - around[::-1].index(steps[0])]
    optional = "".join(f"(?:{re.escape(name)}/)?" for name in around)
    numbered = r"(?:_\d+)?" if path.endswith("/variable") else ""
    own = _inside_the_layer(key, steps)
    automatic = [at for at in range(own, len(steps) - 1) if steps[at] in twin.automatic_names]
    opened = "/".join(
        _open(step) if at in automatic else re.escape(step) for at, step in enumerate(steps)
    )
    return _Variable(
        key,
        group,
        path,
        optional + re.escape(path) + numbered,
        optional + opened + numbered if automatic else None,
    )


def _inside_the_layer(key: VariableKey, steps: Sequence[str]) -> int:
    """Where the path has passed the layer, whose name the config says."""
    name = key.layer.rpartition("/")[2].partition("@")[0]
    return steps.index(name) + 1 if name and name in steps[:-1] else 0


def _open(name: str) -> str:
    """A pattern for an automatic name, whatever its number."""
    stem = _NUMBERED.fullmatch(name)
    return re.escape(stem[1] if stem else name) + r"(?:_\d+)?"


def _stable_path(array: TwinArray) -> str:
    """The path of a variable, without a number that only this process gave it."""
    around, slash, name = str(array.live.path).rpartition("/")
    return around + slash + stable_name(name)


def _check_distinguishable(variables: Sequence[_Variable], rules: Sequence[LayerRate]) -> None:
    """Refuse two variables with one path that want different optimizers."""
    group_of: dict[str, _Variable] = {}
    for each in variables:
        other = group_of.setdefault(each.path, each)
        if other.group != each.group:
            raise AnswerIsNo.at(
                "indistinguishable-variables",
                f"'{other.key}' and '{each.key}' are both called '{each.path}' in a loaded model, "
                "so Keras cannot give them different rates",
                _to_blame((each.key, other.key), rules),
                "give them the same rate, or rename one of the two layers",
            )


def _told_apart_by_number(variables: Sequence[_Variable]) -> dict[VariableKey, None]:
    """The variables whose open pattern would match one of another group."""
    paths: dict[str, list[str]] = {}
    for each in variables:
        paths.setdefault(each.group, []).append(each.path)
    found: dict[VariableKey, None] = {}
    for pattern, keys in _by_open_pattern(variables).items():
        matches = re.compile(pattern).fullmatch
        for key, group in keys.items():
            if any(other != group and any(map(matches, p)) for other, p in paths.items()):
                found[key] = None
    return found


def _by_open_pattern(variables: Sequence[_Variable]) -> dict[str, dict[VariableKey, str]]:
    found: dict[str, dict[VariableKey, str]] = {}
    for each in variables:
        if each.open is not None:
            found.setdefault(each.open, {})[each.key] = each.group
    return found


def _numbered(keys: Mapping[VariableKey, None], rules: Sequence[LayerRate]) -> Iterator[Problem]:
    if keys:
        listed = ", ".join(f"'{key.alias or key}'" for key in list(keys)[:_LISTED])
        more = f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else ""
        yield Problem(
            "told-apart-by-number",
            f"only the numbers of automatic layer names tell {listed}{more} from variables with "
            "other rates, and Keras counts them through the whole process",
            _to_blame(keys, rules),
            "load the model first, or after `keras.utils.clear_session()`; better, name the layers "
            "in their class (`Dense(…, name='up')`)",
            "warning",
        )


def _to_blame(keys: Iterable[VariableKey], rules: Sequence[LayerRate]) -> Source:
    sources = [rule.source for key in keys for rule in rules if is_meant(rule, key)]
    return (sources or [rules[0].source])[0]
