"""The command `restock`. Everything heavy is imported by the command that needs it: `--help` answers at once."""

from typing import TYPE_CHECKING, Annotated

import typer

from api import webhook_commands

if TYPE_CHECKING:
    from agent.settings import Settings

app = typer.Typer(
    help="Decides what to reorder, how much, and why. Settings come from the environment or .env.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(webhook_commands.app, name="webhooks")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; overrides HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; overrides PORT. 0 takes a free one.")] = None,
) -> None:
    """Serve the HTTP API. The first start prints an API key, once."""
    settings = _settings(host=host, port=port)
    from api.server import serve as serve_until_stopped

    serve_until_stopped(settings)


@app.command()
def migrate() -> None:
    """Bring the database to the present schema, and end. Safe to run from several hosts at once."""
    import asyncio

    settings = _settings()
    from agent.runtime import prepare_databases
    from tools.errors import RestockError

    try:
        asyncio.run(prepare_databases(settings))
    except RestockError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from None
    typer.echo("The database has the present schema.")


@app.command()
def demo(
    product_id: Annotated[str, typer.Argument(help="A product of the sample catalogue.")] = "STEEL_SHEETS",
) -> None:
    """Show one whole decision: calls made, calculation, confidence, route, order. Leaves nothing behind."""
    import asyncio

    settings = _settings()
    from api.demo import show_decision
    from tools.errors import RestockError

    try:
        asyncio.run(show_decision(product_id, settings))
    except RestockError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from None


@app.command()
def prune() -> None:
    """Forget what is older than the KEEP_… settings say, beside a serving process or not. Never orders or decisions."""
    import asyncio

    settings = _settings()
    from agent.runtime import prune_once
    from tools.errors import RestockError

    try:
        pruned = asyncio.run(prune_once(settings))
    except RestockError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from None
    typer.echo("Forgotten: " + ", ".join(f"{number} {what}" for what, number in pruned.items()) + ".")


def _settings(**given: str | int | None) -> "Settings":
    from pydantic import ValidationError

    from agent.settings import Settings

    try:
        return Settings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            name = "_".join(map(str, fault["loc"])).upper()
            typer.echo(f"{name}: {fault['msg']}. Correct it in the environment or .env.", err=True)
        raise typer.Exit(2) from None


def main() -> None:
    app()
