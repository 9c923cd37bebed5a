"""Every family of `keras.applications`: half frozen, regularised, with a new head."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ALWAYS = ["MobileNet", "MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "DenseNet121"]
ON_REQUEST = [
    *["EfficientNetV2B0", "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16", "Xception"],
    *["InceptionV3", "InceptionResNetV2", "ConvNeXtTiny"],
]
SPEC = """\
version: 1
overrides:
  - layers: {{index: ":{frozen}"}}
    set: {{trainable: false}}
  - layers: {{class: "*Conv*", has: kernel_regularizer}}
    set: {{kernel_regularizer: {{l2: 1e-4}}}}
  - layers: {{class: "*Conv*", has: depthwise_regularizer}}
    set: {{depthwise_regularizer: {{l2: 1e-4}}}}
    expect: {{min: 0}}
  - layers: {{class: "*Conv*", has: pointwise_regularizer}}
    set: {{pointwise_regularizer: {{l2: 1e-4}}}}
    expect: {{min: 0}}
  - layers: predictions
    was: {{units: 10}}
    set: {{units: 7}}
    reinitialize: true
"""

Ask = Callable[..., Any]

pytestmark = [pytest.mark.keras, pytest.mark.slow]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Ask a process that has Keras, and no kover: `ask("make", name=..., path=...)`."""
    with subprocess.Popen(
        [sys.executable, "-P", HERE / "plain" / "applications.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        questions, answers = process.stdin, process.stdout

        def question(function: str, **arguments: object) -> Any:
            questions.write(json.dumps([function, arguments], default=str) + "\n")
            questions.flush()
            answer = json.loads(answers.readline() or '{"error": "the process has ended"}')
            assert "error" not in answer, answer["error"]
            return answer["result"]

        yield question
        questions.close()


def check_family(name: str, ask: Ask, folder: Path) -> None:
    from kover.applying import ApplyRequest, apply

    model, spec, output = folder / "model.keras", folder / "spec.yaml", folder / "out.keras"
    started = time.perf_counter()
    facts = ask("make", name=name, path=model)
    made = time.perf_counter()
    frozen = facts["layers"][: len(facts["layers"]) // 2]
    spec.write_text(SPEC.format(frozen=len(frozen)))
    result = apply(ApplyRequest(str(model), (str(spec),), output=str(output)))
    applied = time.perf_counter()
    assert ask("judge", before=model, after=output, frozen=frozen, classes=7) == []
    print(
        f"{name}: {model.stat().st_size / 1e6:.0f} MB, made {made - started:.1f} s, "
        f"applied {applied - made:.1f} s, judged {time.perf_counter() - applied:.1f} s"
    )
    assert result.report is not None
    weights = result.report.diff.weights
    assert weights is not None
    assert {each.layer for each in weights.changed} == {"predictions"}


@pytest.mark.parametrize("name", ALWAYS)
def test_a_family_keeps_what_it_learned(name: str, ask: Ask, tmp_path: Path) -> None:
    check_family(name, ask, tmp_path)


@pytest.mark.skipif(
    "KOVER_ALL_APPLICATIONS" not in os.environ,
    reason="large; set KOVER_ALL_APPLICATIONS=1 to run them too",
)
@pytest.mark.parametrize("name", ON_REQUEST)
def test_a_large_family_keeps_what_it_learned(name: str, ask: Ask, tmp_path: Path) -> None:
    check_family(name, ask, tmp_path)
    (tmp_path / "model.keras").unlink()
    (tmp_path / "out.keras").unlink()
