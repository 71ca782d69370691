"""The command `restock`. Each command imports what it needs, so that `--help` answers at once."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from api.commands.automatic import automatic
from api.commands.backup import backup
from api.commands.catalogue import catalogue
from api.commands.chat import chat
from api.commands.events import events
from api.commands.files import Reading, refusals
from api.commands.imports import bring_in, list_imports
from api.commands.keys import keys
from api.commands.learn import learn
from api.commands.lists import products, runs, suppliers
from api.commands.lookback import backtest, calibrate, scan
from api.commands.mcp import mcp
from api.commands.opening import NO_START, AsJson, finish, load_settings, prepared, with_book
from api.commands.options import with_options
from api.commands.orders import orders
from api.commands.other_orders import other_orders
from api.commands.sign_in import sign_in
from api.commands.sweep import sweep
from api.commands.today import today


class Commands(TyperGroup):
    """All commands. `--csv` alone means standard output, for which Typer has no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """With `-` after each `--csv` that names no file."""
        completed = []
        for each, following in zip(args, [*args[1:], "--"], strict=True):
            completed += [each, "-"] if each == "--csv" and following.startswith("--") else [each]
        return super().parse_args(ctx, completed)


app = typer.Typer(
    cls=Commands,
    help="Decides what to reorder, how much, and why. Settings come from the environment or .env.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(keys, name="keys")
app.add_typer(orders, name="orders")
app.add_typer(other_orders, name="orders-elsewhere")
app.add_typer(events, name="events")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; overrides HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; overrides PORT. 0 takes a free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that serve; limits are each its own.")] = 1,
) -> None:
    """Serve the HTTP API. The first start prints an API key, once."""
    listener, settings = prepared(load_settings(host=host, port=port))
    from api.server import serve as serve_until_stopped

    serve_until_stopped(settings, listener, workers=workers)


@app.command()
def worker(
    host: Annotated[str | None, typer.Option(help="Address of its health and metrics; overrides HOST.")] = None,
    port: Annotated[int, typer.Option(help="Port of its health and metrics. 0 takes a free one.")] = 0,
) -> None:
    """Carry out queued runs until stopped. Any host with the same database may do so."""
    listener, settings = prepared(load_settings(host=host, port=port, work_runs=True))
    from api.server import serve as serve_until_stopped

    serve_until_stopped(settings, listener, only_work=True)


@app.command()
def migrate() -> None:
    """Bring the database to the present schema, and end. Several hosts may do so at once."""
    settings = load_settings(migrate_at_start=True)
    from agent.running.preparation import prepare_databases

    finish(prepare_databases(settings), settings, code=NO_START)
    typer.echo("The database has the present schema.")


@app.command()
def demo(
    product_id: Annotated[str, typer.Argument(help="A product of the sample catalogue.")] = "STEEL_SHEETS",
) -> None:
    """Show one whole decision: calls, calculation, confidence, route, order. Nothing is stored."""
    settings = load_settings()
    from api.commands.demo import show_decision

    finish(show_decision(product_id, settings), settings)


@app.command()
def prune(as_json: AsJson = False) -> None:
    """Remove what is older than the KEEP_… settings say, never orders or decisions. The service may run meanwhile."""
    settings = load_settings()
    from agent.runtime import prune_once

    pruned = finish(prune_once(settings), settings)
    if as_json:
        typer.echo(json.dumps(pruned))
        return
    typer.echo("Forgotten: " + ", ".join(f"{number} {what}" for what, number in pruned.items()) + ".")


app.command("import")(bring_in)
app.command("imports")(list_imports)
for command in (
    catalogue,
    products,
    suppliers,
    today,
    sweep,
    runs,
    chat,
    mcp,
    backtest,
    scan,
    calibrate,
    learn,
    automatic,
    backup,
):
    app.command()(command)
app.command("sign-in")(sign_in)


@app.command()
@with_options
def outcomes(
    file: Annotated[Path, typer.Argument(help="A table with order_number, ran_out, left_over, received_quantity.")],
    how: Reading,
    as_json: AsJson = False,
) -> None:
    """Record how placed orders turned out, from a file. Lines recorded before are skipped."""
    settings = load_settings()
    from tools.catalog.reading.outcome_reports import outcome_reports
    from tools.planning.confidence import read_table

    with refusals():
        (reading,) = how.read((file, "outcomes", how.columns))
        reports = outcome_reports(reading)
    by, table = f"file {file.name}", read_table(settings.calibration_table)
    new, known = with_book(lambda book: book.outcomes.import_all(reports, recorded_by=by, table=table), settings)
    words = f"Recorded {new} outcomes; {known} were known."
    typer.echo(json.dumps({"recorded": new, "known": known}) if as_json else words)


@app.command()
def audit(
    run: Annotated[str | None, typer.Option(help="A run's id.")] = None,
    order: Annotated[str | None, typer.Option(help="An order's number.")] = None,
    review: Annotated[str | None, typer.Option(help="A review's id.")] = None,
    actor: Annotated[str | None, typer.Option(help="A key's id or name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Most entries to show.")] = 50,
    before: Annotated[int | None, typer.Option(help="The number of the last entry seen, to go on from.")] = None,
    as_json: AsJson = True,
) -> None:
    """Show who did what, newest first, one entry a line as JSON."""
    asked = {"run_id": run, "order_number": order, "review": review, "actor": actor}
    for entry in with_book(lambda book: book.audit.page(limit, before, **asked)):
        typer.echo(entry.model_dump_json(exclude_none=True))


def main() -> None:
    app()
