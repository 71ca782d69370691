"""`restock sweep`: decides on the whole catalogue at once, with a server running or not."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.opening import AsJson, finish, load_settings, operator
from api.commands.options import with_options
from api.commands.today import Narrowed

if TYPE_CHECKING:
    from agent.settings import Settings
    from tools.records.facts import Mode
    from tools.records.sweeps import SweepReport, Tally
    from tools.sweep.pages import Filters

LOOK_SECONDS = 0.3
HEADINGS = {"placed": "Placed", "waiting": "Waiting for a person", "not_ordered": "Not ordered"}
HEADINGS |= {"unfinished": "Not finished"}
WOULD_BE = HEADINGS | {"placed": "Would be placed", "waiting": "Would wait for a person"}


@with_options
def sweep(
    narrowed: Narrowed,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come of it, and record nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decide on everything in today's list that triggers: safe orders are placed, doubtful ones wait for a person.

    Nothing is doubled if a sweep is repeated, or killed and begun again."""
    settings = load_settings(check_models=False)
    mode, report = finish(_swept(settings, narrowed.filters(), dry_run), settings)
    if mode == "mock":
        typer.echo("The sample catalogue was swept: bring in your own with `restock import`.", err=True)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
        return
    for line in _page(report, WOULD_BE if dry_run else HEADINGS):
        typer.echo(line)


async def _swept(settings: "Settings", filters: "Filters", dry_run: bool) -> "tuple[Mode, SweepReport]":
    from agent.runtime import open_runtime
    from api.server import log_as_set
    from tools.lookback.progress import progress_bar

    log_as_set(settings.model_copy(update={"log_level": "error"}))
    async with open_runtime(settings.model_copy(update={"work_runs": not dry_run})) as runtime:
        mode = (await runtime.today.present()).mode
        if dry_run:
            return mode, await runtime.sweeps.preview(filters, by=operator(), progress=progress_bar)
        begun = await runtime.sweeps.begin(filters, by=operator())
        status = begun.status
        while status == "running":
            await asyncio.sleep(LOOK_SECONDS)
            status, ended = await runtime.book.sweeps.progress(begun.id)
            if begun.total:
                progress_bar(ended if status == "running" else begun.total, begun.total)
        return mode, await runtime.sweeps.report(await runtime.book.sweeps.get(begun.id))


def _page(report: "SweepReport", headings: dict[str, str]) -> Iterator[str]:
    """The report as lines of text."""
    if not report.total:
        yield "Nothing is to be ordered today."
        return
    for outcome, tally in report.outcomes.items():
        yield f"{headings[outcome]}: {_words(tally)}"
    if report.only_proposed.products:
        yield f"  of which would have gone out by themselves: {_words(report.only_proposed)}"
        yield "  They wait only because automatic ordering is off; `restock automatic on` changes that."
    yield "\nBy supplier"
    for each in report.suppliers:
        parts = (f"{headings[outcome].lower()} {_words(tally)}" for outcome, tally in each.outcomes.items())
        yield f"  {each.supplier or 'no supplier'}: {'; '.join(parts)}"
    yield from _lines(report, headings)


def _lines(report: "SweepReport", headings: dict[str, str]) -> Iterator[str]:
    from tools.records.text import amount

    outcome = None
    for line in report.lines:
        if line.outcome != outcome:
            outcome = line.outcome
            yield f"\n{headings[outcome]}"
        worth = "" if line.value is None else f", {line.value:,.2f} {line.currency}"
        number = line.order_number or line.review_id
        yield f"  {f'{number}  ' if number else ''}{line.product_id} at {line.location}: {amount(line.quantity)}{worth}"
        yield from (f"      {reason}" for reason in line.reasons)


def _words(tally: "Tally") -> str:
    money = " + ".join(f"{value:,.2f} {currency}" for currency, value in tally.money.items())
    return f"{tally.products}{f' ({money})' if money else ''}"
