"""Completion in real shells: bash, zsh and fish. A shell that is not installed is skipped."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

READY = "ready-to-type"
ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|.\x08|\r|\x07")


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    tools = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "TERM": "xterm",
    }


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def output_of(command: list[str], environment: Mapping[str, str], folder: Path) -> list[str]:
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.split("\n")


CASES = [
    ("kover val", "validate"),
    ("kover validate --form", "--format"),
    ("kover validate --format sa", "sarif"),
    ("kover explain unknown-lay", "unknown-layer"),
]


@pytest.mark.parametrize(("line", "wanted"), CASES)
def test_bash_completes(
    line: str, wanted: str, environment: Mapping[str, str], tmp_path: Path
) -> None:
    script = (
        'eval "$(_KOVER_COMPLETE=bash_source kover)"\n'
        f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        "_kover_completion kover; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    found = output_of([shell("bash"), "-c", script], environment, tmp_path)
    assert wanted in found


@pytest.mark.parametrize(("line", "wanted"), CASES)
def test_fish_completes(
    line: str, wanted: str, environment: Mapping[str, str], tmp_path: Path
) -> None:
    script = f"_KOVER_COMPLETE=fish_source kover | source; complete -C '{line}'"
    found = output_of([shell("fish"), "-N", "-c", script], environment, tmp_path)
    assert wanted in [row.split("\t")[0] for row in found]


FILES = [
    *("validate tun", "validate --model tun", "show tun", "diff tun", "diff tuned.keras tun"),
    *("init tun", "init -o tun", "apply tun", "apply m.keras tun", "apply -o tun"),
    *("apply --report tun", "apply --plan tun", "apply --save-spec tun", "apply --import tun"),
    *("schema --model tun",),
]
"""Lines that end in a part of a file's name, whatever the file is."""


@pytest.mark.parametrize("line", FILES)
def test_fish_completes_files(line: str, environment: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "tuned.keras").touch()
    script = f"_KOVER_COMPLETE=fish_source kover | source; complete -C 'kover {line}'"
    found = output_of([shell("fish"), "-N", "-c", script], environment, tmp_path)
    assert "tuned.keras" in [row.split("\t")[0] for row in found]


ZSH = ("-f", "-i"), "autoload -Uz compinit; compinit -u -D; "
BASH = ("--norc", "--noprofile", "-i"), "bind 'set enable-bracketed-paste off'; "


@pytest.mark.parametrize("line", ["validate tun", "show tun", "diff m.keras tun", "init tun"])
@pytest.mark.parametrize(("name", "start"), [("bash", BASH), ("zsh", ZSH)])
def test_a_shell_completes_files(
    name: str,
    start: tuple[tuple[str, ...], str],
    line: str,
    environment: Mapping[str, str],
    tmp_path: Path,
) -> None:
    (tmp_path / "tuned.keras").touch()
    typed_in(name, start, f"kover {line}", "tuned.keras", environment, tmp_path)


@pytest.mark.parametrize(("line", "wanted"), CASES)
def test_zsh_completes(
    line: str, wanted: str, environment: Mapping[str, str], tmp_path: Path
) -> None:
    typed_in("zsh", ZSH, line, wanted, environment, tmp_path)


def typed_in(
    name: str,
    start: tuple[tuple[str, ...], str],
    line: str,
    wanted: str,
    environment: Mapping[str, str],
    folder: Path,
) -> None:
    """Type a line and a tab into a shell in a terminal; wait until a text stands there."""
    program = shell(name)
    options, before = start
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [program, *options],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )
    try:
        setup = (
            f'{before}eval "$(_KOVER_COMPLETE={name}_source kover)"; '
            "PS1='> '; echo ready-to'-type'\n"
        )
        os.write(terminal, setup.encode())
        read_until(terminal, READY)
        os.write(terminal, f"{line}\t".encode())
        read_until(terminal, wanted)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(inner)


def read_until(terminal: int, wanted: str) -> None:
    """Read what the terminal shows until a text stands in it."""
    shown, ends = "", time.monotonic() + 30
    while wanted not in ANSI.sub("", shown):
        ready, _, _ = select.select([terminal], [], [], max(ends - time.monotonic(), 0))
        assert ready, f"no {wanted!r} in {shown!r}"
        shown += os.read(terminal, 4096).decode(errors="replace")
