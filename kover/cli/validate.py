"""`kover validate SPEC...`: is a spec valid, and does it fit a model?"""

from __future__ import annotations

import click

from kover.cli.messages import print_problems
from kover.cli.options import parameters_option
from kover.errors import KoverError
from kover.problems import Problem
from kover.report.clean import clean
from kover.report.problems_json import json_text, problems_github, problems_json
from kover.validation import Valid, check
from kover.values import JSON

_HELP = """Check specs, without Keras.

Without --model: YAML, schema, parameters. With it, also what the specs ask of that model:
selectors, attributes, values and guards. Several specs are one, applied in order. A SPEC of
`-` is standard input.

\b
  kover validate specs/freeze.yaml
  kover validate head.yaml --model resnet50.keras -p head_lr=3e-4

Exit code: 0 valid, 1 invalid, 2 unreadable.
"""


@click.command("validate", help=_HELP, no_args_is_help=True)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--model", metavar="MODEL", help="Also check the specs against this .keras model.")
@parameters_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="How to print the answer.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
def command(
    specs: tuple[str, ...],
    model: str | None,
    parameters: dict[str, JSON],
    format_: str,
    quiet: bool,
) -> int:
    """Check specs; see `_HELP`."""
    try:
        valid = check(specs, model, parameters)
    except KoverError as error:
        if format_ == "text":
            raise
        _print(format_, error.problems, {})
        return error.exit_code
    if format_ == "text":
        print_problems(valid.warnings)
        if not quiet:
            click.echo("".join(f"{row}\n" for row in _rows(valid, model)), nl=False)
    else:
        _print(format_, valid.warnings, {"specs": _specs_json(valid)})
    return 0


def _print(format_: str, problems: tuple[Problem, ...], more: dict[str, JSON]) -> None:
    if format_ == "github":
        click.echo(problems_github(problems), nl=False)
    else:
        click.echo(json_text(problems_json(problems, more)), nl=False)


def _rows(valid: Valid, model: str | None) -> list[str]:
    rows = []
    fits = f"valid for {clean(model)}" if model else "valid"
    outcomes = list(valid.plan.outcomes) if valid.plan else []
    for spec in valid.specs:
        count = len(spec.overrides)
        parts = [f"{count} override{'s' if count != 1 else ''}"] if count else []
        parts += ["compile"] if spec.compile else []
        rows.append(f"{clean(spec.path)}: {fits} ({', '.join(parts)})")
        for outcome in outcomes:
            if outcome.source.path == spec.path:
                layers = len(outcome.matched)
                noun = "layer" if layers == 1 else "layers"
                line = outcome.source.line
                rows.append(f"  line {line}: {clean(outcome.selector)} matches {layers} {noun}")
    return rows


def _specs_json(valid: Valid) -> list[JSON]:
    outcomes = valid.plan.outcomes if valid.plan else ()
    listed: list[JSON] = []
    for spec in valid.specs:
        entry: dict[str, JSON] = {
            "file": spec.path,
            "sha256": spec.sha256,
            "overrides": len(spec.overrides),
            "compile": spec.compile is not None,
        }
        if valid.plan is not None:
            entry["matches"] = [
                {
                    "line": outcome.source.line,
                    "selector": outcome.selector,
                    "layers": list(outcome.matched),
                }
                for outcome in outcomes
                if outcome.source.path == spec.path
            ]
        listed.append(entry)
    return listed
