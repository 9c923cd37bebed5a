"""A dry run refuses what the real one would refuse, as far as that is known without Keras."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Kover = Callable[..., Any]

HEAD = "version: 1\noverrides:\n- layers: dense_b\n"
UNITS = f"{HEAD}  set: {{units: 3}}\n"
RATE = f"{HEAD}  learning_rate: 0.1\n"
REFUSED: dict[str, tuple[str, list[str], str, int]] = {
    "a shape without consent": (UNITS, [], "needs-reinitialize", 1),
    "a bias that goes": (f"{HEAD}  set: {{use_bias: false}}\n", [], "needs-reinitialize", 1),
    "a shape without consent, and the warning switched off": (
        f"{UNITS}lint: {{off: [needs-reinitialize]}}\n", [], "needs-reinitialize", 1,
    ),
    "re-creating without Keras": (
        f"{UNITS}  reinitialize: true\n", ["--verify", "none"], "needs-keras", 2,
    ),
    "rates without Keras": (RATE, ["--verify", "none"], "needs-keras", 2),
}  # fmt: skip


def codes(said: str) -> list[str]:
    return re.findall(r"error\[([a-z-]+)\]", said)


@pytest.fixture
def refuses(here: Path, kover: Kover) -> Callable[..., None]:
    def check(spec: str, more: list[str], code: str, status: int) -> None:
        (here / "spec.yaml").write_text(spec)
        done = kover("apply", "tiny.keras", "spec.yaml", "--dry-run", *more)
        assert (done.code, done.out) == (status, ""), done.err
        assert codes(done.err) == [code]
        assert "help: " in done.err
        assert [path.name for path in here.iterdir() if "spec." in path.name] == ["spec.yaml"]

    return check


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses_what_is_certain(name: str, refuses: Callable[..., None]) -> None:
    refuses(*REFUSED[name])


@pytest.mark.keras
@pytest.mark.parametrize("name", REFUSED)
def test_the_real_run_refuses_the_same(name: str, here: Path, kover: Kover) -> None:
    spec, more, code, status = REFUSED[name]
    (here / "spec.yaml").write_text(spec)
    done = kover("apply", "tiny.keras", "spec.yaml", *more)
    assert (done.code, codes(done.err)) == (status, [code])


@pytest.mark.parametrize("dry", [pytest.param(False, marks=pytest.mark.keras), True])
def test_rates_of_an_uncompiled_model(
    dry: bool, here: Path, kover: Kover, tiny_config: dict[str, Any], archive_of: Any
) -> None:
    del tiny_config["compile_config"]
    archive_of(here / "tiny.keras", tiny_config)
    (here / "spec.yaml").write_text(RATE)
    done = kover("apply", "tiny.keras", "spec.yaml", *["--dry-run"] * dry)
    assert (done.code, codes(done.err)) == (1, ["not-compiled"])


@pytest.mark.parametrize("dry", [pytest.param(False, marks=pytest.mark.keras), True])
def test_an_archive_without_weights(dry: bool, here: Path, kover: Kover) -> None:
    with zipfile.ZipFile(here / "tiny.keras") as whole:
        kept = {name: whole.read(name) for name in ("metadata.json", "config.json")}
    with zipfile.ZipFile(here / "tiny.keras", "w") as archive:
        for name, data in kept.items():
            archive.writestr(name, data)
    done = kover("apply", "tiny.keras", "spec.yaml", *["--dry-run"] * dry)
    assert (done.code, codes(done.err)) == (2, ["missing-weights"])


@pytest.mark.parametrize(
    "spec",
    [
        f"{UNITS}  reinitialize: true\n",
        f"{HEAD}  set: {{units: 2}}\n",
        f"{HEAD}  set: {{activation: relu}}\n",
        RATE,
    ],
)
def test_it_refuses_nothing_else(spec: str, here: Path, kover: Kover) -> None:
    (here / "spec.yaml").write_text(spec)
    assert kover("apply", "tiny.keras", "spec.yaml", "--dry-run").code == 0


def test_it_warns_of_what_an_edit_alone_would_warn_of(here: Path, kover: Kover) -> None:
    (here / "spec.yaml").write_text(UNITS)
    alone = ["--verify", "none"]
    dry = kover("apply", "tiny.keras", "spec.yaml", "--dry-run", *alone)
    assert dry.code == 0
    real = kover("apply", "tiny.keras", "spec.yaml", *alone)
    assert "weights-not-followed" in dry.out + dry.err
    assert "weights-not-followed" in real.out + real.err
