"""A valid spec that uses every part of the language, and ways to load a spec from text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kover.errors import KoverError
from kover.problems import Problem
from kover.spec.document import Spec
from kover.spec.loading import load_spec
from kover.values import JSON

FULL = """\
# yaml-language-server: $schema=../schemas/spec.schema.json
$schema: ../schemas/spec.schema.json
version: 1
description: "Head at ${head_lr}, price $${5}."

parameters:
  head_lr: 1e-3
  units: 10
  frozen: true
  stem: "conv1_*"
  decay: {multiply: 0.5}
  classes: [Dense, Conv2D]

model:
  name: resnet50
  class: Functional
  keras_version: ">=3.5,<4"
  sha256: 4be1c0ffee4be1c0ffee4be1c0ffee4be1c0ffee4be1c0ffee4be1c0ffee4be1

overrides:
  - layers: "conv[1-3]_*"
    set: {trainable: false}
  - layers: [stem, {class: [Conv2D, "my_pkg>*"], not: "${stem}"}]
    description: the blocks
    set:
      kernel_regularizer: {l2: 1e-4}
      kernel_initializer.seed: 7
    unset: [bias_regularizer, activity_regularizer]
  - layers: {class: Dropout, where: {rate: [0.0, 0.1]}, has: rate, index: ":100", trainable: true}
    set: {rate: 0.3}
    expect: {min: 0}
  - layers: {from: block1, to: block4/pool, any: [{name: "a*"}, {path: "x/**"}], index: -1}
    unset: activation
    expect: 3
  - layers: predictions
    was: {units: 1000}
    set: {units: "${units}", activation: sigmoid, trainable: "${frozen}"}
    reinitialize: {seed: 7}
    learning_rate: "${head_lr}"
    weight_decay: "${decay}"
    variables: [kernel, "gam*"]
  - layers: {class: "${classes}"}
    reinitialize: true
    learning_rate: {multiply: 10}
    weight_decay: 0

compile:
  optimizer: {class: AdamW, learning_rate: "${head_lr}", weight_decay: 0.01}
  optimizer_state: reset
  loss: {main: binary_crossentropy, aux: {class: Huber, delta: 0.5}}
  loss_weights: {main: 1.0, aux: 0.3}
  metrics: [accuracy, {class: AUC, name: auc}]
  weighted_metrics: null
  run_eagerly: false
  steps_per_execution: 4
  jit_compile: auto
  auto_scale_loss: true
  layer_decay: {rate: 0.75, floor: 0.01, groups: [stem, "block*", {class: Dense}]}
"""

Load = Callable[..., Spec]
Faults = Callable[..., tuple[Problem, ...]]


@pytest.fixture
def full_text() -> str:
    """A valid spec that uses every key of the language."""
    return FULL


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a spec from its text."""

    def load_text(text: str, parameters: Mapping[str, JSON] | None = None) -> Spec:
        path = tmp_path / "spec.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return load_spec(str(path), parameters)

    return load_text


@pytest.fixture
def faults(load: Load) -> Faults:
    """The problems of a spec from its text; none when it is valid."""

    def problems_of(text: str, parameters: Mapping[str, JSON] | None = None) -> tuple[Problem, ...]:
        try:
            load(text, parameters)
        except KoverError as error:
            return error.problems
        return ()

    return problems_of
