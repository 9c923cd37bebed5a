"""`kover.override`: a model in memory, with specs applied to it.

The same engine on a temporary archive: what comes back is what Keras loads from it, trained weights
and optimizer state included.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kover.values import JSON

if TYPE_CHECKING:
    from kover.diffing.report import Report

SpecLike = str | os.PathLike[str] | Mapping[str, JSON]


def override(
    model: Any,
    spec: SpecLike | Sequence[SpecLike],
    *,
    parameters: Mapping[str, JSON] | None = None,
    verify: Literal["build", "load", "train"] = "build",
    on_report: Callable[[Report], None] | None = None,
) -> Any:
    """A new model: `model` with `spec` applied. `model` itself is not changed.

    Args:
        model: a built `keras.Model`; compiled, if the spec speaks of compile settings or rates.
        spec: the path of a spec, a mapping with its content, or several of them.
        parameters: values for the specs' parameters.
        verify: how far to go, as for `kover apply`.
        on_report: is called with the report of what was done.

    Returns:
        A `keras.Model` with the weights of `model`, and the optimizer's state carried by name.

    Raises:
        KoverError: as `kover.apply` does; the model is then called `model.keras` in messages.

    Example:
        >>> tuned = kover.override(model, {"version": 1, "overrides": [
        ...     {"layers": "dropout", "set": {"rate": 0.3}}]})
    """
    from kover.apply_request import ApplyRequest
    from kover.applying import apply
    from kover.engine import keras_private

    with tempfile.TemporaryDirectory(prefix="kover-") as folder:
        before, after = Path(folder, "model.keras"), Path(folder, "overridden.keras")
        model.save(before)
        specs = [spec] if isinstance(spec, (str, os.PathLike, Mapping)) else list(spec)
        result = apply(
            ApplyRequest(
                model=str(before),
                specs=tuple(_path(each, folder, number) for number, each in enumerate(specs)),
                output=str(after),
                parameters=dict(parameters or {}),
                verify=verify,
                safe_mode=False,  # the code of this model runs in this process anyway
            )
        )
        if on_report is not None and result.report is not None:
            on_report(result.report)
        return keras_private.load(str(after), safe_mode=False)


def _path(spec: SpecLike, folder: str, number: int) -> str:
    if not isinstance(spec, Mapping):
        return os.fspath(spec)
    path = Path(folder, f"spec-{number}.yaml")
    path.write_text(json.dumps(spec, indent=1))
    return str(path)
