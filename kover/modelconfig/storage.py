"""Which layer owns which array of `model.weights.h5`, by Keras' saving rule without Keras.

Keras names HDF5 groups by class and position, not by layer: `layers/dense_1/vars/0`. The rule is
`keras.src.saving.saving_lib._save_state`: a Sequential or Functional stores its `layers` first,
any other object its attributes in sorted order (private ones last); a list or mapping stores its
items by snake-case class, numbered (`_save_container_state`); an object that was stored once is
not stored again. What is not in the config (the cell inside an LSTM, the projections inside a
MultiHeadAttention) lies below its layer's group and belongs to that layer.

For Keras' own layers the rule is exact. Under what attribute a custom class keeps its layers is a
guess (the key of its config); the layer names that files from Keras 3.7 on hold settle it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kover.modelconfig.groups import Alternatives, GroupRule
from kover.modelconfig.nodes import LayerNode, ModelTree

__all__ = ["StorageMap", "storage_map", "storage_paths"]

_NOT_LAYERS = frozenset({"optimizer", "metrics", "_loss_tracker", "_metrics"})


@dataclass(frozen=True)
class StorageMap:
    """The HDF5 groups of a model's layers.

    Attributes:
        owners: group -> path of the layer that is stored there.
        paths: layer path -> its groups, most often one: a Bidirectional that was saved with a
            single record has that record's weights in two.
        doubtful: layer paths whose stored name is another one than the config's, with the stored
            name. Keras loads by position all the same, and so does this map.
    """

    owners: Mapping[str, str]
    paths: Mapping[str, tuple[str, ...]]
    doubtful: Mapping[str, str]

    def owner_of(self, hdf5_path: str) -> tuple[str, str]:
        """The layer that owns an array, and the array's path below that layer's group.

        The path `` stands for the model itself: what a subclassed model keeps, its optimizer
        and its metrics.
        """
        group = hdf5_path
        while group:
            group = group.rpartition("/")[0]
            owner = self.owners.get(group)
            if owner is not None:
                return owner, hdf5_path[len(group) + 1 :]
        return "", hdf5_path


def storage_paths(tree: ModelTree) -> Mapping[str, tuple[str, ...]]:
    """Layer path -> HDF5 group paths, from the config alone."""
    return storage_map(tree).paths


def storage_map(
    tree: ModelTree, names: Mapping[str, str] | None = None, arrays: Iterable[str] = ()
) -> StorageMap:
    """Who owns what in a weights file.

    Args:
        tree: the model.
        names: group -> layer name, as far as the file holds names.
        arrays: the paths of the file's arrays, with `/`.
    """
    stored = _Stored(names or {}, arrays)
    rule = GroupRule(tree, stored.present)
    owners: dict[str, str] = {}
    paths: dict[str, tuple[str, ...]] = {}
    doubtful: dict[str, str] = {}
    for node in tree.layers:
        above = ("",) if node.parent is None else paths[node.parent]
        alternatives = rule.alternatives(node, above[0] if above else "")
        groups = stored.choose(node, above, alternatives, owners)
        for group in groups:
            owners.setdefault(group, node.path)
            name = stored.names.get(group)
            if name and name != node.name and len(groups) == 1:
                doubtful[node.path] = name
        paths[node.path] = groups
    return StorageMap(owners, paths, doubtful)


class _Stored:
    """What a weights file says: which groups are there, and under what names."""

    def __init__(self, names: Mapping[str, str], arrays: Iterable[str]) -> None:
        self.names = names
        self.present: set[str] = set()
        for path in (*names, *(array.rpartition("/vars/")[0] for array in arrays)):
            group = path
            while group and group not in self.present:
                self.present.add(group)
                group = group.rpartition("/")[0]
        self._named: dict[str, list[str]] = {}
        for group, name in names.items():
            if name and group.partition("/")[0] not in _NOT_LAYERS:
                self._named.setdefault(name, []).append(group)

    def choose(
        self,
        node: LayerNode,
        above: tuple[str, ...],
        alternatives: Alternatives,
        taken: Mapping[str, str],
    ) -> tuple[str, ...]:
        """The groups of a layer, given those of the layer that holds it."""
        options = [
            tuple(f"{group}/{inner}" if group else inner for group in above for inner in inners)
            for inners in alternatives.groups
        ]
        for option in options:
            if self._fits(node, option, alternatives.exact):
                return option
        if group := self._by_name(node.name, above, taken):
            return (group,)
        # A guess is worth nothing where the file does not bear it out.
        return options[0] if options and (alternatives.exact or not self.present) else ()

    def _fits(self, node: LayerNode, groups: tuple[str, ...], exact: bool) -> bool:
        present = [group for group in groups if group in self.present]
        if exact or not present:
            return bool(present)
        return all(self.names.get(group, "") in ("", node.name) for group in present)

    def _by_name(self, name: str, above: tuple[str, ...], taken: Mapping[str, str]) -> str | None:
        """The one outermost group below `above` that was stored under this name."""
        found = [
            group
            for group in self._named.get(name, ())
            if group not in taken and any(not a or group.startswith(f"{a}/") for a in above)
        ]
        outermost = min((group.count("/") for group in found), default=0)
        nearest = [group for group in found if group.count("/") == outermost]
        return nearest[0] if len(nearest) == 1 else None
