"""The options of `kover apply` as one request, and what is said of it afterwards to machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from kover.values import JSON

if TYPE_CHECKING:
    from kover.apply_request import ApplyRequest, ApplyResult


def read_request(options: dict[str, Any]) -> ApplyRequest:
    """The request that the options spell; a plan file stands for model, specs and settings."""
    from kover.apply_request import ApplyRequest

    options = {
        **options,
        "safe_mode": not options["unsafe_lambda"],
        "planned": None,
        "histograms": any(path.endswith(".html") for path in options["reports"]),
    }
    asked = [name for name in ("model", "specs", "settings", "parameters") if options[name]]
    if options["plan_file"] is not None:
        if asked:
            raise click.UsageError("--plan names model, specs, settings and parameters: give none")
        from kover.plan_file import read_plan_file

        planned = read_plan_file(options["plan_file"])
        options |= {
            "planned": planned,
            "model": planned.model,
            "specs": planned.specs,
            "settings": planned.settings,
            "parameters": planned.parameters,
        }
    elif options["model"] is None:
        raise click.UsageError("Missing argument 'MODEL'.")
    elif not (options["specs"] or options["settings"]):
        raise click.UsageError("Missing argument 'SPEC...': give a spec, or a setting with --set.")
    return ApplyRequest(**{name: options[name] for name in ApplyRequest.__dataclass_fields__})


def with_request(text: str, request: ApplyRequest, result: ApplyResult) -> str:
    """The JSON of a dry run with what it was made of, which makes it a plan file."""
    from kover.plan_file import plan_request

    model = (request.model, result.model_sha256)
    record = plan_request(result.plan, result.specs, model, request.parameters, request.settings)
    data: dict[str, JSON] = {**json.loads(text), "request": record}
    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"


def saved_spec(request: ApplyRequest) -> bytes:
    """One spec that asks for what specs, parameters and settings ask together."""
    from kover.apply_request import load_request_specs
    from kover.spec.merging import merged_text

    return merged_text(load_request_specs(request)).encode()


def report_to_github(result: ApplyResult, markdown: str, reports: Sequence[str]) -> None:
    """Outputs `changed`, `output` and `report`, and the report in the step's summary."""
    from kover.cli.github import write_github

    outputs = {
        "changed": "false" if result.plan.is_noop else "true",
        "output": result.output or "",
        "report": reports[0] if reports and result.output else "",
    }
    write_github("kover apply", markdown.splitlines(), outputs)
