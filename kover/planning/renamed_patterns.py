r"""The patterns of a MultiOptimizer, which name layers, after some got other names.

A pattern that kover wrote spells out variables one by one, with the names of what may stand before
them: `(?:net/)?(?:backbone/)?conv1/kernel`. Such a one follows exactly. Any other pattern stays
as it is, and must not mean other variables than before.

Source: the form is that of kover.engine.rates; Keras matches patterns with `re.fullmatch` against
the path of a variable: in a loaded model the layer's name, and what is below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.layer_classes import layer_entry

_LITERAL = r"(?:\\.|[^\\()\[\]{}|?*+.^$])+"
_SPELLED = re.compile(rf"((?:\(\?:{_LITERAL}\)\?)*)({_LITERAL})", re.DOTALL)
_OPTIONAL = re.compile(rf"\(\?:({_LITERAL})/\)\?", re.DOTALL)
_ALTERNATIVE = re.compile(r"(?:\\.|[^|\\])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DEEPEST = 12
_USUAL = frozenset({"kernel", "bias", "gamma", "beta", "embeddings", "cell/kernel", "layer/kernel"})

_REPEATED_GROUP = re.compile(r"\)[*+{]")
_QUANTIFIER = re.compile(r"(?<![\\(])[*+?{]")
_QUANTIFIERS = 3
_LONGEST = 200


@dataclass(frozen=True)
class Followed:
    """The patterns with the new names: old to new, and those that would mean something else."""

    patterns: Mapping[str, str]
    misled: tuple[str, ...]


@dataclass(frozen=True)
class _Spelled:
    """One variable as kover writes it: names that may stand before its path, and the path."""

    around: tuple[str, ...]
    path: tuple[str, ...]

    def __str__(self) -> str:
        optional = "".join(f"(?:{re.escape(name)}/)?" for name in self.around)
        return optional + re.escape("/".join(self.path))


def follow_patterns(patterns: Sequence[str], tree: ModelTree, names: Mapping[str, str]) -> Followed:
    """Let patterns follow new names.

    Args:
        patterns: the keys of an optimizer's map.
        tree: the model, with the old names.
        names: new names by the path of the layer.
    """
    walk = _Walk(tree, names)
    spelled = {pattern: _spelled_out(pattern, tree) for pattern in patterns}
    renamed = {old: tuple(map(walk.renamed, found)) for old, found in spelled.items()}
    followed = {old: "|".join(map(str, found)) or old for old, found in renamed.items()}
    below = {"/".join(each.path[1:]) for found in spelled.values() for each in found}
    probes = list(_probes(tree, names, below - {""}))
    misled = []
    for pattern, found in spelled.items():
        before, after = _matcher(pattern, found), _matcher(pattern, renamed[pattern])
        if before is None or after is None or any(before(old) != after(new) for old, new in probes):
            misled.append(pattern)
    return Followed(followed, tuple(misled))


def _spelled_out(pattern: str, tree: ModelTree) -> tuple[_Spelled, ...]:
    """The variables that a pattern of kover's spells out; none for any other pattern."""
    found = []
    for alternative in _ALTERNATIVE.findall(pattern):
        match = _SPELLED.fullmatch(alternative)
        if match is None:
            return ()
        around = tuple(_ESCAPED.sub(r"\1", name) for name in _OPTIONAL.findall(match[1]))
        each = _Spelled(around, tuple(_ESCAPED.sub(r"\1", match[2]).split("/")))
        if str(each) != alternative or around[:1] != (tree.name,) or len(around) > _DEEPEST:
            return ()
        found.append(each)
    return tuple(found) if "|".join(map(str, found)) == pattern else ()


class _Walk:
    """From the model down to the layers that patterns name."""

    def __init__(self, tree: ModelTree, names: Mapping[str, str]) -> None:
        self._names = names
        self._held: dict[tuple[str | None, str], LayerNode] = {}
        for node in tree.layers:
            self._held.setdefault((node.parent, node.name), node)
        for node in tree.layers:  # the last step of a path, where it is another than the name
            self._held[node.parent, node.path.rpartition("/")[2]] = node

    def renamed(self, each: _Spelled) -> _Spelled:
        """The same variable by the new names, as far as its layer is found."""
        steps = [*each.around[1:], *each.path]
        parent: str | None = None
        for place, step in enumerate(steps):
            node = self._held.get((parent, step))
            if node is None:
                break
            steps[place] = self._names.get(node.path, step)
            parent = node.path
        outside = len(each.around) - 1
        return _Spelled((*each.around[:1], *steps[:outside]), tuple(steps[outside:]))


def _probes(
    tree: ModelTree, names: Mapping[str, str], below: set[str]
) -> Iterator[tuple[str, str]]:
    """Paths that variables have before and after, of all layers that new names concern."""
    taken = set(names.values())
    for node in tree.layers:
        old = _steps(node, tree, {})
        new = _steps(node, tree, names)
        if old == new and node.name not in taken:
            continue
        for start in range(len(old)) if old != new else (len(old) - 1,):
            for variable in _variables(node) | below:
                yield "/".join((*old[start:], variable)), "/".join((*new[start:], variable))


def _steps(node: LayerNode, tree: ModelTree, names: Mapping[str, str]) -> tuple[str, ...]:
    found: list[str] = []
    here: LayerNode | None = node
    while here is not None:
        found.append(names.get(here.path, here.name))
        here = None if here.parent is None else tree.get(here.parent)
    return tuple(reversed(found))


def _variables(node: LayerNode) -> set[str]:
    entry = layer_entry(node)
    return {*_USUAL, *(variable.name for variable in entry.variables)} if entry else {*_USUAL}


def _matcher(pattern: str, spelled: tuple[_Spelled, ...]) -> Callable[[str], bool] | None:
    """What `re.fullmatch` says of a path; None for a pattern that it may take long over."""
    if spelled:
        return _spelled_matcher(spelled)
    if not _is_tame(pattern):
        return None
    fullmatch = re.compile(pattern).fullmatch
    return lambda path: path == pattern or (len(path) <= _LONGEST and bool(fullmatch(path)))


def _spelled_matcher(spelled: tuple[_Spelled, ...]) -> Callable[[str], bool]:
    known: dict[str, list[tuple[str, ...]]] = {}
    for each in spelled:
        known.setdefault("/".join(each.path), []).append(each.around)

    def matches(path: str) -> bool:
        steps = path.split("/")
        return any(
            _in_order(steps[:start], around)
            for start in range(len(steps))
            for around in known.get("/".join(steps[start:]), ())
        )

    return matches


def _in_order(some: Sequence[str], steps: Iterable[str]) -> bool:
    """Whether `some` are among the steps, in their order."""
    left = iter(steps)
    return all(step in left for step in some)


def _is_tame(pattern: str) -> bool:
    """Whether matching it takes no time to speak of: it comes from a file, and may be hostile."""
    if _REPEATED_GROUP.search(pattern) or len(_QUANTIFIER.findall(pattern)) > _QUANTIFIERS:
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
