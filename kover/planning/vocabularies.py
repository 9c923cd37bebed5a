"""The size of a vocabulary, which a lookup layer's config holds beside the vocabulary itself.

Keras refuses a vocabulary of another size than the one noted; so what changes the one changes the
other as well.

Source: keras 3.15 `layers.preprocessing.index_lookup.IndexLookup.set_vocabulary` and
`.vocabulary_size`; pinned by tests/planning/test_vocabularies.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kover.modelconfig.edit import Pointer
from kover.modelconfig.tree import ModelTree
from kover.planning.layer_edits import Net
from kover.values import JSON, Missing

_SIZE = "vocabulary_size"
_DECIDING = frozenset(
    {"vocabulary", "max_tokens", "num_oov_indices", "oov_token", "mask_token", "output_mode"}
)


def stale_vocabulary_sizes(
    tree: ModelTree, changes: Iterable[Net]
) -> Iterator[tuple[Pointer, JSON | Missing]]:
    """The edits that keep the noted sizes true after `changes`."""
    changed: dict[Pointer, dict[str, JSON | Missing]] = {}
    configs: dict[Pointer, Mapping[str, JSON]] = {}
    for net in changes:
        changed.setdefault(net.node.config_pointer, {})[net.attribute] = net.value
        configs[net.node.config_pointer] = tree.config(net.node)
    for pointer, values in changed.items():
        before = configs[pointer]
        if _DECIDING.isdisjoint(values) or _SIZE in values or before.get(_SIZE) is None:
            continue
        new = {key: v for key, v in {**before, **values}.items() if not isinstance(v, Missing)}
        if isinstance(new.get("vocabulary"), list):
            yield (*pointer, _SIZE), _new_size(before, new)


def _new_size(before: Mapping[str, JSON], after: Mapping[str, JSON]) -> JSON:
    """The size to note; None, which Keras fills in, where the old one is not to be explained."""
    known = isinstance(before.get("vocabulary"), list)
    if known and vocabulary_size(before) != before.get(_SIZE):
        return None
    return vocabulary_size(after)


def vocabulary_size(config: Mapping[str, JSON]) -> int:
    """How many tokens Keras counts, those for masks and for what is unknown included."""
    vocabulary = config.get("vocabulary")
    tokens = list(vocabulary) if isinstance(vocabulary, list) else []
    unknown = config.get("num_oov_indices", 1)
    special = [_mask(config)] if _masks(config) else []
    if isinstance(unknown, int):
        special += [config.get("oov_token", "[UNK]")] * unknown
    if tokens[: len(special)] == special:
        return len(tokens)
    return len(special) + len(tokens)


def _mask(config: Mapping[str, JSON]) -> JSON:
    return config.get("mask_token", "")  # a TextVectorization has one that its config keeps quiet


def _masks(config: Mapping[str, JSON]) -> bool:
    return _mask(config) is not None and config.get("output_mode", "int") == "int"
