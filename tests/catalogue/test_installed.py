"""The installed Keras is told by a file, and what it lacks is refused at its place."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kover.catalogue.installed import installed_keras

SPEC = """\
version: 1
overrides:
  - layers: dense_a
    set:
      activation: relu
      quantization_config: {class: Int8QuantizationConfig}
      kernel_initializer: {class: HeNormal, input_axes: [0]}
  - layers: dense_b
    set: {kernel_initializer.output_axes: 1}
  - layers: {class: Dense}
    set: {quantization_config: null}
compile:
  optimizer: ScheduleFreeAdamW
"""
AT = (
    "'dense_a' is a Dense, which takes 'quantization_config' from Keras 3.13 on",
    "kernel_initializer is HeNormal, which takes 'input_axes' from Keras 3.15 on",
    "'kernel_initializer' of 'dense_b' is GlorotUniform, which takes 'output_axes' "
    "from Keras 3.15 on",
    "'dense_a' is a Dense, which takes 'quantization_config' from Keras 3.13 on",
    "optimizer is 'ScheduleFreeAdamW', which exists from Keras 3.14 on",
)


def test_it_is_the_version_that_the_package_says() -> None:
    try:
        expected = importlib.metadata.version("keras")
    except importlib.metadata.PackageNotFoundError:
        expected = None
    assert installed_keras() == expected


@pytest.fixture
def with_keras(tmp_path: Path) -> Callable[[str | None], dict[str, str]]:
    """An environment in which another Keras comes first; it fails when it is imported."""

    def make(version: str | None) -> dict[str, str]:
        source = tmp_path / "packages" / "keras" / "src"
        source.mkdir(parents=True)
        (source.parent / "__init__.py").write_text("raise ImportError('kover imported keras')\n")
        text = "# nothing\n" if version is None else f'__version__ = "{version}"\n'
        (source / "version.py").write_text(text)
        return {"PYTHONPATH": str(tmp_path / "packages")}

    return make


def problems_of(done: subprocess.CompletedProcess[str]) -> list[tuple[Any, ...]]:
    found = json.loads(done.stdout)["problems"]
    return [(p["line"], p["column"], p["code"], p["message"], p["help"]) for p in found]


def test_what_an_older_keras_lacks_is_refused_at_its_place(
    tiny_archive: Path, tmp_path: Path, run_kover: Any, with_keras: Any
) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    done = run_kover(
        *("validate", "spec.yaml", "--model", tiny_archive.name, "--format", "json"),
        cwd=tmp_path,
        env=with_keras("3.12.1"),
    )
    assert done.returncode == 1, done.stderr
    found = problems_of(done)
    assert [(line, column) for line, column, *_ in found] == [
        (6, 7),
        (7, 45),
        (9, 11),
        (11, 11),
        (13, 14),
    ]
    for (_, _, code, message, help), start in zip(found, AT, strict=True):
        assert code == "keras-too-old"
        assert message == f"{start}; Keras 3.12.1 is installed here"
        assert help.startswith("install keras 3.")
        assert "or newer" in help


@pytest.mark.parametrize("version", ["3.15.1", "3.99.0", None])
def test_a_keras_that_has_it_or_does_not_tell_takes_it(
    version: str | None, tiny_archive: Path, tmp_path: Path, run_kover: Any, with_keras: Any
) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    command = ("validate", "spec.yaml", "--model", tiny_archive.name)
    done = run_kover(*command, cwd=tmp_path, env=with_keras(version))
    assert done.returncode == 0, done.stderr


def test_what_is_gone_from_keras_says_where_it_was(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Any, run_kover: Any, with_keras: Any
) -> None:
    optimizer = tiny_config["compile_config"]["optimizer"]
    tiny_config["compile_config"]["optimizer"] = {
        "module": "keras.optimizers",
        "class_name": "LossScaleOptimizer",
        "config": {"name": "loss_scale_optimizer", "inner_optimizer": optimizer},
        "registered_name": None,
    }
    archive_of(tmp_path / "model.keras", tiny_config)
    given = "{class: LossScaleOptimizer, inner_optimizer: adam, clipnorm: 1}"
    spec = f"version: 1\ncompile:\n  optimizer: {given}\n"
    (tmp_path / "spec.yaml").write_text(spec)
    command = ("validate", "spec.yaml", "--model", "model.keras", "--format", "json")
    done = run_kover(*command, cwd=tmp_path, env=with_keras("3.15.1"))
    assert problems_of(done) == [
        (
            3,
            14 + given.index("clipnorm"),
            "unknown-argument",
            "optimizer is LossScaleOptimizer, which takes 'clipnorm' up to Keras 3.11; "
            "Keras 3.15.1 is installed here",
            "leave it out",
        )
    ]


def test_without_a_keras_the_newest_counts() -> None:
    code = (
        "import sys; sys.path = [p for p in sys.path if 'site-packages' not in p]; "
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r}); "
        "from kover.catalogue import catalogue; from kover.catalogue.spans import told; "
        "from kover.catalogue.versions import Span; "
        "assert catalogue().running is None; "
        "assert 'quantization_config' in catalogue().layer('Dense').arguments; "
        "print(told(Span(None, '3.11')))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("up to Keras 3.11; none is installed here, so this goes by 3.")
