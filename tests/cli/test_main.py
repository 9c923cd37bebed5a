"""The command line as a process: exit codes, streams, signals, and what is imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from kover import __version__
from kover.cli.main import COMMANDS, group, run
from kover.errors import AnswerIsNo, InputError, KerasError
from kover.source import Source

Run = Callable[..., "subprocess.CompletedProcess[str]"]
VALID = "version: 1\ncompile: {loss: mse}\n"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make `kover show` a command that raises."""

    def install(error: BaseException) -> None:
        def raises() -> None:
            raise error

        get = type(group).get_command
        monkeypatch.setattr(
            type(group),
            "get_command",
            lambda self, ctx, name: (
                click.Command("show", callback=raises) if name == "show" else get(self, ctx, name)
            ),
        )

    return install


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in COMMANDS)


def test_the_version_is_that_of_the_package(
    capsys: pytest.CaptureFixture[str], project_root: Path
) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"kover {__version__}\n"
    assert f'\nversion = "{__version__}"\n' in (project_root / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["validat"], "did you mean 'validate'?"),
        (["validate", "--modell", "x", "y"], "--model"),
        (["validate", "--format", "xml", "x"], "xml"),
        (["validate", "-p", "novalue", "x"], "'novalue' is not NAME=VALUE"),
        (["validate", "-p", "a=1", "-p", "a=2", "x"], "'a' is given twice"),
        (["validate", "-p", "=1", "x"], "'=1' is not NAME=VALUE"),
        (["--nope"], "--nope"),
        ([], "Usage"),
        (["validate"], "Usage"),
    ],
)
def test_wrong_usage_exits_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AnswerIsNo.at("no", "it is not"), 1),
        (InputError.at("bad", "it is bad", Source("m.keras")), 2),
        (KerasError.at("refused", "Keras refused"), 2),
        (MemoryError(), 2),
        (OSError(28, "No space left on device", "out.keras"), 2),
        (ValueError("surprise\x1b[31m"), 70),
        (RecursionError("deep"), 70),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
    ],
)
def test_each_error_has_its_exit_code_and_says_one_thing(
    failing: Callable[[BaseException], None],
    error: BaseException,
    code: int,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KOVER_TRACEBACK", raising=False)
    monkeypatch.setattr("kover.cli.main.discard_stdout", lambda: None)
    monkeypatch.setattr("kover.cli.messages.discard_stdout", lambda: None)
    failing(error)
    assert run(["show"]) == code
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert "\x1b" not in printed.err
    assert len(printed.err.splitlines()) == (3 if code == 70 else 0 if code > 128 else 1)


def test_a_bug_is_reported_with_what_a_maintainer_needs(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(ValueError("surprise"))
    assert run(["--traceback", "show"]) == 70
    printed = capsys.readouterr().err
    assert "Traceback (most recent call last)" in printed
    assert "kover: internal error: ValueError: surprise" in printed
    assert "test_main.py" in printed
    assert __version__ in printed


def test_help_imports_no_command_and_nothing_heavy() -> None:
    code = (
        "import sys\nfrom kover.cli.main import run\nassert run(['--help']) == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    ours = {name for name in loaded if name.startswith("kover.")}
    assert ours == {"kover.cli", "kover.cli.main", "kover.cli.process"}
    heavy = {"yaml", "jsonschema", "rich", "importlib.metadata", "json", "numpy", "h5py", "keras"}
    assert loaded & heavy == set()


@pytest.mark.usefixtures("hang_ups_count")
def test_signals_get_their_exit_codes() -> None:
    waiting = {
        code: subprocess.Popen(
            [sys.executable, "-P", "-m", "kover", "validate", "-"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for code in (143, 130, 129)
    }
    time.sleep(1.5)  # until all of them wait for standard input
    for code, process in waiting.items():
        process.send_signal(signal.SIGINT if code == 130 else code - 128)
    for code, process in waiting.items():
        _, said = process.communicate(timeout=20)
        assert (process.returncode, said.strip()) == (code, b"")


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(VALID)
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "kover", "validate", "s.yaml"],
            cwd=tmp_path,
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_behind_stdout_is_said(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (tmp_path / "s.yaml").write_text(VALID)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "kover", "validate", "s.yaml"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert b"no space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_closed_streams_and_poor_locales_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "é.yaml").write_text(VALID)
    shell = f'"{sys.executable}" -P -m kover validate é.yaml'
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for redirection in ("", ">&-", "2>&-", ">&- 2>&-", "<&-"):
        done = subprocess.run(
            ["sh", "-c", f"{shell} {redirection}"],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b""), redirection


def test_what_asked_to_be_called_at_the_end_is_called(tmp_path: Path) -> None:
    """The process ends without taking modules apart, but not without its exit functions."""
    main = tmp_path / "kover"
    main.write_text(
        "import atexit\nfrom kover.cli.main import run\n"
        "atexit.register(print, 'bye')\nrun()\nprint('never')\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", main, "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"kover {__version__}\nbye\n")


def test_run_without_arguments_ends_the_caller_with_the_exit_code() -> None:
    code = "import sys\nsys.argv = ['kover', 'nope']\nfrom kover.cli.main import run\nrun()"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=False)
    assert done.returncode == 2


def test_public_names_are_listed_and_others_refused() -> None:
    import kover

    assert set(kover.__all__) == {"apply", "diff", "override", "validate"}
    assert callable(kover.validate)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = kover.nope
