"""Spec files to specs: what every key becomes, phases, several specs, and hostile files."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from kover.errors import AnswerIsNo, InputError, KoverError, UsageError
from kover.problems import Problem
from kover.spec.document import AnyOf, Expect, Glob, Spec, Where
from kover.spec.loading import load_spec, load_specs

Load = Callable[..., Spec]
Faults = Callable[..., tuple[Problem, ...]]
BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))


def test_a_spec_with_every_key_becomes_data(load: Load, full_text: str) -> None:
    spec = load(full_text)
    assert spec.description == "Head at 0.001, price ${5}."
    assert spec.guards.keras_version is not None
    assert spec.guards.keras_version.data == ">=3.5,<4"
    assert len(spec.sha256) == 64
    assert spec.warnings == ()
    assert len(spec.overrides) == 6
    assert isinstance(spec.overrides[0].layers, Glob)
    assert spec.overrides[0].set[0].attribute == "trainable"
    assert spec.overrides[0].set[0].data is False
    assert spec.overrides[0].source.line == 21


def test_selectors_keep_their_forms(load: Load, full_text: str) -> None:
    spec = load(full_text)
    union = spec.overrides[1].layers
    assert isinstance(union, AnyOf)
    assert isinstance(union.selectors[0], Glob)
    conditions = union.selectors[1]
    assert isinstance(conditions, Where)
    assert [glob.pattern for glob in conditions.class_ or ()] == ["Conv2D", "my_pkg>*"]
    assert isinstance(conditions.not_, Glob)
    assert conditions.not_.pattern == "conv1_*"
    where = spec.overrides[2].layers
    assert isinstance(where, Where)
    assert where.where["rate"].data == [0.0, 0.1]
    assert [glob.pattern for glob in where.has or ()] == ["rate"]
    assert where.index is not None
    assert where.index.data == ":100"
    assert where.trainable is not None
    assert where.trainable.data is True
    last = spec.overrides[3].layers
    assert isinstance(last, Where)
    assert last.from_ is not None
    assert last.to is not None
    assert (last.from_.pattern, last.to.pattern) == ("block1", "block4/pool")
    assert len(last.any or ()) == 2


def test_the_parts_of_an_override_are_typed(load: Load, full_text: str) -> None:
    spec = load(full_text)
    blocks, dropouts, third, head, dense = spec.overrides[1:]
    assert [s.attribute for s in blocks.unset] == ["bias_regularizer", "activity_regularizer"]
    assert blocks.description == "the blocks"
    assert dropouts.expect is not None
    assert (dropouts.expect.minimum, dropouts.expect.maximum) == (0, None)
    assert third.expect is not None
    assert (third.expect.minimum, third.expect.maximum) == (3, 3)
    assert [s.attribute for s in third.unset] == ["activation"]
    assert {s.attribute: s.data for s in head.set}["units"] == 10
    assert head.was[0].data == 1000
    assert head.reinitialize is not None
    assert head.reinitialize.seed == 7
    assert head.learning_rate is not None
    assert head.learning_rate.absolute == 1e-3
    assert head.weight_decay is not None
    assert (head.weight_decay.absolute, head.weight_decay.multiply) == (None, 0.5)
    assert [glob.pattern for glob in head.variables] == ["kernel", "gam*"]
    assert dense.reinitialize is not None
    assert dense.reinitialize.seed == 0
    assert dense.learning_rate is not None
    assert dense.learning_rate.multiply == 10
    assert dense.weight_decay is not None
    assert dense.weight_decay.absolute == 0


def test_compile_keeps_its_arguments_as_written(load: Load, full_text: str) -> None:
    compiled = load(full_text).compile
    assert compiled is not None
    assert compiled.optimizer is not None
    assert compiled.optimizer.data == {
        "class": "AdamW",
        "learning_rate": 1e-3,
        "weight_decay": 0.01,
    }
    assert compiled.optimizer_state == "reset"
    assert list(compiled.arguments) == [
        "loss",
        "loss_weights",
        "metrics",
        "weighted_metrics",
        "run_eagerly",
        "steps_per_execution",
        "jit_compile",
        "auto_scale_loss",
    ]
    assert compiled.arguments["weighted_metrics"].data is None
    assert compiled.argument_key_sources["loss"].column == 3
    assert compiled.layer_decay is not None
    assert (compiled.layer_decay.rate, compiled.layer_decay.floor) == (0.75, 0.01)
    assert len(compiled.layer_decay.groups) == 3


@pytest.mark.parametrize(
    ("written", "least", "most"),
    [("0", 0, 0), ("2", 2, 2), ("{min: 0}", 0, None), ("{max: 3}", 1, 3), ("{max: 0}", 0, 0)],
)
def test_expect_has_bounds(load: Load, written: str, least: int, most: int | None) -> None:
    spec = load(f"version: 1\noverrides: [{{layers: x, set: {{a: 1}}, expect: {written}}}]\n")
    expect = spec.overrides[0].expect
    assert isinstance(expect, Expect)
    assert (expect.minimum, expect.maximum) == (least, most)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_spec_has_exactly_the_problems_that_it_announces(path: Path) -> None:
    """Each file begins with a line of comments: `# code line:column, …`."""
    announced = path.read_text("utf-8").splitlines()[0].removeprefix("# ").split(", ")
    with pytest.raises(AnswerIsNo) as caught:
        load_spec(str(path))
    found = caught.value.problems
    places = [f"{p.code} {p.source.line}:{p.source.column}" for p in found if p.source]
    assert places == announced
    assert all(p.help for p in found)
    assert all(p.message[:1] == p.message[:1].lower() and p.message[-1] != "." for p in found)


def test_there_are_broken_specs() -> None:
    assert len(BROKEN) >= 20


def test_a_phase_ends_before_the_next_one_begins(faults: Faults) -> None:
    found = faults("version: 2\noverrides:\n  - {layers: x, set: {rate: '${nope}'}}\n")
    assert [p.code for p in found] == ["unknown-version"]


def test_random_edits_of_a_valid_spec_never_end_in_anything_but_problems(
    faults: Faults, full_text: str
) -> None:
    chosen = random.Random(2)
    pieces = "{}[]:,&*!|>'\"%@`#-?~ \n\t${}.0e9\x00\x85é\ud800\u2028" + "abl"
    seen: set[str] = set()
    for _ in range(300):
        text = list(full_text)
        for _ in range(chosen.choice((1, 1, 2, 5))):
            place = chosen.randrange(len(text))
            end = place + chosen.choice((0, 1, 1, 4, 40))
            text[place:end] = chosen.choices(pieces, k=chosen.choice((0, 1, 1, 3)))
        for problem in faults("".join(text)):
            seen.add(problem.code)
            assert problem.source is not None
            assert problem.source.line is not None
            assert problem.help
    assert len(seen) >= 8


@pytest.mark.parametrize("whole", [0, 1, 7, 300, 900])
def test_a_truncated_spec_is_valid_or_a_problem(faults: Faults, full_text: str, whole: int) -> None:
    for problem in faults(full_text[:whole]):
        assert problem.source is not None
        assert problem.source.line is not None


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (b"version: 1\nname: \xff\n", "not-utf8", (2, 7)),
        (b"\xc3\xa9: \xed\xa0\x80\n", "not-utf8", (1, 4)),
        ("version: 1\n".encode("utf-16"), "not-utf8", (1, 1)),
        ("version: 1\n".encode("utf-16-be"), "control-character", (1, 1)),
        (b"\xfe\xff\x00v", "not-utf8", (1, 1)),
        (b"version: 1\n# \x00\n", "control-character", (2, 3)),
        (b"version: 1\r\na: \x1b[31m\n", "control-character", (2, 4)),
        ("a: b\u2028c\n".encode(), "control-character", (1, 5)),
        (b"PK\x03\x04" + bytes(50), "control-character", (1, 3)),
        (b"#" * (1 << 20) + b"\n", "spec-too-large", (1, 1)),
    ],
)
def test_a_file_that_is_no_text_cannot_be_read(
    tmp_path: Path, data: bytes, code: str, place: tuple[int, int]
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        load_spec(str(path))
    (problem,) = caught.value.problems
    assert problem.source is not None
    assert (problem.code, (problem.source.line, problem.source.column)) == (code, place)
    assert problem.help


def test_a_byte_order_mark_is_no_part_of_the_first_line(load: Load) -> None:
    spec = load("\ufeffversion: 1\ncompile: {loss: mse}\n")
    assert spec.compile is not None
    assert spec.compile.source.line == 2


def test_a_fifo_a_folder_and_a_missing_file_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", ".", "missing", "a\0b"):
        with pytest.raises(InputError) as caught:
            load_spec(str(tmp_path / name))
        assert caught.value.problems[0].code == "unreadable-spec"


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_parameter_reaches_each_spec_that_declares_it(tmp_path: Path) -> None:
    declares = "version: 1\nparameters: {lr: 1}\ncompile: {optimizer: {learning_rate: '${lr}'}}\n"
    paths = [
        write(tmp_path, "a.yaml", declares),
        write(tmp_path, "b.yaml", "version: 1\ncompile: {loss: mse}\n"),
        write(tmp_path, "c.yaml", declares),
    ]
    specs = load_specs(paths, {"lr": 0.5})
    optimizers = [spec.compile.optimizer for spec in specs if spec.compile]
    assert [o.data if o else None for o in optimizers] == [
        {"learning_rate": 0.5},
        None,
        {"learning_rate": 0.5},
    ]


def test_a_parameter_that_no_spec_declares_is_a_problem(tmp_path: Path) -> None:
    declares = "version: 1\nparameters: {rate: mse}\ncompile: {loss: '${rate}'}\n"
    path = write(tmp_path, "a.yaml", declares)
    with pytest.raises(AnswerIsNo) as caught:
        load_specs([path], {"rat": 1})
    (problem,) = caught.value.problems
    assert problem.code == "undeclared-parameter"
    assert problem.help == "did you mean 'rate'?"


def test_the_problems_of_all_specs_come_together(tmp_path: Path) -> None:
    paths = [
        write(tmp_path, "a.yaml", "version: 3\n"),
        str(tmp_path / "missing.yaml"),
        write(tmp_path, "z.yaml", "a: *b\n"),
    ]
    with pytest.raises(InputError) as caught:
        load_specs(paths)
    assert {p.code for p in caught.value.problems} == {
        "missing-key",
        "unknown-version",
        "unreadable-spec",
        "unknown-alias",
    }


def test_standard_input_is_read_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_specs(["-", "-"])


def test_every_example_spec_is_valid(project_root: Path) -> None:
    examples = sorted((project_root / "specs").glob("*.yaml"))
    assert examples
    for path in examples:
        try:
            load_spec(str(path))
        except KoverError as error:
            pytest.fail(f"{path}: {error}")
