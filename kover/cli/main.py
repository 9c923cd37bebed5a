"""The `kover` command: a table of commands that are imported when they are used.

`run` is the one place that turns an error into text on standard error and an exit code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import click

from kover import __version__
from kover.cli.process import (
    CLOSED_PIPE,
    INTERRUPTED,
    discard_stdout,
    escape_what_the_terminal_lacks,
    is_own_process,
    leave,
    start_lightly,
    termination_raises,
)

COMMANDS: Final = {
    "apply": ("kover.cli.apply", "Change a model as specs say, verify it, write model and report."),
    "diff": ("kover.cli.diff", "Show what differs between two models."),
    "validate": ("kover.cli.validate", "Check specs, also against a model."),
    "show": ("kover.cli.show", "List the layers of a model and their settings."),
    "init": ("kover.cli.init", "Write a commented starter spec for a model."),
    "schema": ("kover.cli.schema", "Print the JSON Schema of specs."),
    "git": ("kover.cli.git", "Let git show what changed in .keras files."),
    "explain": ("kover.cli.explain", "Tell what a problem means, and how to fix it."),
}

_GARBAGE_THRESHOLD: Final = 50_000  # starting up makes many objects and no garbage


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        module = COMMANDS[cmd_name][0]
        try:
            command: click.Command = import_module(module).command
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise click.UsageError(f"'{cmd_name}' is not part of this kover", ctx) from error
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called, or say which one may have been meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from kover.report.clean import clean
            from kover.suggest import did_you_mean

            help = did_you_mean(name, COMMANDS, "commands")
            raise click.UsageError(f"no such command '{clean(name)}'; {help}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the table, importing nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])


def _show_traceback(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(dict)["traceback"] = True


@click.group(
    "kover",
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="'kover COMMAND --help' shows a command's options.",
)
@click.version_option(__version__, prog_name="kover", message="%(prog)s %(version)s")
@click.option(
    "--traceback",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_traceback,
    help="Show the whole traceback of a bug.",
)
def group() -> None:
    """Change the hyperparameters inside a saved .keras model."""


def run(args: Sequence[str] | None = None) -> int:
    """Run kover and return its exit code.

    Args:
        args: the command line. By default that of the process, which then ends here.

    Raises:
        SystemExit: with the exit code, when `args` is not given.
    """
    if args is not None:
        return _run(args)
    start_lightly()
    code = _run(sys.argv[1:])
    if is_own_process():
        leave(code)
    raise SystemExit(code)


def _run(args: Sequence[str]) -> int:
    state: dict[str, Any] = {"traceback": bool(os.environ.get("KOVER_TRACEBACK"))}
    escape_what_the_terminal_lacks()
    with termination_raises():
        try:
            code = _invoke(list(args), state)
            if sys.stdout is not None:
                sys.stdout.flush()
        except (KeyboardInterrupt, click.Abort):
            return INTERRUPTED
        except BrokenPipeError:
            discard_stdout()
            return CLOSED_PIPE
        except click.ClickException as error:
            from kover.report.clean import escape_unprintable

            # Its message quotes what a `*` may have found; click 8.4 declares it final.
            vars(error)["message"] = escape_unprintable(error.message)
            with suppress(OSError):
                error.show()
            return 2
        except Exception as error:  # noqa: BLE001 (the one place that maps errors to exit codes)
            from kover.cli.messages import print_failure

            return print_failure(error, state["traceback"])
        return code


def _invoke(args: list[str], state: dict[str, Any]) -> int:
    if "_KOVER_COMPLETE" in os.environ:
        group.main(args, prog_name="kover", obj=state)
    try:
        with group.make_context("kover", args, obj=state) as context:
            result = group.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    return result if isinstance(result, int) else 0
