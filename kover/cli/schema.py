"""`kover schema`: the JSON Schema of specs, for editors and other validators."""

from __future__ import annotations

import json
from typing import Any

import click

from kover.cli.options import FILE, limits_option

_HELP = """Print the JSON Schema of specs, version 1 (draft 7).

With --model, one for that model: editors complete its layers, and the attributes of each class
with a line of Keras' documentation. Editors with the YAML language server find it by the first
line of a spec: `# yaml-language-server: $schema=resnet50.schema.json`.

\b
  kover schema > spec.schema.json
  kover schema --model resnet50.keras > resnet50.schema.json
"""


@click.command("schema", help=_HELP)
@click.option("--model", metavar="MODEL", type=FILE, help="Complete this model's layers.")
@limits_option
def command(model: str | None) -> int:
    """Print the schema; see `_HELP`."""
    schema = _for_model(model) if model is not None else _plain()
    click.echo(json.dumps(schema, indent=2))
    return 0


def _plain() -> dict[str, Any]:
    from kover.spec.schema import spec_schema

    return spec_schema()


def _for_model(path: str) -> dict[str, Any]:
    from kover.archive.reader import open_archive
    from kover.modelconfig.tree import read_tree
    from kover.reference.model_schema import model_schema

    with open_archive(path) as archive:
        return model_schema(read_tree(archive.config, archive.path), path)
