"""Keras in this process: imported quietly and early, with the custom classes a user asks for.

The import takes seconds; it runs in a thread of its own while the archive is read and written.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from kover.errors import KerasError, UsageError
from kover.problems import Problem

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1", "GRPC_VERBOSITY": "ERROR"}


class KerasImport:
    """The import of Keras, under way in a thread."""

    def __init__(self) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="import-keras", daemon=True)

    def start(self) -> KerasImport:
        """Begin."""
        self._thread.start()
        return self

    def wait(self) -> None:
        """Until Keras is there.

        Raises:
            KerasError: Keras or its backend cannot be imported.
        """
        self._thread.join()
        if self._error is not None:
            raise KerasError(
                Problem(
                    "no-keras",
                    f"Keras cannot be imported: {self._error}",
                    help=f"install keras and a backend{_chosen_backend()}, or edit the archive "
                    "alone with `--verify none`",
                )
            ) from self._error

    @staticmethod
    def _import_what_saving_imports() -> None:
        """TensorFlow, where it is installed: later it would write to the terminal.

        Source: keras 3.15 `saving.serialization_lib.serialize_keras_object`, on every backend.
        """
        with contextlib.suppress(ImportError):
            importlib.import_module("tensorflow")

    def _run(self) -> None:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        try:
            with _without_native_noise():
                importlib.import_module("keras")
                self._import_what_saving_imports()
        except BaseException as error:  # noqa: BLE001  (raised again where it is waited for)
            self._error = error


def _chosen_backend() -> str:
    """What the environment makes of the choice of a backend."""
    chosen = os.environ.get("KERAS_BACKEND")
    return f" (KERAS_BACKEND is '{chosen}')" if chosen else ""


@contextlib.contextmanager
def _without_native_noise() -> Iterator[None]:
    """Keep what C++ code writes to file descriptor 2 while Keras loads.

    TensorFlow logs there before any setting can reach it. What was kept is shown if the import
    fails, and Python's own `sys.stderr` still reaches the terminal.
    """
    if "keras" in sys.modules:
        yield
        return
    saved = os.dup(2)
    python_stderr = sys.stderr
    with tempfile.TemporaryFile() as kept:
        try:
            direct = os.fdopen(os.dup(saved), "w", encoding="utf-8", errors="replace")
            if sys.stderr is sys.__stderr__:
                sys.stderr = direct
            os.dup2(kept.fileno(), 2)
            yield
        except BaseException:
            kept.seek(0)
            os.write(saved, kept.read()[-4000:])
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            if sys.stderr is direct:
                sys.stderr = python_stderr
            direct.close()


def import_custom(imports: Sequence[str]) -> None:
    """Import the modules and files that register a model's custom classes.

    Args:
        imports: names of modules, or paths of `.py` files.

    Raises:
        UsageError: `import-failed`, for one that cannot be imported.
    """
    for name in imports:
        try:
            if name.endswith(".py") or "/" in name:
                _import_file(Path(name))
            else:
                sys.path.insert(0, str(Path.cwd()))
                try:
                    importlib.import_module(name)
                finally:
                    sys.path.pop(0)
        except Exception as error:
            raise UsageError(
                Problem(
                    "import-failed",
                    f"'{name}' cannot be imported: {type(error).__name__}: {error}",
                    help="give `--import` the name of an installed module, or the path of a file",
                )
            ) from error


def _import_file(path: Path) -> None:
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"no Python file at {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
