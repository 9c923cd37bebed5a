"""What older versions of Keras have, out of the one data file; and how it gets there."""

from __future__ import annotations

import copy
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kover.catalogue import Catalogue, Entry, loading
from kover.catalogue.model import OBJECT_KINDS
from kover.catalogue.versions import Span, minor_of

DATA: dict[str, Any] = json.loads(Path(loading.__file__).with_name("keras.json").read_bytes())
TESTS = Path(__file__).parents[1]


def known(version: str | None) -> Catalogue:
    return Catalogue(DATA, version)


def entry_of(version: str | None, kind: str, name: str) -> Entry:
    found = known(version).entry(kind, name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "name", "argument", "since"),
    [
        ("layer", "Dense", "quantization_config", "3.13"),
        ("layer", "BatchNormalization", "renorm", "3.14"),
        ("layer", "MultiHeadAttention", "sliding_window", "3.15"),
        ("initializer", "HeNormal", "input_axes", "3.15"),
    ],
)
def test_an_argument_is_there_from_its_first_version_on(
    kind: str, name: str, argument: str, since: str
) -> None:
    at = DATA["versions"].index(since)
    before, first = DATA["versions"][at - 1], DATA["versions"][at]
    older = entry_of(f"{before}.4", kind, name)
    assert argument not in older.arguments
    assert argument not in older.config_keys
    assert older.elsewhere[argument] == Span(since)
    for version in (f"{first}.0", None):
        newer = entry_of(version, kind, name)
        assert newer.arguments[argument].span == Span(since)
        assert argument in newer.config_keys
        assert argument not in newer.elsewhere


def test_an_argument_that_is_gone_is_known_to_the_versions_that_had_it() -> None:
    older = entry_of("3.11.3", "optimizer", "LossScaleOptimizer")
    assert older.arguments["clipnorm"].span == Span(None, "3.11")
    newer = entry_of("3.12.0", "optimizer", "LossScaleOptimizer")
    assert newer.elsewhere["clipnorm"] == Span(None, "3.11")
    assert "clipnorm" not in newer.config_keys


def test_a_class_is_there_from_its_first_version_on() -> None:
    assert known("3.13.2").entry("optimizer", "ScheduleFreeAdamW") is None
    assert known("3.13.2").elsewhere("optimizer", "ScheduleFreeAdamW") == Span("3.14")
    assert "ScheduleFreeAdamW" not in known("3.13.2").names("optimizer")
    assert known("3.14.0").entry("optimizer", "ScheduleFreeAdamW") is not None
    assert known("3.14.0").elsewhere("optimizer", "ScheduleFreeAdamW") is None
    assert known("3.14.0").elsewhere("optimizer", "no-such") is None


def test_defaults_domains_and_variables_are_those_of_the_version() -> None:
    assert entry_of("3.12.4", "optimizer", "Muon").arguments["ns_steps"].default == 6
    assert entry_of("3.13.0", "optimizer", "Muon").arguments["ns_steps"].default == 5
    assert entry_of("3.14.1", "layer", "RepeatVector").arguments["n"].minimum is None
    assert entry_of("3.15.0", "layer", "RepeatVector").arguments["n"].minimum == 1
    config = {"scale": True, "center": True, "renorm": True}
    old = entry_of("3.13.2", "layer", "BatchNormalization").stored_variables(config)
    assert "moving_stddev" not in old.values()
    new = entry_of("3.14.1", "layer", "BatchNormalization").stored_variables(config)
    assert "moving_stddev" in new.values()


def test_an_object_among_the_defaults_has_what_the_version_has() -> None:
    for version, keys in (("3.14.1", {"seed"}), (None, {"seed", "input_axes", "output_axes"})):
        default: Any = entry_of(version, "layer", "Dense").arguments["kernel_initializer"].default
        assert set(default["config"]) == keys


@pytest.mark.parametrize(
    ("version", "same_as"),
    [("3.8.0", "3.10"), ("4.0.0", "3.15"), ("3.16.0.dev1", "3.15"), (None, "3.15"), ("", "3.15")],
)
def test_a_version_that_is_not_known_is_taken_for_the_nearest(
    version: str | None, same_as: str
) -> None:
    for kind in OBJECT_KINDS:
        assert known(version).class_names(kind) == known(same_as).class_names(kind)


@pytest.mark.parametrize("version", DATA["versions"])
def test_every_entry_of_every_version_can_be_built(version: str) -> None:
    catalogue = known(version)
    for kind in OBJECT_KINDS:
        for name in catalogue.class_names(kind):
            entry = catalogue.entry(kind, name)
            assert entry is not None
            assert not set(entry.elsewhere) & set(entry.arguments)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("3.13.2", (3, 13)),
        ("3.16.0.dev1", (3, 16)),
        ("3", None),
        (None, None),
        ("9" * 5000 + ".1", None),
        ("3." + "9" * 5000, None),
    ],
)
def test_the_minor_version_of_a_version(text: str | None, minor: tuple[int, int] | None) -> None:
    assert minor_of(text) == minor


