"""`kover apply MODEL SPEC...`: change a model as specs say."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kover.cli.messages import print_problems
from kover.cli.options import parameters_option
from kover.errors import OutputError

if TYPE_CHECKING:
    from kover.applying import ApplyRequest, ApplyResult

_HELP = """Change a model as specs say, verify it, write model and report.

Several SPECs are one, applied in order; `-` is standard input. Keras rebuilds and recompiles the
result before it is written, so that every override is known to take effect. Stored values that
need not change are copied bit for bit, the optimizer's state by the names of its variables.

\b
  kover apply resnet50.keras specs/freeze_backbone.yaml
  kover apply resnet50.keras head.yaml -p head_lr=3e-4 -o tuned.keras
  kover apply nightly.keras retune.yaml --in-place --verify load
  kover apply resnet50.keras head.yaml --dry-run

Writes MODEL.SPEC.keras and MODEL.SPEC.diff.json beside MODEL, unless told otherwise.

Exit code: 0 written, 1 the specs are invalid or do not fit, 2 could not. Nothing is written then.
"""
_REPORTS = (".json", ".txt")


@click.command("apply", help=_HELP, no_args_is_help=True)
@click.argument("model")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("-o", "--output", metavar="OUT", help="Where the model goes.")
@click.option("--in-place", is_flag=True, help="Replace MODEL.")
@click.option("--force", is_flag=True, help="Replace an existing output.")
@click.option("--dry-run", is_flag=True, help="Show the plan; write nothing; needs no Keras.")
@parameters_option
@click.option(
    "--report",
    "reports",
    metavar="FILE",
    multiple=True,
    help="Where the report goes, .json or .txt; repeatable.",
)
@click.option("--no-report", is_flag=True, help="Write no report file.")
@click.option(
    "--import",
    "imports",
    metavar="MODULE-OR-FILE",
    multiple=True,
    help="Import Python code that registers custom classes; repeatable.",
)
@click.option(
    "--unsafe-lambda",
    is_flag=True,
    help="Let Keras run the code of Lambda layers inside MODEL. Only for files you trust.",
)
@click.option(
    "--verify",
    type=click.Choice(["none", "build", "load", "train"]),
    default="build",
    show_default=True,
    help="none: edit the archive alone, without Keras. build: rebuild and compile without "
    "weights. load: also load what was written, and run it. train: also train one step.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to print the report.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
def command(format_: str, quiet: bool, **options: object) -> int:
    """Apply specs; see `_HELP`."""
    from kover.applying import apply, output_path
    from kover.archive.target import check_target

    request = _request(options)
    reports = () if request.dry_run else _report_paths(options, output_path(request))
    for path in reports:
        check_target(path, overwrite=True)
    result = apply(request)
    _write_reports(result, reports)
    if quiet:
        print_problems(result.report.warnings if result.report else result.plan.warnings)
    else:
        click.echo(_text(result, request, format_, reports), nl=False, color=True)
    return 0


def _request(options: dict[str, object]) -> ApplyRequest:
    from kover.applying import ApplyRequest

    options = {**options, "safe_mode": not options["unsafe_lambda"]}
    fields = {name: options[name] for name in ApplyRequest.__dataclass_fields__}
    return ApplyRequest(**fields)  # type: ignore[arg-type]  # click has checked the types


def _report_paths(options: dict[str, object], output: str) -> tuple[str, ...]:
    """The report files: those that were asked for, or the one beside the output."""
    paths = tuple(str(path) for path in options["reports"])  # type: ignore[attr-defined]  # a tuple
    if paths and options["no_report"]:
        raise click.UsageError("--report and --no-report contradict each other")
    for path in paths:
        if Path(path).suffix not in _REPORTS:
            raise click.UsageError(f"'{path}': a report ends in {' or '.join(_REPORTS)}")
    if paths or options["no_report"]:
        return paths
    return (str(Path(output).with_suffix(".diff.json")),)


def _write_reports(result: ApplyResult, reports: tuple[str, ...]) -> None:
    """Write the report files; the model is there already, and stays if this fails."""
    from kover.archive.writer import write_file
    from kover.report.apply_text import render_applied
    from kover.report.diff_json import dumps

    if result.report is None:
        return
    for path in reports:
        text = dumps(result.report) if path.endswith(".json") else render_applied(result.report)
        try:
            write_file(path, text.encode(), overwrite=True)
        except OutputError as error:
            raise OutputError(
                replace(
                    each, message=f"'{result.output}' is written, its report is not: {each.message}"
                )
                for each in error.problems
            ) from error


def _text(
    result: ApplyResult, request: ApplyRequest, format_: str, reports: tuple[str, ...]
) -> str:
    from kover.applying import output_path
    from kover.report.style import options_for

    options = options_for(sys.stdout)
    if result.report is None:
        if format_ == "json":
            from kover.report.diff_json import dumps
            from kover.report.plan_report import plan_report

            return dumps(plan_report(result.plan, request.model, output_path(request)))
        from kover.report.plan_text import render_plan

        return render_plan(result.plan, request.model, options)
    if format_ == "json":
        from kover.report.diff_json import dumps

        return dumps(result.report)
    from kover.report.apply_text import render_applied

    return render_applied(result.report, options, reports)
