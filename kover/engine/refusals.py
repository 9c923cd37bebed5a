"""Keras refused a config: which override is to blame, and why, in one line."""

from __future__ import annotations

from collections.abc import Mapping

from kover.engine import keras_private
from kover.engine.identity import StateKey, VariableKey
from kover.errors import KerasError
from kover.modelconfig.edit import value_at
from kover.modelconfig.tree import LayerNode, ModelTree
from kover.planning.dotted import inside
from kover.planning.plan import Plan
from kover.problems import Problem
from kover.source import Source
from kover.values import JSON, as_mapping

_LONGEST = 200


def reason(error: BaseException) -> str:
    """Why Keras refused, without the config that it quotes."""
    deepest = error
    seen = {id(error)}
    while (cause := deepest.__cause__ or deepest.__context__) is not None:
        if id(cause) in seen:
            break
        seen.add(id(cause))
        deepest = cause
    lines = [line.strip() for line in str(deepest).splitlines() if line.strip()]
    text = lines[0] if lines else type(deepest).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def refusal(
    error: Exception, plan: Plan, tree: ModelTree, path: str, *, safe_mode: bool
) -> KerasError:
    """The error for an edited config that Keras does not accept.

    Each changed layer is tried alone; those that Keras refuses are to blame. Where every layer is
    fine by itself, they do not fit together, and all overrides are named.

    Args:
        error: what Keras raised.
        plan: what was asked for.
        tree: the edited config.
        path: the model, for messages.
        safe_mode: as in `keras.models.load_model`.
    """
    problems: list[Problem] = []
    for layer in dict.fromkeys(change.layer for change in plan.changes):
        node = tree.get(layer)
        if node is None:
            continue
        alone = _refused_alone(_record(tree.root, node.pointer), safe_mode)
        if alone is not None:
            sources = _to_blame(plan, node, tree, safe_mode)
            problems.append(
                Problem(
                    "keras-refuses-layer",
                    f"Keras cannot make the layer '{layer}': {reason(alone)}",
                    sources[0] if sources else Source(path),
                    f"check the values that are set on '{layer}' ({node.class_name})",
                    related=sources[1:],
                )
            )
    problems = problems or _in_compile(plan, path, safe_mode)
    return KerasError(problems or _joint(error, plan, path))


def _to_blame(plan: Plan, node: LayerNode, tree: ModelTree, safe_mode: bool) -> tuple[Source, ...]:
    """The settings without which Keras makes the layer; all where it is not one of them alone."""
    record, old = _record(tree.root, node.pointer), value_at(plan.before, node.pointer)
    before, after = inside(old), inside(dict(record))
    changes = [change for change in plan.changes if change.layer == node.path]
    guilty = []
    for change in changes if len(changes) > 1 else ():
        name = change.attribute
        without = {key: value for key, value in after.items() if key != name}
        if name in before:
            without[name] = before[name]
        if name != "class" and _refused_alone({**record, "config": without}, safe_mode) is None:
            guilty.append(change.source)
    return tuple(dict.fromkeys(guilty)) or plan.blame(node.path)


def _in_compile(plan: Plan, path: str, safe_mode: bool) -> list[Problem]:
    """Each part of the new compile config that Keras cannot make by itself."""
    problems = []
    compiled = as_mapping(plan.after.get("compile_config"))
    for name in dict.fromkeys(each.attribute.partition(".")[0] for each in plan.compile_changes):
        alone = _unmade(compiled.get(name), safe_mode)
        if alone is not None:
            sources = [
                each.source
                for each in plan.compile_changes
                if each.attribute.partition(".")[0] == name
            ]
            problems.append(
                Problem(
                    "keras-refuses-model",
                    f"Keras cannot make what `compile.{name}` asks for: {reason(alone)}",
                    sources[0] if sources else Source(path),
                    "check the values that are given to it",
                    related=tuple(sources[1:4]),
                )
            )
    return problems


def refused_original(error: Exception, path: str) -> KerasError:
    """The error for a model that Keras does not accept, edited or not."""
    return KerasError(
        Problem(
            "keras-refuses-model",
            f"Keras cannot load this model, with the overrides or without: {reason(error)}",
            Source(path, inside="config.json"),
            "register custom classes with `--import MODULE-OR-FILE`, "
            "or edit the archive alone with `--verify none`",
        )
    )


def refused_initializer(error: Exception, plan: Plan, key: StateKey, path: str) -> KerasError:
    """The error for a variable whose initializer cannot make a value of its shape."""
    layer = key.layer if isinstance(key, VariableKey) else ""
    sources = [*plan.blame(layer), *(c.source for c in plan.consents if c.layer == layer)]
    return KerasError(
        Problem(
            "keras-refuses-initializer",
            f"the initializer of '{key}' cannot make a fresh value: {reason(error)}",
            sources[0] if sources else Source(path),
            "set another initializer for it",
            related=tuple(sources[1:4]),
        )
    )


def _joint(error: Exception, plan: Plan, path: str) -> Problem:
    changes = [change.source for change in plan.changes]
    sources = tuple(dict.fromkeys([*changes, *(each.source for each in plan.compile_changes)]))
    return Problem(
        "keras-refuses-model",
        f"Keras cannot build the edited model: {reason(error)}",
        sources[0] if sources else Source(path),
        "each changed layer is valid alone: look at what follows from them, such as shapes",
        related=sources[1:4],
    )


def _record(root: Mapping[str, JSON], pointer: tuple[str | int, ...]) -> Mapping[str, JSON]:
    value: JSON = dict(root)
    for step in pointer:
        value = value[step]  # type: ignore[index]  # the tree found it there
    assert isinstance(value, dict)
    return value


def _unmade(value: JSON, safe_mode: bool) -> Exception | None:
    """Why Keras does not make a part of a compile config: of small objects, so with their values.

    An optimizer cannot be made where variables have none.
    """
    try:
        keras_private.deserialize_record({"value": value}, safe_mode=safe_mode)
    except Exception as error:  # noqa: BLE001  (whatever Keras raises is the answer)
        return error
    return None


def _refused_alone(record: Mapping[str, JSON], safe_mode: bool) -> Exception | None:
    try:
        with keras_private.valueless_variables():
            keras_private.deserialize_record(record, safe_mode=safe_mode)
    except Exception as error:  # noqa: BLE001  (whatever Keras raises is the answer)
        return error
    return None
