"""Which of the optimizer's arrays are slots."""

from __future__ import annotations

from kover.archive.weights import StoredArray
from kover.diffing.optimizer_state import slots
from kover.diffing.stored import StoredModel
from kover.modelconfig.tree import read_tree


class Counting(str):
    """A path that counts how often it is compared with another one."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Counting.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def stored(shapes: dict[str, tuple[int, ...]]) -> StoredModel:
    arrays = {
        Counting(path): StoredArray(path, path, shape, "<f4", 4, None, 0)
        for path, shape in shapes.items()
    }
    tree = read_tree({"class_name": "Functional", "config": {"layers": []}})
    return StoredModel(tree, None, {}, arrays)


def test_counter_and_rate_are_no_slots() -> None:
    model = stored({f"optimizer/vars/{n}": () if n < 2 else (3,) for n in range(4)})
    assert list(slots(model)) == ["optimizer/vars/2", "optimizer/vars/3"]


def test_what_an_inner_optimizer_stores_as_well_counts_once() -> None:
    outer = {f"optimizer/vars/{n}": (3,) if n in (4, 5) else () for n in range(6)}
    inner = {f"optimizer/inner_optimizer/vars/{n}": () if n < 2 else (3,) for n in range(4)}
    found = [
        path.removeprefix("optimizer/inner_optimizer/") for path in slots(stored(outer | inner))
    ]
    assert found == ["vars/2", "vars/3"]


def test_telling_slots_apart_compares_no_path_with_all_others() -> None:
    count = 300
    model = stored({f"optimizer/vars/{n}": (3,) for n in range(count)})
    Counting.compared = 0
    assert len(slots(model)) == count
    assert Counting.compared <= count
