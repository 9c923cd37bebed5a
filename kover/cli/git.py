"""`kover git enable|disable`: let git show what changed in a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

_HELP = """Let git show layers where a .keras file changed.

\b
  kover git enable             in this repository
  kover git enable --global    in all of yours
  git diff model.keras
  git log -p -- model.keras

The driver is set up below .git, or in your own git config: nothing that is tracked changes.
"""


@click.group("git", help=_HELP, no_args_is_help=True)
def command() -> None:
    """Set up git; see `_HELP`."""


_everywhere = click.option(
    "--global", "everywhere", is_flag=True, help="For all of your repositories."
)


@command.command("enable", help="Show .keras files as text in git diff and git log -p.")
@_everywhere
def enable_command(everywhere: bool) -> int:
    """Install the diff driver."""
    from kover.git_driver import enable
    from kover.report.clean import clean

    path = enable(everywhere)
    click.echo(f"git shows .keras files as text now ({clean(str(path), 1000)})")
    return 0


@command.command("disable", help="Show them as binary files again.")
@_everywhere
def disable_command(everywhere: bool) -> int:
    """Take the diff driver out."""
    from kover.git_driver import disable
    from kover.report.clean import clean

    path = disable(everywhere)
    click.echo(f"git shows .keras files as binary again ({clean(str(path), 1000)})")
    return 0


@command.command("textconv", help="Print a model as stable lines; git runs this.")
@click.option("--form", type=click.Choice(["1"]), default="1", hidden=True)  # git caches by it
@click.argument("model")
def textconv_command(model: str, form: str) -> int:
    """Print a model for git; what cannot be read is said, for git would stop otherwise."""
    from kover.errors import InputError
    from kover.report.clean import clean

    try:
        text = "".join(f"{clean(line, 500)}\n" for line in _lines(model))
    except InputError as error:
        text = "".join(f"unreadable: {clean(each.message)}\n" for each in error.problems)
        text += f"sha256 {_digest(model)}\n"
    click.echo(text, nl=False)
    return 0


def _lines(model: str) -> Iterable[str]:
    from kover.archive.reader import open_archive
    from kover.showing.stable import stable_lines

    with open_archive(model) as archive:
        archive.check()
        yield from stable_lines(archive)


def _digest(path: str) -> str:
    import hashlib

    from kover.archive.source_file import SourceFile
    from kover.errors import InputError

    digest = hashlib.sha256()
    try:
        with SourceFile.open(path) as file:  # which takes no pipe or device
            for piece in file.chunks(0, file.size):
                digest.update(piece)
    except InputError:
        return "unknown"
    return digest.hexdigest()
