"""`restock events …`: events that could not be delivered to webhook receivers."""

import json
from typing import Annotated

import typer

from api.commands.opening import AsJson, operator, with_book

events = typer.Typer(help="Events that could not be delivered.", no_args_is_help=True, rich_markup_mode=None)


@events.command()
def dead(as_json: AsJson = False) -> None:
    """Show the newest 200 dead letters."""
    for letter in with_book(lambda book: book.deliveries.dead_letters(200)):
        if as_json:
            typer.echo(letter.model_dump_json())
            continue
        what = f"{letter.event} of run {letter.run_id}, {letter.happened_at:%Y-%m-%d %H:%M:%S} UTC"
        typer.echo(f"{letter.number}  {letter.receiver}  {what}: {letter.last_error}")


@events.command()
def replay(
    number: Annotated[
        int | None, typer.Argument(help="A dead letter's number, as `restock events dead` shows it.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try one dead letter again, or all."""
    if every == (number is not None):
        raise typer.BadParameter("Give a dead letter's number or --all.")
    count = with_book(lambda book: book.deliveries.replay(number, by=operator()))
    typer.echo(json.dumps({"tried_again": count}) if as_json else f"Dead letters that are tried again: {count}.")
