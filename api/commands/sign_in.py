"""`restock sign-in`: a link that opens the desk once."""

from typing import Annotated

import typer

from api.commands.opening import load_settings, with_book


def sign_in(
    key: Annotated[
        str | None, typer.Option(help="Sign in with this key's rights, by name or id. [default: one that may do all]")
    ] = None,
) -> None:
    """Print a link that signs one browser in to the desk, once and within ten minutes."""
    settings = load_settings()
    from api.door.auth import KeyRing
    from api.door.sessions import Sessions
    from api.welcome import address_of, sign_in_link

    link = with_book(lambda book: Sessions(book, KeyRing(book, settings.api_key)).offer(key), settings)
    if link is None:
        wanted = f"no valid key {key!r}; see `restock keys list`" if key else "no key yet; `restock serve` makes one"
        typer.echo(f"There is {wanted}.", err=True)
        raise typer.Exit(1)
    typer.echo(sign_in_link(settings.public_url or address_of(settings), link))
