"""Git told to show `.keras` files as text: a diff driver in its config, and an attributes line.

For one repository both stay below `.git`, so nothing that is tracked changes; with `--global`
they are the user's own.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from kover.errors import OutputError, UsageError
from kover.problems import Problem
from kover.source import Source

_SECTION = "diff.kover"
_ATTRIBUTES = "*.keras diff=kover"
_FUNCTION_NAMES = "^((layer|compile|optimizer state|model).*)$"


def enable(everywhere: bool) -> Path:
    """Install the driver; a second time does no harm.

    Args:
        everywhere: for all of the user's repositories, not for this one alone.

    Returns:
        The attributes file with the line.

    Raises:
        UsageError: `no-git`, `no-repository`.
        OutputError: `git-failed`, or the attributes file cannot be written.
    """
    attributes = _attributes_file(everywhere)
    command = shlex.join(
        [sys.executable, "-P", "-m", "kover", "git", "textconv", "--form", "1", "--"]
    )
    settings = {"textconv": command, "xfuncname": _FUNCTION_NAMES, "cachetextconv": "true"}
    for name, value in settings.items():
        _git(*_scope(everywhere), f"{_SECTION}.{name}", value)
    lines = _lines(attributes)
    if _ATTRIBUTES not in lines:
        _write(attributes, [*lines, _ATTRIBUTES])
    return attributes


def disable(everywhere: bool) -> Path:
    """Take the driver out again; nothing else is touched.

    Args:
        everywhere: that of `enable(True)`.

    Returns:
        The attributes file that had the line.

    Raises:
        UsageError: `no-git`, `no-repository`.
        OutputError: `git-failed`, or the attributes file cannot be written.
    """
    attributes = _attributes_file(everywhere)
    _git(*_scope(everywhere), "--remove-section", _SECTION, may_fail=True)
    lines = _lines(attributes)
    if _ATTRIBUTES in lines:
        _write(attributes, [line for line in lines if line != _ATTRIBUTES])
    return attributes


def _scope(everywhere: bool) -> tuple[str, str]:
    return "config", "--global" if everywhere else "--local"


def _attributes_file(everywhere: bool) -> Path:
    if everywhere:
        given = _git("config", "--global", "--type=path", "core.attributesFile", may_fail=True)
        if given:
            return Path(given)
        home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(home) / "git" / "attributes"
    found = _git("rev-parse", "--git-path", "info/attributes", may_fail=True)
    if not found:
        raise UsageError(
            Problem(
                "no-repository",
                "there is no git repository here",
                help="change into one, or give --global for all of yours",
            )
        )
    return Path(found)


def _git(*arguments: str, may_fail: bool = False) -> str:
    program = shutil.which("git")
    if program is None:
        raise UsageError(Problem("no-git", "git is not installed", help="install it"))
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, errors="replace"
    )
    if done.returncode and not may_fail:
        said = done.stderr.strip().splitlines()
        raise OutputError(Problem("git-failed", f"git refused: {said[0] if said else 'no reason'}"))
    return "" if done.returncode else done.stdout.rstrip("\n")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unwritable(path, error) from error


def _write(path: Path, lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> OutputError:
    reason = (error.strerror or "it cannot be written").lower()
    return OutputError(
        Problem("output-unwritable", f"git's attributes: {reason}", Source(str(path)))
    )
