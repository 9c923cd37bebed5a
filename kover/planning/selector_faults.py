"""What can be wrong with a selector, said at the part that is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable

from kover.planning.globs import is_literal
from kover.planning.layer_index import LayerIndex
from kover.problems import Problem, Severity, cut
from kover.source import Source
from kover.spec.document import AnyOf, Glob, Selector, Where
from kover.suggest import did_you_mean, nearest

_SHOW = "`kover show` lists the model's layers"


class Faults:
    """Collects the problems of one selector.

    Args:
        index: of the model's layers.
        none_is_fine: the override expects that there may be no such layer.
    """

    def __init__(self, index: LayerIndex, none_is_fine: bool) -> None:
        self.index = index
        self.none_is_fine = none_is_fine
        self.found: list[Problem] = []

    def add(
        self,
        code: str,
        message: str,
        source: Source,
        help: str | None = None,
        severity: Severity = "error",
    ) -> None:
        """Record a problem."""
        self.found.append(Problem(code, message, source, help, severity))

    def unknown_layer(self, glob: Glob, by_name: bool) -> None:
        """A layer is named that the model does not have."""
        if self.none_is_fine:
            return
        names: Iterable[str] = self.index.by_name if by_name else self.index.position
        wanted = glob.pattern if by_name else glob.pattern.removeprefix("/")
        self.add(
            "unknown-layer",
            f"no layer matches '{glob.pattern}'",
            glob.source,
            self._class_of(wanted) or self._suggest(wanted, names, "layers"),
        )

    def unknown_class(self, glob: Glob) -> None:
        """A class is named of which the model has no layer."""
        if not self.none_is_fine:
            self.add(
                "unknown-class",
                f"the model has no layer of class '{glob.pattern}'",
                glob.source,
                self._suggest(glob.pattern, self.index.by_class, "classes"),
            )

    def no_match(self, selector: Selector, source: Source) -> None:
        """The selector as a whole matches nothing."""
        self.add(
            "no-match",
            f"no layer matches {selector_text(selector)}",
            source,
            self._near(selector) or _SHOW,
        )

    def idle_member(self, selector: Selector) -> None:
        """One pattern of a list matches nothing, which is odd, but the list may still match."""
        if not self.none_is_fine and isinstance(selector, Glob) and _has_wildcards(selector):
            self.add(
                "no-match",
                f"no layer matches {selector_text(selector)}",
                selector.source,
                self._near(selector) or _SHOW,
                "warning",
            )

    def _near(self, selector: Selector) -> str | None:
        if isinstance(selector, AnyOf) or not self.index.may_suggest():
            return None
        if isinstance(selector, Where):
            return self._near_attribute(selector)
        if by_class := self._class_of(selector.pattern.strip("*?/")):
            return by_class
        return _meant(selector.pattern.strip("*?/"), self.index.by_name)

    def _near_attribute(self, where: Where) -> str | None:
        """What an attribute is called that no layer has."""
        index = self.index
        known = {name for node in index.layers for name in index.tree.config(node)}
        asked = [*where.where, *(glob.pattern for glob in where.has or ())]
        unknown = [name.split(".")[0] for name in asked if name not in known]
        return next(filter(None, (_meant(name, known) for name in unknown)), None)

    def _class_of(self, wanted: str) -> str | None:
        """What to write where the name is that of a class, and of no layer."""
        for name in self.index.by_class:
            if name == wanted or (
                name.lower() == wanted.lower() and not nearest(wanted, self.index.by_name, 1)
            ):
                return f"'{name}' is a class: `layers: {{class: {name}}}` selects its layers"
        return None

    def _suggest(self, wanted: str, names: Iterable[str], noun: str) -> str:
        near = self.index.may_suggest() and did_you_mean(wanted, names, noun)
        return near or self._made_in_code(wanted) or _SHOW

    def _made_in_code(self, wanted: str) -> str | None:
        """What to write for a layer that only the code of the model's class knows."""
        root = self.index.tree.root_node
        if root is None or self.index.layers is not self.index.tree.layers:
            return None
        return (
            f"what {root.class_name} makes in its code is not in the config; for a rate, select "
            f"the model and name the variables: `layers: {root.name}`, `variables: '{wanted}/*'`"
        )


def _meant(name: str, candidates: Iterable[str]) -> str | None:
    close = nearest(name, candidates)
    return "did you mean " + " or ".join(f"'{match}'" for match in close) + "?" if close else None


def _has_wildcards(selector: Glob) -> bool:
    return not is_literal(selector.pattern)


def selector_text(selector: Selector) -> str:
    """The selector on one line."""
    if isinstance(selector, Glob):
        return f"'{selector.pattern}'"
    if isinstance(selector, AnyOf):
        return f"[{', '.join(map(selector_text, selector.selectors))}]"
    return f"{{{', '.join(_condition_texts(selector))}}}"


def _condition_texts(where: Where) -> Iterable[str]:
    for key, globs in (
        ("name", where.name),
        ("path", where.path),
        ("class", where.class_),
        ("has", where.has),
    ):
        if globs is not None:
            yield f"{key}: {_globs_text(globs)}"
    if where.index is not None:
        yield f"index: {where.index.data}"
    if where.where:
        pairs = ", ".join(f"{key}: {_plain(value.data)}" for key, value in where.where.items())
        yield f"where: {{{pairs}}}"
    if where.trainable is not None:
        yield f"trainable: {_plain(where.trainable.data)}"
    for key, glob in (("from", where.from_), ("to", where.to)):
        if glob is not None:
            yield f"{key}: {glob.pattern}"
    if where.any is not None:
        yield f"any: [{', '.join(map(selector_text, where.any))}]"
    if where.not_ is not None:
        yield f"not: {selector_text(where.not_)}"


def _globs_text(globs: tuple[Glob, ...]) -> str:
    texts = [f"'{glob.pattern}'" for glob in globs]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _plain(value: object) -> str:
    return cut(json.dumps(value, ensure_ascii=False, default=str))
