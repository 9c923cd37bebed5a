"""What `kover apply` is asked to do, and what it did. Values; nothing here acts on a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kover.errors import UsageError
from kover.spec.loading import load_specs
from kover.spec.setting_arguments import read_settings
from kover.values import JSON

if TYPE_CHECKING:
    from kover.diffing.report import Report
    from kover.plan_file import PlanFile
    from kover.planning.plan import Plan
    from kover.spec.document import Spec

Level = Literal["none", "build", "load", "train"]


@dataclass(frozen=True)
class ApplyRequest:
    """What `kover apply` is asked to do.

    Attributes:
        model: the archive.
        specs: paths of specs, applied in order as one; `-` is standard input.
        output: where the model goes; None for the default name beside the model.
        in_place: replace `model`.
        force: replace an existing output.
        parameters: values for the specs' parameters.
        imports: modules or files that register custom classes.
        verify: how far to go before the output gets its name.
        dry_run: plan only; write nothing.
        safe_mode: as in `keras.models.load_model`: refuse code inside the archive.
        settings: single settings that come after the specs, such as `head:units=3`.
        planned: what the outcome must be.
        unless_noop: write nothing where there is nothing to change.
        histograms: also tell in the report how far the entries of changed arrays moved.
    """

    model: str
    specs: tuple[str, ...]
    output: str | None = None
    in_place: bool = False
    force: bool = False
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    verify: Level = "build"
    dry_run: bool = False
    safe_mode: bool = True
    settings: tuple[str, ...] = ()
    planned: PlanFile | None = None
    unless_noop: bool = False
    histograms: bool = False


@dataclass(frozen=True)
class ApplyResult:
    """What `kover apply` did.

    Attributes:
        plan: what was planned.
        output: where the model was written; None for a dry run.
        report: what differs between the two files; None for a dry run.
        specs: what was applied; the files first, then one for each setting.
        model_sha256: of the model before.
    """

    plan: Plan
    output: str | None
    report: Report | None
    specs: tuple[Spec, ...] = ()
    model_sha256: str = ""


def load_request_specs(request: ApplyRequest) -> tuple[Spec, ...]:
    """The specs of a request, and one for each of its settings.

    Raises:
        AnswerIsNo: with the problems of all of them.
        InputError: a spec cannot be read.
    """
    return (*load_specs(request.specs, request.parameters), *read_settings(request.settings))


def output_path(request: ApplyRequest) -> str:
    """Where the model goes: as asked, or `<model stem>.<last spec stem>.keras` beside it.

    Raises:
        UsageError: `-o` and in place at once, or an output that is no `.keras` file.
    """
    if request.in_place:
        if request.output is not None:
            raise UsageError.at(
                "usage", "an output and `--in-place` contradict each other", help="give one of them"
            )
        return request.model
    if request.output is not None:
        if not request.output.endswith(".keras"):
            raise UsageError.at(
                "not-a-keras-name",
                f"the output '{request.output}' must end in '.keras', or Keras cannot load it",
                help=f"-o {request.output.rstrip('/') or Path(request.model).stem}.keras",
            )
        return request.output
    model = Path(request.model)
    last = request.specs[-1] if request.specs else "set"
    spec = "stdin" if last == "-" else Path(last).stem
    return str(model.parent / f"{model.stem}.{spec}.keras")  # of any path: `.` has no name
