"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from kover.values import JSON

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class FileName(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """Text that names a file, which a shell can complete; whether it exists is asked later."""

    name = "file"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Leave it to the shell, which knows its files."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


FILE: Final = FileName()


def parameters_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-p name=value`, repeatable; the command gets a mapping named `parameters`."""
    return click.option(
        "-p",
        "--parameter",
        "parameters",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_read_parameters,
        help="Give a parameter of the spec a value; repeatable.",
    )(function)


def limits_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--limit NAME=AMOUNT`, repeatable; it holds for all that the command opens."""
    return click.option(
        "--limit",
        metavar="NAME=AMOUNT",
        multiple=True,
        expose_value=False,
        callback=_raise_limits,
        help="Take archives that ask for more, such as config-size=64MB; repeatable.",
    )(function)


def _raise_limits(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> None:
    if not given:
        return
    from kover.archive.limits import put_in_force, raised

    try:
        limits = raised(given)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error
    context.with_resource(put_in_force(limits))


def github_summary_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--github-summary`: append to the files that a GitHub workflow names."""
    return click.option(
        "--github-summary",
        is_flag=True,
        help="In a GitHub workflow, also write the step's summary and outputs.",
    )(function)


def _read_parameters(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> dict[str, JSON]:
    values: dict[str, JSON] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"'{text}' is not NAME=VALUE", context, option)
        if name in values:
            raise click.BadParameter(f"'{name}' is given twice", context, option)
        values[name] = _value(name, value)
    return values


def _value(name: str, text: str) -> JSON:
    from kover.source import Source
    from kover.spec.yaml_nodes import parse_scalar

    return parse_scalar(text, Source(f"-p {name}"))
