"""`kover.apply` as Python code calls it: paths and keyword arguments instead of a request."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kover.values import JSON

if TYPE_CHECKING:
    from kover.apply_request import ApplyResult, Level

PathLike = str | os.PathLike[str]


def apply(  # noqa: PLR0913  (the options of `kover apply`, by name)
    model: PathLike,
    spec: PathLike | Sequence[PathLike],
    *,
    output: PathLike | None = None,
    in_place: bool = False,
    force: bool = False,
    parameters: Mapping[str, JSON] | None = None,
    imports: Sequence[str] = (),
    verify: Level = "build",
    dry_run: bool = False,
) -> ApplyResult:
    """Apply one or more specs to a saved model, as `kover apply` does.

    Args:
        model: a `.keras` archive.
        spec: the path of a spec, or several, applied in order as one.
        output: where the model goes; by default `<model stem>.<last spec stem>.keras` beside it.
        in_place: replace `model`.
        force: replace an existing output.
        parameters: values for the specs' parameters.
        imports: modules or files that register custom classes.
        verify: `none`, `build`, `load` or `train`: how far to go before the output gets its name.
        dry_run: plan only; write nothing.

    Returns:
        What was planned, where the result is, and the report of what differs.

    Raises:
        AnswerIsNo: the specs are invalid or do not fit the model.
        InputError: the model or a spec cannot be read, or is unsafe.
        UsageError: the request contradicts itself.
        OutputError: the result cannot be written.
        KerasError: Keras refuses the edited model, or it is not what was asked for.

    Example:
        >>> result = kover.apply("resnet50.keras", "freeze.yaml", verify="load")
        >>> result.output
        'resnet50.freeze.keras'
    """
    from kover.apply_request import ApplyRequest
    from kover.applying import apply as run

    specs = [spec] if isinstance(spec, (str, os.PathLike)) else list(spec)
    return run(
        ApplyRequest(
            model=os.fspath(model),
            specs=tuple(os.fspath(each) for each in specs),
            output=None if output is None else os.fspath(output),
            in_place=in_place,
            force=force,
            parameters=dict(parameters or {}),
            imports=tuple(imports),
            verify=verify,
            dry_run=dry_run,
        )
    )
