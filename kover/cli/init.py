"""`kover init MODEL`: a starter spec."""

from __future__ import annotations

import click

from kover.cli.options import FILE, limits_option

_HELP = """Write a commented starter spec for a model, without Keras.

It is valid and changes nothing until it is edited: what can be set is there with its present
value, commented out.

\b
  kover init resnet50.keras > tune.yaml
  kover init resnet50.keras -o tune.yaml

Exit code: 0 written, 2 could not.
"""


@click.command("init", help=_HELP, no_args_is_help=True)
@click.argument("model", type=FILE)
@click.option(
    "-o", "--output", metavar="FILE", type=FILE, help="Where the spec goes, instead of stdout."
)
@click.option("--force", is_flag=True, help="Replace an existing FILE.")
@limits_option
def command(model: str, output: str | None, force: bool) -> int:
    """Write a starter spec; see `_HELP`."""
    from kover.archive.reader import open_archive
    from kover.drafting.starter import starter_spec
    from kover.modelconfig.tree import read_tree
    from kover.showing.collect import show_archive

    with open_archive(model) as archive:
        text = starter_spec(show_archive(archive), read_tree(archive.config, archive.path))
    if output is None:
        click.echo(text, nl=False)
    else:
        from kover.archive.writer import write_file
        from kover.report.clean import clean

        write_file(output, text.encode(), overwrite=force)
        click.echo(f"wrote {clean(output, 1000)}", err=True)
    return 0
