"""`kover show` and `kover init` as commands."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kover.cli.main import run

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_model_is_a_table(tiny_archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(tiny_archive)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["dense_a", "Dense", "(None,", "3)", "15", "units=3", "activation=relu"] in lines
    assert ["optimizer", "Adam(learning_rate=0.001)"] in lines
    assert ["optimizer", "state", "8", "slots,", "5", "steps", "taken"] in lines


def test_a_layer_is_its_config_in_the_form_of_specs(
    tiny_archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", str(tiny_archive), "dense_a"]) == 0
    said = capsys.readouterr().out
    assert "  units:                3\n" in said
    assert "kernel_initializer:   GlorotUniform" in said
    assert "kernel_regularizer:   null            # the default\n" in said


def test_a_layer_is_a_page_as_well(tiny_archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(tiny_archive), "dense_a", "--format", "html"]) == 0
    said = capsys.readouterr().out
    assert "<h1>dense_a</h1>" in said
    assert "<td><code>units</code></td><td><code>3</code></td>" in said
    assert "<td><code>kernel</code></td><td><code>(4, 3)</code></td>" in said
    assert "<svg" not in said.partition("<script>")[0]


@pytest.mark.parametrize("layer", [[], ["dense_a"]])
def test_json_is_data(
    layer: list[str], tiny_archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", str(tiny_archive), *layer, "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    found = data if layer else next(x for x in data["layers"] if x["layer"] == "dense_a")
    assert (found["parameters"], found["output_shape"]) == (15, [None, 3])


def test_a_layer_that_is_not_there_exits_2(
    tiny_archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", str(tiny_archive), "dense_c"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "error[unknown-layer]: there is no layer 'dense_c'" in printed.err
    assert "did you mean" in printed.err


def test_a_starter_spec_applies_as_it_is(tiny_archive: Path, run_kover: Run) -> None:
    folder = tiny_archive.parent
    assert run_kover("init", tiny_archive, "-o", "s.yaml", cwd=folder).returncode == 0
    again = run_kover("init", tiny_archive, "-o", "s.yaml", cwd=folder)
    assert again.returncode == 2
    assert run_kover("init", tiny_archive, "-o", "s.yaml", "--force", cwd=folder).returncode == 0
    assert run_kover("validate", "s.yaml", "--model", tiny_archive, cwd=folder).returncode == 0
    done = run_kover("apply", tiny_archive, "s.yaml", "--verify", "none", cwd=folder)
    assert done.returncode == 0, done.stderr
    differ = run_kover("diff", "--exit-code", tiny_archive, "tiny.s.keras", cwd=folder)
    assert (differ.returncode, differ.stderr) == (0, "")


def on_a_terminal(*arguments: str, **env: str) -> tuple[int, str]:
    """Run kover with a terminal of 60 columns and 10 lines for all three streams."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "kover", *arguments],
        stdin=child,
        stdout=child,
        stderr=child,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "60", "LINES": "10", **env},
    )
    os.close(child)
    read, deadline = b"", time.monotonic() + 30
    while time.monotonic() < deadline:
        ready, _, _ = select.select([parent], [], [], 0.2)
        try:
            piece = os.read(parent, 65536) if ready else b"-"
        except OSError:
            break
        read += piece if ready else b""
        if not ready and process.poll() is not None:
            break
    os.close(parent)
    return process.wait(timeout=20), read.decode()


def test_a_terminal_gets_colours_its_width_and_a_pager(tiny_archive: Path) -> None:
    code, said = on_a_terminal("show", str(tiny_archive), PAGER="sed s/^/paged:/")
    assert code == 0
    assert "paged:" in said
    assert "\x1b[" in said
    plain = on_a_terminal("show", str(tiny_archive), PAGER="cat", NO_COLOR="1")[1]
    assert "\x1b[3" not in plain
    rows = plain.splitlines()
    (place,) = [place for place, row in enumerate(rows) if "dense_a" in row]
    assert rows[place + 1].split() == ["units=3", "activation=relu"]
    assert all(len(row) <= 60 for row in rows[place : place + 2])


def test_a_pipe_gets_everything_and_plain(tiny_archive: Path, run_kover: Run) -> None:
    done = run_kover("show", tiny_archive, env={"COLUMNS": "40", "LINES": "3"})
    assert "\x1b" not in done.stdout
    assert "units=3 activation=relu" in done.stdout


def test_a_reader_that_has_gone_ends_it_quietly(
    tmp_path: Path, tiny_config: dict[str, Any], archive_of: Any
) -> None:
    tiny_config["config"]["layers"] += [
        {
            "module": "keras.layers",
            "class_name": "ReLU",
            "config": {"name": f"relu_{number}"},
            "registered_name": None,
        }
        for number in range(3_000)
    ]
    archive_of(tmp_path / "m.keras", tiny_config)
    kover = f'"{sys.executable}" -P -m kover'
    for command in ("show m.keras", "diff m.keras m.keras --all", "git textconv m.keras"):
        done = subprocess.run(
            f"{kover} {command} | head -1",
            shell=True,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert (len(done.stdout.splitlines()), done.stderr) == (1, ""), command
