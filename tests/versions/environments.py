"""Environments with other versions of Keras and other backends, each in a folder of its own.

They look into the packages of the Python that makes them for all that they do not replace, which
costs seconds and little disk. One has no TensorFlow at all, and nothing in common.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / ".versions"
LIGHT = ("click", "h5py", "jsonschema", "packaging", "pyyaml", "rich", "pytest", "hypothesis")
TORCH = os.environ.get("KOVER_TORCH", "torch==2.13.0")  # its file for a CPU, where there is one


@dataclass(frozen=True)
class Environment:
    """One row of the table.

    Attributes:
        name: of its folder, and for choosing it.
        keras: version of Keras; "" is the one that is installed here.
        backend: that Keras runs on.
        packages: what the backend needs.
        alone: nothing else is there, so no TensorFlow either.
        whole: every test that is marked `keras` runs, not only the engine's main modules.
    """

    name: str
    keras: str = ""
    backend: str = "tensorflow"
    packages: tuple[str, ...] = ()
    alone: bool = False
    whole: bool = False

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return FOLDER / self.name / "bin" / "python"

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of what runs in it."""
        return {
            **os.environ,
            "KERAS_BACKEND": self.backend,
            "KOVER_TEST_BACKEND": self.backend,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }


ENVIRONMENTS = (
    Environment("3.10", "3.10.0", whole=True),
    Environment("3.11", "3.11.3"),
    Environment("3.12", "3.12.4"),
    Environment("3.13", "3.13.2"),
    Environment("3.14", "3.14.1"),
    Environment("newest", whole=True),
    Environment("jax", backend="jax", packages=("jax", "jaxlib"), whole=True),
    Environment("torch", backend="torch", packages=(TORCH,), whole=True),
    Environment("jax-alone", backend="jax", packages=("jax", "jaxlib"), alone=True),
)


def build(environment: Environment) -> None:
    """Make the environment, unless it is there."""
    folder = FOLDER / environment.name
    done = folder / ".done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        keras = environment.keras or _installed("keras")
        if environment.alone:
            _install(environment, f"keras=={keras}", *environment.packages, *LIGHT)
        else:
            look = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
            (_site_packages(environment) / "zz_others.pth").write_text(look, encoding="utf-8")
            if environment.keras:
                _install(environment, "--no-deps", f"keras=={keras}")
            if environment.packages:
                _install(environment, *environment.packages)
        _write_command(environment)
        done.touch()
    if environment.alone:
        _install_kover(environment)


def _installed(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def _site_packages(environment: Environment) -> Path:
    found = sorted((FOLDER / environment.name / "lib").glob("python*/site-packages"))
    return found[0]


def _install(environment: Environment, *what: str) -> None:
    command = [environment.python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*command, *what], check=True)


def _write_command(environment: Environment) -> None:
    """`kover`, for tests that run it by its name."""
    command = environment.python.with_name("kover")
    command.write_text(f'#!/bin/sh\nexec "{environment.python}" -P -m kover "$@"\n', "utf-8")
    command.chmod(0o755)


def _install_kover(environment: Environment) -> None:
    """Kover as it is now, from a copy: building leaves files beside the sources."""
    copy = FOLDER / "source"
    shutil.rmtree(copy, ignore_errors=True)
    for name in ("kover", "schemas"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    _install(environment, "--no-deps", "--force-reinstall", str(copy))


def facts(environment: Environment) -> str:
    """What runs there: `Keras 3.10.0, TensorFlow 2.21.0`."""
    packages = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
    code = (
        "from importlib.metadata import version as v; "
        f"print('Keras ' + v('keras') + ', {packages[environment.backend]} ' "
        f"+ v('{environment.backend}').partition('+')[0])"
    )
    done = subprocess.run(
        [environment.python, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip() + (" without TensorFlow" if environment.alone else "")
