"""The schema is closed, documented and right for editors; its verdicts are plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from kover.problems import Problem
from kover.spec.schema import spec_schema

Faults = Callable[..., tuple[Problem, ...]]
SCHEMA = spec_schema()


def objects(schema: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every subschema with its place."""
    if isinstance(schema, dict):
        yield path, schema
        for key, part in schema.items():
            if key not in ("examples", "default", "const", "enum", "required"):
                yield from objects(part, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from objects(part, f"{path}/{index}")


def test_the_schema_is_itself_valid() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_every_mapping_is_closed_or_says_what_else_it_takes() -> None:
    open_ = [
        path
        for path, part in objects(SCHEMA)
        if "properties" in part
        and not path.endswith("/properties")
        and "additionalProperties" not in part
    ]
    assert open_ == []


def test_every_property_has_a_title_and_a_description_for_editors() -> None:
    silent = [
        f"{path}/{key}"
        for path, part in objects(SCHEMA)
        if not path.endswith("/properties")
        for key, value in part.get("properties", {}).items()
        if not (value.get("title") and value.get("description"))
    ]
    assert silent == []


def test_every_example_and_default_in_the_schema_is_valid() -> None:
    checked = 0
    for path, part in objects(SCHEMA):
        samples = part.get("examples", []) if isinstance(part.get("examples", []), list) else []
        if path.endswith("/properties"):
            continue
        validator = Draft7Validator({**part, "definitions": SCHEMA["definitions"]})
        for sample in samples + ([part["default"]] if "default" in part else []):
            assert list(validator.iter_errors(sample)) == [], (path, sample)
            checked += 1
    assert checked > 30


OVERRIDE = "version: 1\noverrides:\n  - layers: x\n    {}\n"


@pytest.mark.parametrize(
    "line",
    [
        'learning_rate: "${a}"',
        'learning_rate: {multiply: "${a}"}',
        'weight_decay: "${a}"',
        'reinitialize: "${a}"',
        'reinitialize: {seed: "${a}"}',
        'set: {x: 1}\n    expect: "${a}"',
        'set: {x: 1}\n    expect: {min: "${a}", max: "${a}"}',
    ],
)
def test_an_editor_accepts_a_parameter_where_another_type_is_expected(line: str) -> None:
    import yaml

    document = yaml.safe_load(OVERRIDE.replace("{}", line))
    assert list(Draft7Validator(SCHEMA).iter_errors(document)) == []


def test_the_full_spec_is_valid_for_an_editor_too(full_text: str) -> None:
    from kover.spec.files import SpecText
    from kover.spec.yaml_nodes import read_nodes

    document = read_nodes(SpecText("s", full_text, "")).data
    assert list(Draft7Validator(SCHEMA).iter_errors(document)) == []


@pytest.mark.parametrize(
    ("line", "message", "help"),
    [
        (
            "learning_rate: fast",
            "'learning_rate' must be a number or a mapping, not the text 'fast'",
            "learning rate for the variables",
        ),
        (
            'learning_rate: "1e-4"',
            "'learning_rate' must be a number or a mapping, not the text '1e-4'",
            "remove the quotes",
        ),
        (
            "learning_rate: {multiply: x}",
            "'multiply' must be a number, not the text 'x'",
            "the optimizer's own learning rate",
        ),
        (
            "learning_rate: {factor: 1}",
            "unknown key 'factor' in 'learning_rate'",
            "known keys: 'multiply'",
        ),
        (
            "reinitialize: yes",
            "'reinitialize' must be true or false or a mapping, not the text 'yes'",
            "write true or false",
        ),
        (
            "set: {x: 1}\n    expect: 1.5",
            "'expect' must be a whole number or a mapping, not the number 1.5",
            "how many layers must match",
        ),
        (
            "set: {l2:1e-4}",
            "'l2:1e-4' in 'set' is no name",
            "a space follows the colon: 'l2: 1e-4'",
        ),
        ("rate: 0.5", "unknown key 'rate' in the override", "attributes of layers go under 'set'"),
        ("sets: {x: 1}", "unknown key 'sets' in the override", "did you mean 'set'"),
    ],
)
def test_a_fault_is_said_in_plain_words(faults: Faults, line: str, message: str, help: str) -> None:
    first = min(faults(OVERRIDE.replace("{}", line)), key=lambda p: p.code != "unknown-key")
    assert first.message == message
    assert first.help is not None
    assert first.help.startswith(help)


@pytest.mark.parametrize("value", ["123", "true", "null", "1.5"])
def test_a_selector_that_yaml_reads_as_something_else_is_told_to_be_quoted(
    faults: Faults, value: str
) -> None:
    (problem,) = faults(f"version: 1\noverrides: [{{layers: {value}, set: {{a: 1}}}}]\n")
    assert problem.code == "wrong-type"
    if value != "null":
        assert problem.help == f'quote it to mean text: "{value}"'


def test_long_values_are_cut_in_messages(faults: Faults) -> None:
    (problem,) = faults(f"version: 1\ncompile: {{run_eagerly: {'x' * 5000}}}\n")
    assert len(problem.message) < 150
