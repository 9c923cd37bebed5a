"""The fuzz targets on seeds, on mutations of them, and on what once crashed one."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest
from hypothesis import strategies as st

CRASHES = {  # found by `make fuzz`; each must only ever end in an answer
    "config": [
        "f2c8e7877480924816a04819d34cdb",  # a mapping as the optimizer's registered name
        "457c769f39d8644199c0e5bdfbc85b",  # a list as a module
        "4112548c7291c1509ea3c32157918e",  # a list as a registered name
        "618e5e7f40da0edb0df62344",  # a mapping as a module
    ],
    "commands": [
        "73a9be52e44da7f2370d9e260e27136540a4a3a6d07f1817",  # a mapping as the model's own
    ],
}
TARGETS = ("spec", "config", "commands", "zip", "hdf5")


@pytest.fixture(scope="module")
def targets() -> ModuleType:
    path = Path(__file__).with_name("targets.py")
    spec = importlib.util.spec_from_file_location("fuzz_targets", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_ends_in_an_answer(targets: ModuleType, name: str) -> None:
    assert set(targets.TARGETS) == set(TARGETS)
    seeds = targets.seeds(name)
    assert seeds
    for seed in seeds:
        targets.TARGETS[name](seed)


@pytest.mark.parametrize(("name", "data"), [(n, d) for n, each in CRASHES.items() for d in each])
def test_what_once_crashed_does_so_no_more(targets: ModuleType, name: str, data: str) -> None:
    targets.TARGETS[name](bytes.fromhex(data))


@hypothesis.given(st.binary(min_size=3, max_size=24))
@hypothesis.settings(max_examples=150)
def test_configs_with_values_out_of_place_end_in_an_answer(
    targets: ModuleType, data: bytes
) -> None:
    targets.fuzz_config(data)


@hypothesis.given(st.data())
@hypothesis.settings(max_examples=100)
def test_specs_with_text_out_of_place_end_in_an_answer(
    targets: ModuleType, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from(targets.seeds("spec")))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        piece = data.draw(
            st.sampled_from([b": ", b"- ", b"{", b"}", b"[", b"&a ", b"*a", b"<<: ", b"!!int ",
                             b"\n", b"\t", b"'", b'"', b"\xff", b"${", b"null", b"1e999", b".nan"])
        )  # fmt: skip
        text = text[:at] + piece + text[at + data.draw(st.integers(0, 3)) :]
    targets.fuzz_spec(text)


@pytest.mark.parametrize(("name", "count"), [("zip", 150), ("hdf5", 150)])
def test_files_with_bytes_out_of_place_end_in_an_answer(
    targets: ModuleType, name: str, count: int
) -> None:
    chance = random.Random(3)
    for _ in range(count):
        data = bytearray(chance.choice(targets.seeds(name)))
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.choice([0, 255, chance.randrange(256)])
        targets.TARGETS[name](bytes(data[: chance.choice([None, None, len(data) // 2])]))
