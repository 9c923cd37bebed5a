"""Fresh values: the same wherever they are made, and what the initializer says."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

Apply = Callable[..., Any]
Facts = Callable[..., Any]
MakeModel = Callable[..., Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

EVERYTHING = """
overrides:
  - {layers: "*", reinitialize: true}
  - {layers: idle, set: {rate: 0.5}}
  - {layers: dense_2, set: {use_bias: true}}
"""


def stored(path: Path) -> dict[str, Any]:
    """Every array of a file, by whose it is."""
    from kover.archive.reader import open_archive
    from kover.engine.twin import build_twin

    with open_archive(path) as archive:
        weights = archive.weights()
        assert weights is not None
        return {
            str(key): b"".join(weights.chunks(weights.arrays[array.places[0]]))
            for key, array in build_twin(archive.config).variables().items()
            if array.places
        }


@pytest.fixture(scope="module")
def model(zoo: Mapping[str, Path]) -> Path:
    """Layers of many kinds, under an optimizer with an unnamed variable."""
    return zoo["Nadam"]


@pytest.fixture(scope="module")
def fresh(model: Path, apply: Apply) -> Path:
    """All layers made anew, in this process."""
    path: Path = apply(model, EVERYTHING).path
    return path


def test_another_process_writes_the_same_bytes(
    model: Path, fresh: Path, run_kover: Run, tmp_path: Path
) -> None:
    spec, output = tmp_path / "spec.yaml", tmp_path / "output.keras"
    spec.write_text(f"version: 1\n{EVERYTHING}", encoding="utf-8")
    done = run_kover("apply", model, spec, "-o", output)
    assert done.returncode == 0, done.stderr
    assert differing(fresh, output) == []
    assert fresh.read_bytes() == output.read_bytes()


def differing(one: Path, other: Path) -> list[str]:
    old, new = stored(one), stored(other)
    return [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]


def test_the_same_process_writes_the_same_bytes_again(
    model: Path, fresh: Path, apply: Apply
) -> None:
    assert apply(model, EVERYTHING).path.read_bytes() == fresh.read_bytes()


def test_fresh_values_do_not_depend_on_what_else_is_made_anew(
    model: Path, fresh: Path, apply: Apply
) -> None:
    some = ("lstm", "heads", "einsum", "both/backward_inner", "nested/deep")
    alone = stored(
        apply(model, f"overrides: [{{layers: [{', '.join(some)}], reinitialize: true}}]").path
    )
    before, everything = stored(model), stored(fresh)
    chosen = [name for name in alone if name.startswith(some) and name in everything]
    assert len(chosen) > 12
    assert [name for name in chosen if alone[name] != everything[name]] == []
    others = set(alone) - set(chosen)
    assert [name for name in others if alone[name] != before[name]] == []


def test_every_layer_and_every_seed_draws_other_values(
    make_model: MakeModel, apply: Apply, facts: Facts
) -> None:
    model = make_model("nested")
    drawn = [
        facts(apply(model, f"overrides: [{{layers: '*', reinitialize: {seed}}}]").path)["values"]
        for seed in ("true", "{seed: 0}", "{seed: 7}")
    ]
    assert drawn[0] == drawn[1]
    kernels = [values[f"{layer}/kernel"] for values in drawn[1:] for layer in ("a", "bb/a", "bb/b")]
    assert all(one != other for n, one in enumerate(kernels) for other in kernels[:n])


@pytest.fixture(scope="module")
def wide(make_model: MakeModel, apply: Apply, facts: Facts) -> Any:
    """Variables made by initializers that the spec names."""
    written = apply(
        make_model("wide"),
        """
overrides:
  - layers: one
    set: {kernel_initializer: he_normal, bias_initializer: {class: Constant, value: 0.25}}
    reinitialize: true
  - layers: two
    set: {kernel_initializer: orthogonal}
    reinitialize: true
  - {layers: [lstm, norm, head], reinitialize: true}
""",
    )
    found = facts(written.path)
    assert found["warnings"] == []
    return found["values"]


@pytest.mark.needs_backend("tensorflow", "jax")  # torch cuts a normal off farther out
def test_the_numbers_are_distributed_as_the_initializer_says(wide: Any) -> None:
    import numpy as np

    kernel = np.array(wide["one/kernel"])
    assert kernel.shape == (200, 300)
    assert abs(kernel.mean()) < 2e-3
    assert kernel.std() == pytest.approx((2 / 200) ** 0.5, rel=0.02)
    assert np.abs(kernel).max() < 2.3 * (2 / 200) ** 0.5
    uniform = np.array(wide["lstm/kernel"])
    assert np.abs(uniform).max() <= (6 / (10 + 32)) ** 0.5
    assert set(wide["one/bias"]) == {0.25}
    assert set(wide["two/bias"]) == {0}


def test_an_orthogonal_kernel_is_orthogonal(wide: Any) -> None:
    import numpy as np

    kernel = np.array(wide["two/kernel"])
    assert np.allclose(kernel @ kernel.T, np.eye(300), atol=1e-5)
    recurrent = np.array(wide["lstm/recurrent_kernel"])
    assert np.allclose(recurrent @ recurrent.T, np.eye(8), atol=1e-5)


def test_a_lstm_forgets_nothing_at_first(wide: Any) -> None:
    assert wide["lstm/bias"] == [0] * 8 + [1] * 8 + [0] * 16


def test_averages_of_a_normalisation_start_as_keras_starts_them(wide: Any) -> None:
    assert {name: set(wide[f"norm/{name}"]) for name in ("gamma", "moving_variance")} == {
        "gamma": {1}, "moving_variance": {1},
    }  # fmt: skip
    assert {name: set(wide[f"norm/{name}"]) for name in ("beta", "moving_mean")} == {
        "beta": {0}, "moving_mean": {0},
    }  # fmt: skip


def test_variables_that_are_not_named_keep_their_values(
    make_model: MakeModel, apply: Apply, facts: Facts
) -> None:
    model = make_model("mixed")
    done = apply(model, "overrides: [{layers: norm, variables: 'moving_*', reinitialize: true}]")
    before, after = facts(model)["values"], facts(done.path)["values"]
    assert {name for name in before if before[name] != after[name]} == {
        "norm/moving_mean", "norm/moving_variance",
    }  # fmt: skip


def test_the_archive_holds_no_trace_of_the_process(fresh: Path, model: Path) -> None:
    with zipfile.ZipFile(fresh) as new, zipfile.ZipFile(model) as old:
        times = {info.date_time for info in old.infolist()} | {(1980, 1, 1, 0, 0, 0)}
        assert {info.date_time for info in new.infolist()} <= times
        assert new.namelist() == old.namelist()