def test_only_a_known_version_that_is_older_lacks_something() -> None:
    span = Span("3.13")
    assert [span.lacks(v) for v in ("3.9.0", "3.12.4", "3.13.0", "3.15.1", None, "none")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert not Span().lacks("3.0.0")


# ---------------------------------------------------------------- merging


@pytest.fixture(scope="module")
def merging() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TESTS))
        yield importlib.import_module("catalogue_making.merging")
        for name in [name for name in sys.modules if name.startswith("catalogue_making")]:
            del sys.modules[name]


VERSIONS = ("3.10.0", "3.11.3", "3.12.4", "3.13.2")
arguments = st.fixed_dictionaries(
    {"kind": st.sampled_from(["int", "number", "bool"])},
    optional={"default": st.sampled_from([None, 0, 1, 0.5]), "saved": st.just(False)},
)


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Facts of four versions; what came stays until it goes, and does not come back."""
    lives = {
        name: (first := draw(st.integers(0, 3)), draw(st.integers(first, 3)))
        for name in draw(st.sets(st.sampled_from(["Dense", "Adam", "LSTM"]), min_size=1))
    }
    spans = {
        (name, key): (low := draw(st.integers(first, last)), draw(st.integers(low, last)))
        for name, (first, last) in lives.items()
        for key in draw(st.sets(st.sampled_from("abc")))
    }
    found = []
    for at, version in enumerate(VERSIONS):
        entries = []
        for name, (first, last) in sorted(lives.items()):
            if not first <= at <= last:
                continue
            having = [k for (of, k), (low, up) in spans.items() if of == name and low <= at <= up]
            given = {key: draw(arguments) for key in sorted(having)}
            config = [key for key in given if given[key].get("saved", True)]
            line: dict[str, Any] = {"kind": "layer", "class": name, "module": "keras.layers"}
            if draw(st.booleans()):
                line["names"] = draw(st.sampled_from([["x"], ["x", "y"]]))
            entries.append(line | {"arguments": given, "config": draw(st.permutations(config))})
        found.append({"keras": version, "dtypes": [], "compile": {}, "entries": entries})
    return found


@given(facts=histories())
def test_each_version_can_be_had_back_from_the_merged_data(
    merging: Any, facts: list[dict[str, Any]]
) -> None:
    untouched = copy.deepcopy(facts)
    data = json.loads(json.dumps(merging.merged(facts)))
    assert facts == untouched
    lines = {(line["kind"], line["class"]): line for line in data["entries"]}
    for each in facts:
        minor = ".".join(each["keras"].split(".")[:2])
        expected = [merging.comparable(line, lines, minor) for line in each["entries"]]
        assert merging.facts_of(data, minor) == expected


def facts_with(version: str, **given: Any) -> dict[str, Any]:
    line = {"kind": "layer", "class": "Dense", "module": "keras.layers", "config": sorted(given)}
    entries = [line | {"arguments": given}]
    return {"keras": version, "dtypes": ["float32"], "compile": {}, "entries": entries}


def test_what_all_versions_agree_on_is_said_once(merging: Any) -> None:
    same = [facts_with(version, units={"kind": "int"}) for version in VERSIONS]
    data = merging.merged(same)
    assert data["entries"] == same[-1]["entries"]
    assert data["versions"] == ["3.10", "3.11", "3.12", "3.13"]
    assert data["keras"] == "3.13.2"


def test_a_domain_that_changed_is_kept_with_the_last_version_that_had_it(merging: Any) -> None:
    tight = {"kind": "int", "min": 1}
    facts = [facts_with(v, units={"kind": "int"}) for v in VERSIONS[:2]]
    facts += [facts_with(v, units=tight, new={"kind": "bool"}) for v in VERSIONS[2:]]
    (line,) = merging.merged(facts)["entries"]
    assert line["arguments"]["units"] == {**tight, "was": [["3.11", {"kind": "int"}]]}
    assert line["arguments"]["new"] == {"kind": "bool", "since": "3.12"}


def test_what_comes_back_or_differs_for_the_whole_catalogue_is_no_merge(merging: Any) -> None:
    facts = [facts_with(v, **({} if v == "3.11.3" else {"a": {"kind": "int"}})) for v in VERSIONS]
    with pytest.raises(AssertionError, match="went and came back"):
        merging.merged(facts)
    facts = [facts_with(version) for version in VERSIONS]
    facts[0]["dtypes"] = []
    with pytest.raises(AssertionError, match="dtypes"):
        merging.merged(facts)
