"""`kover validate SPEC...`: is a spec valid, and does it fit a model?"""

from __future__ import annotations

import os
from typing import Final

import click

from kover.cli.messages import print_problems
from kover.cli.options import FILE, github_summary_option, limits_option, parameters_option
from kover.cli.verdict_text import rows, specs_json
from kover.errors import KoverError
from kover.problems import Problem, sorted_problems
from kover.report.problems_json import json_text, problems_github, problems_json
from kover.validation import Verdict, check_each, check_together
from kover.values import JSON

_HELP = """Check specs, without Keras.

Without --model: YAML, schema, parameters. With it, also what the specs ask of that model:
selectors, attributes, values and guards, and what is odd about the result. A SPEC is a file, a
folder (all .yaml and .yml files below it), a glob in quotes, or `-` for standard input.

Each spec is checked on its own, and one that is wrong does not hide the others. With --together
they are one, applied in order, as `kover apply` takes them. A spec can name the model to check it
against, for editors: `model: {path: ../resnet50.keras}`; --model wins.

\b
  kover validate specs/
  kover validate head.yaml --model resnet50.keras -p head_lr=3e-4
  kover validate --strict --format sarif 'specs/**/*.yaml' > kover.sarif

Exit code: 0 valid, 1 invalid, 2 unreadable.
"""
_FORMATS: Final = ("auto", "text", "json", "github", "sarif")


@click.command("validate", help=_HELP, no_args_is_help=True)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", type=FILE)
@click.option("--model", metavar="MODEL", type=FILE, help="Also check against this .keras model.")
@click.option("--together", is_flag=True, help="The specs are one, applied in order.")
@parameters_option
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    default="auto",
    show_default=True,
    help="How to print the answer; auto is github in a GitHub workflow, else text.",
)
@github_summary_option
@click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
@limits_option
def command(specs: tuple[str, ...], format_: str, **options: object) -> int:
    """Check specs; see `_HELP`."""
    if format_ == "auto":
        format_ = "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"
    try:
        verdicts = _verdicts(specs, options)
    except KoverError as error:
        if format_ != "text":
            _print(format_, error.problems, [])
        else:
            print_problems(error.problems)
        return error.exit_code
    problems = [problem for verdict in verdicts for problem in verdict.problems]
    if format_ != "text":
        _print(format_, tuple(dict.fromkeys(problems)), verdicts)
    else:
        print_problems(dict.fromkeys(problems))
        if not options["quiet"]:
            click.echo("".join(f"{row}\n" for row in rows(verdicts)), nl=False)
    if options["github_summary"]:
        from kover.cli.github import report_verdicts

        report_verdicts(verdicts)
    return max(verdict.exit_code for verdict in verdicts)


def _verdicts(arguments: tuple[str, ...], options: dict[str, object]) -> list[Verdict]:
    from kover.spec.finding import find_specs

    paths = find_specs(arguments)
    model: str | None = options["model"]  # type: ignore[assignment]  # click has checked the types
    parameters: dict[str, JSON] = options["parameters"]  # type: ignore[assignment]
    if options["together"]:
        verdicts = [check_together(paths, model, parameters)]
    else:
        verdicts = list(check_each(paths, model, parameters))
    return [verdict.strict() for verdict in verdicts] if options["strict"] else verdicts


def _print(format_: str, problems: tuple[Problem, ...], verdicts: list[Verdict]) -> None:
    if format_ == "github":
        click.echo(problems_github(problems), nl=False)
    elif format_ == "sarif":
        from kover.explain.reading import page
        from kover.report.problems_sarif import problems_sarif

        pages = {code: page(code) or "" for code in {problem.code for problem in problems}}
        click.echo(json_text(problems_sarif(sorted_problems(problems), pages)), nl=False)
    else:
        click.echo(json_text(problems_json(problems, {"specs": specs_json(verdicts)})), nl=False)
