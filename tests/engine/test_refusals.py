"""Which of several settings Keras is said to have refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from kover.applying import ApplyRequest, apply
from kover.errors import KerasError

pytestmark = pytest.mark.keras


@pytest.fixture
def model(tmp_path: Path) -> Path:
    import keras

    keras.backend.clear_session(free_memory=False)
    made = keras.Sequential(
        [
            keras.Input((8, 4)),
            keras.layers.Conv1D(4, 3, name="conv"),
            keras.layers.Permute((2, 1), name="turn"),
        ]
    )
    path = tmp_path / "model.keras"
    made.save(path)
    return path


def refusal(model: Path, text: str) -> list[tuple[int | None, int | None, str, str]]:
    """Line, column, code and message of each problem; nothing was written."""
    spec = model.with_name("spec.yaml")
    spec.write_text(f"version: 1\n{text}")
    output = model.with_name("out.keras")
    with pytest.raises(KerasError) as caught:
        apply(ApplyRequest(str(model), (str(spec),), output=str(output)))
    assert {path.name for path in model.parent.iterdir()} == {"model.keras", "spec.yaml"}
    found = caught.value.problems
    assert all(problem.source and problem.source.path == str(spec) for problem in found)
    assert all(problem.help for problem in found)
    return [(p.source.line, p.source.column, p.code, p.message) for p in found if p.source]


def test_the_setting_without_which_keras_makes_the_layer_is_to_blame(model: Path) -> None:
    text = """\
overrides:
  - layers: conv
    set:
      activation: relu
      kernel_regularizer: {l2: 0.1}
      groups: 3
      use_bias: false
    reinitialize: true
"""
    ((line, column, code, message),) = refusal(model, text)
    assert (line, column, code) == (7, 15, "keras-refuses-layer")
    assert "'conv'" in message


def test_where_no_single_setting_is_to_blame_all_are_named(model: Path) -> None:
    text = """\
overrides:
  - layers: conv
    set: {groups: 3, padding: valid}
    reinitialize: true
  - layers: conv
    set: {filters: 5}
"""
    ((line, _, code, _),) = refusal(model, text)
    assert (line, code) == (4, "keras-refuses-layer")


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("metrics: [accuracy, {class: IoU, num_classes: 2, target_class_ids: [7]}]", "metrics"),
        ("metrics: {turn: {class: AUC, num_labels: 3}}", "metrics"),
    ],
)
def test_a_part_of_compile_that_keras_cannot_make_is_to_blame(
    model: Path, part: str, name: str
) -> None:
    text = f"""\
overrides:
  - layers: conv
    set: {{activation: relu}}
compile:
  optimizer: adam
  loss: mse
  {part}
"""
    ((line, column, code, message),) = refusal(model, text)
    assert (line, column, code) == (8, part.index(" ") + 4, "keras-refuses-model")
    assert f"compile.{name}" in message


def test_what_does_not_fit_together_is_told_of_all_of_it(model: Path) -> None:
    text = "overrides:\n  - layers: turn\n    set: {dims: [1, 3, 2]}\n"
    ((line, _, code, _),) = refusal(model, text)
    assert line == 4
    assert code.startswith("keras-refuses-")
