"""`kover apply MODEL SPEC...`: change a model as specs say."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kover.cli.apply_request import read_request, report_to_github, saved_spec, with_request
from kover.cli.messages import print_problems
from kover.cli.options import FILE, github_summary_option, limits_option, parameters_option
from kover.errors import KoverError, OutputError
from kover.spec.setting_arguments import lines_of_settings

if TYPE_CHECKING:
    from kover.apply_request import ApplyRequest, ApplyResult
    from kover.diffing.report import Report

_HELP = """Change a model as specs say, verify it, write model and report.

Several SPECs are one, applied in order; `-` is standard input. Keras rebuilds and recompiles the
result before it is written, so that every override is known to take effect. Stored values that
need not change are copied bit for bit, the optimizer's state by the names of its variables.

\b
  kover apply resnet50.keras specs/freeze_backbone.yaml
  kover apply resnet50.keras head.yaml -p head_lr=3e-4 -o tuned.keras
  kover apply nightly.keras retune.yaml --in-place --verify load
  kover apply resnet50.keras head.yaml --dry-run
  kover apply resnet50.keras --set 'predictions:activation=sigmoid' --save-spec head.yaml
  kover apply resnet50.keras head.yaml --dry-run --format json > plan.json
  kover apply --plan plan.json

A SETTING is LAYERS:ATTRIBUTE=VALUE (or learning_rate, weight_decay, reinitialize, unset, replace,
rename in the attribute's place), or compile.KEY=VALUE; layers and values are written as in a spec.

Writes MODEL.SPEC.keras and MODEL.SPEC.diff.json beside MODEL, unless told otherwise.

Exit code: 0 written, 1 the specs are invalid or do not fit, or with --exit-code there is nothing
to change, 2 could not. Nothing is written then.
"""
_REPORTS = {".json": "json", ".txt": "text", ".md": "markdown", ".html": "html"}


@click.command("apply", help=_HELP, no_args_is_help=True)
@click.argument("model", required=False, metavar="MODEL", type=FILE)
@click.argument("specs", nargs=-1, metavar="[SPEC]...", type=FILE)
@click.option(
    "--set",
    "settings",
    metavar="SETTING",
    multiple=True,
    help="Change one thing, after the specs or without any; repeatable.",
)
@click.option("-o", "--output", metavar="OUT", type=FILE, help="Where the model goes.")
@click.option("--in-place", is_flag=True, help="Replace MODEL.")
@click.option("--force", is_flag=True, help="Replace an existing output.")
@click.option("--dry-run", is_flag=True, help="Show the plan; write nothing; needs no Keras.")
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=FILE,
    help="Carry out the JSON of a dry run, if nothing has changed since.",
)
@click.option(
    "--exit-code",
    "unless_noop",
    is_flag=True,
    help="Exit 1, and write nothing, if there is nothing to change.",
)
@parameters_option
@click.option(
    "--save-spec",
    metavar="FILE",
    type=FILE,
    help="Write what is applied as a spec of its own; also in a dry run.",
)
@click.option(
    "--report",
    "reports",
    metavar="FILE",
    type=FILE,
    multiple=True,
    help="Where the report goes: .json, .txt, .md or .html; repeatable.",
)
@click.option("--no-report", is_flag=True, help="Write no report file.")
@click.option(
    "--import",
    "imports",
    metavar="MODULE-OR-FILE",
    type=FILE,
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
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    help="How to print the report.",
)
@github_summary_option
@click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
@limits_option
def command(**options: Any) -> int:
    """Apply specs; see `_HELP`."""
    request = read_request(options)
    try:
        return _apply(request, options)
    except KoverError as error:
        if not request.settings:
            raise
        print_problems(error.problems, lines_of_settings(request.settings))
        return error.exit_code


def _apply(request: ApplyRequest, options: dict[str, Any]) -> int:
    from kover.apply_request import output_path
    from kover.applying import apply
    from kover.archive.target import check_target

    reports = _report_paths(options, output_path(request))
    _keep_apart(reports, options["save_spec"], request)
    for path in () if request.dry_run else reports:
        check_target(path, overwrite=True)
    spec = saved_spec(request) if options["save_spec"] else b""
    if spec:
        check_target(options["save_spec"], overwrite=request.force)
    result = apply(request)
    nothing = request.unless_noop and result.plan.is_noop
    _write_reports(result, reports)
    if spec and not nothing:
        from kover.archive.writer import write_file

        write_file(options["save_spec"], spec, overwrite=request.force)
    if options["quiet"]:
        warnings = result.report.warnings if result.report else result.plan.warnings
        print_problems(warnings, lines_of_settings(request.settings))
    else:
        text = _text(result, request, options["format_"], reports)
        click.echo(text, nl=False, color=True)
    if options["github_summary"]:
        report_to_github(result, _text(result, request, "markdown", reports), reports)
    return int(nothing)


def _report_paths(options: dict[str, Any], output: str) -> tuple[str, ...]:
    """The report files: those that were asked for, or the one beside the output."""
    paths: tuple[str, ...] = options["reports"]
    if paths and options["no_report"]:
        raise click.UsageError("--report and --no-report contradict each other")
    for path in paths:
        if Path(path).suffix not in _REPORTS:
            raise click.UsageError(f"'{path}': a report ends in {' or '.join(_REPORTS)}")
    if paths or options["no_report"]:
        return paths
    return (str(Path(output).with_suffix(".diff.json")),)


def _keep_apart(reports: tuple[str, ...], spec: str | None, request: ApplyRequest) -> None:
    """Let neither a report nor the saved spec take the place of a model."""
    from kover.apply_request import output_path

    models = {os.path.realpath(path) for path in (request.model, output_path(request))}
    for path in (*reports, *filter(None, [spec])):
        if os.path.realpath(path) in models:
            raise click.UsageError(f"'{path}' is a model's place; give another name")


def _write_reports(result: ApplyResult, reports: tuple[str, ...]) -> None:
    """Write the report files; the model is there already, and stays if this fails."""
    from kover.archive.writer import write_file

    if result.report is None:
        return
    for path in reports:
        text = _report_text(result.report, _REPORTS[Path(path).suffix])
        try:
            write_file(path, text.encode(), overwrite=True)
        except OutputError as error:
            raise OutputError(
                replace(
                    each, message=f"'{result.output}' is written, its report is not: {each.message}"
                )
                for each in error.problems
            ) from error


def _report_text(report: Report, form: str) -> str:
    if form == "text":
        from kover.report.apply_text import render_applied

        return render_applied(report)
    from kover.cli.diff import data_text

    return data_text(report, form)


def _text(
    result: ApplyResult, request: ApplyRequest, format_: str, reports: tuple[str, ...]
) -> str:
    from kover.apply_request import output_path
    from kover.report.style import options_for

    options = options_for(sys.stdout)
    if result.report is None:
        if format_ != "text":
            from kover.report.plan_report import plan_report

            planned = plan_report(result.plan, request.model, output_path(request))
            text = _report_text(planned, format_)
            return with_request(text, request, result) if format_ == "json" else text
        from kover.report.plan_text import render_plan

        return render_plan(result.plan, request.model, options)
    if format_ != "text":
        return _report_text(result.report, format_)
    from kover.report.apply_text import render_applied

    return render_applied(result.report, options, reports)
