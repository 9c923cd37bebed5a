"""`kover explain CODE`: what a problem means, why it is one, and how to fix it."""

from __future__ import annotations

import click

from kover.explain.reading import codes, page, summary

_HELP = """Tell what the code of a problem means, why it is one, and how to fix it.

`spec error[unknown-layer]` has the code `unknown-layer`. Without a CODE all are listed; `spec`
prints the reference of the spec language: every key, and what each class of Keras takes.

\b
  kover explain unknown-layer
  kover explain spec | less
"""
_REFERENCE = "spec"


class _Code(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """A code that has a page; shells complete it."""

    name = "code"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """The codes that begin with what is there."""
        from click.shell_completion import CompletionItem

        known = [_REFERENCE, *codes()]
        return [CompletionItem(code) for code in known if code.startswith(incomplete)]


@click.command("explain", help=_HELP)
@click.argument("names", nargs=-1, metavar="[CODE]...", type=_Code())
def command(names: tuple[str, ...]) -> int:
    """Print pages; see `_HELP`."""
    if not names:
        width = max(map(len, codes()), default=0)
        click.echo("\n".join(f"{code:<{width}}  {summary(code)}" for code in codes()))
        return 0
    click.echo("\n".join(_page(name) for name in names), nl=False)
    return 0


def _page(name: str) -> str:
    if name == _REFERENCE:
        from kover.reference.spec_reference import spec_reference

        return spec_reference()
    code = name.rpartition("[")[2].rstrip("]:")  # as it stands in a message
    found = page(code)
    if found is None:
        from kover.errors import UsageError
        from kover.report.clean import clean
        from kover.suggest import did_you_mean

        message = f"there is no problem of the code '{clean(code)}'"
        help = did_you_mean(code, codes(), "codes") or "`kover explain` lists all codes"
        raise UsageError.at("unknown-code", message, None, help)
    return found
