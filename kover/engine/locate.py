"""Where each array that Keras reads stands in the old file; every one is checked. No Keras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from kover.archive.weights import StoredArray
from kover.engine.identity import OptimizerKey, StateKey, VariableKey
from kover.engine.twin import TwinArray
from kover.problems import Problem
from kover.source import Source

_LISTED = 8
WEIGHTS = "model.weights.h5"


@dataclass(frozen=True)
class Located:
    """The stored arrays of a model.

    Attributes:
        where: whose each stored array is: key to HDF5 path. Arrays that cannot be trusted are
            left out.
        problems: errors where Keras could not load the model either, warnings otherwise.
    """

    where: Mapping[StateKey, str]
    problems: tuple[Problem, ...]


def locate(
    arrays: Mapping[StateKey, TwinArray], stored: Mapping[str, StoredArray], path: str
) -> Located:
    """Find what Keras reads among what is stored, and check its shape.

    Args:
        arrays: what Keras expects, see `Twin.arrays`.
        stored: what the file holds, by HDF5 path.
        path: the archive, for messages.
    """
    where: dict[StateKey, str] = {}
    wrong: list[str] = []
    for key, array in arrays.items():
        if not isinstance(key, VariableKey) or not array.places:
            continue
        found = stored.get(array.places[0])
        if found is None:
            wrong.append(f"'{key}' of shape {array.shape} is missing")
        elif found.shape != array.shape:
            wrong.append(f"'{key}' should have shape {array.shape}, and has {found.shape}")
        else:
            where[key] = array.places[0]
    problems = [_weights_differ(wrong, path)] if wrong else []
    state: dict[StateKey, TwinArray] = {
        key: a for key, a in arrays.items() if not isinstance(key, VariableKey)
    }
    if _state_is_whole(state, stored):
        where.update({key: array.places[0] for key, array in state.items()})
    else:
        where.update(_own_scalars(state, stored))
        if not _never_built(state, stored):
            problems.append(_state_unreadable(path))
    return Located(where, tuple(problems))


def _state_is_whole(state: Mapping[StateKey, TwinArray], stored: Mapping[str, StoredArray]) -> bool:
    """Whether Keras would read the optimizer's state: the counts and every shape agree."""
    groups = Counter(_group(place) for array in state.values() for place in array.places)
    counts = Counter(_group(place) for place in stored)
    return all(counts[group] == expected for group, expected in groups.items()) and all(
        stored[place].shape == array.shape for array in state.values() for place in array.places
    )


def _never_built(state: Mapping[StateKey, TwinArray], stored: Mapping[str, StoredArray]) -> bool:
    """Whether the model was saved before its first step: no slots are there yet to be lost.

    Keras writes iteration counts and rates alone then, which are scalars.
    """
    groups = {_group(place) for array in state.values() for place in array.places}
    kept = [array for place, array in stored.items() if _group(place) in groups]
    return bool(kept) and not any(array.shape for array in kept)


def _own_scalars(
    state: Mapping[StateKey, TwinArray], stored: Mapping[str, StoredArray]
) -> dict[StateKey, str]:
    """Iteration count and learning rate come first, whatever the rest is.

    What an inner optimizer keeps stands in two places; in its own group, which is the last, nothing
    comes before these.
    """
    return {
        key: array.places[-1]
        for key, array in state.items()
        if isinstance(key, OptimizerKey)
        and key.name in {"iteration", "learning_rate"}
        and array.places[-1] in stored
        and stored[array.places[-1]].shape == ()
        and ("i" in stored[array.places[-1]].dtype) == (key.name == "iteration")
    }


def _group(place: str) -> str:
    return place.rpartition("/")[0]


def _weights_differ(wrong: list[str], path: str) -> Problem:
    more = f"; and {len(wrong) - _LISTED} more" if len(wrong) > _LISTED else ""
    return Problem(
        "weights-differ",
        f"the stored weights do not fit the model's config: {'; '.join(wrong[:_LISTED])}{more}",
        Source(path, inside=WEIGHTS),
        "Keras cannot load this model either; it may be damaged, or come from another version",
    )


def _state_unreadable(path: str) -> Problem:
    return Problem(
        "optimizer-state-unreadable",
        "the stored optimizer state does not fit the model, Keras would ignore it with a warning; "
        "it starts fresh in the output",
        Source(path, inside=f"{WEIGHTS}:optimizer"),
        "set `compile: {optimizer_state: reset}` to say that this is wanted",
        "warning",
    )
