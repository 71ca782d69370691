"""`restock backtest`, `restock scan` and `restock calibrate`: for a file of past demand, or for your own catalogue."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.commands.files import Reading, refusals
from api.commands.opening import AsJson, with_book
from api.commands.options import with_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from tools.book.book import OrderBook
    from tools.catalog.demand_table import DemandTable
    from tools.catalog.reading import FileReading, Kind
    from tools.lookback.rolling_origin import Interval

DemandFile = Annotated[
    Path | None,
    typer.Argument(
        help="Sales (CSV, Excel or Parquet): product, date, quantity; or a row per product. [your catalogue]"
    ),
]
PeriodName = Literal["day", "week", "month"]
Period = Annotated[PeriodName | None, typer.Option(help="Length of a demand period. [as the file counts]")]
LeadTime = Annotated[float, typer.Option(help="Lead time in days.")]
Review = Annotated[float, typer.Option(help="Review period in days.")]


def _demand(file: Path | None, period: PeriodName | None, how: Reading) -> "tuple[DemandTable, str]":
    """Past demand of the file, else of your catalogue, or of the sample while there is none; and its name. What was
    assumed is shown."""
    from tools.catalog.demand_table import demand_table
    from tools.catalog.present import PresentCatalog

    _require_file(file, how, period)
    if file is None:
        table, name = with_book(lambda book: PresentCatalog(book).past_demand())
    else:
        (reading,) = how.read((file, "sales", how.columns))
        table, name = demand_table(reading, period=period), file.name
    _tell(table.notes)
    return table, name


def _require_file(file: Path | None, how: Reading, *of_files: object) -> None:
    if file is None and (any(of_files) or replace(how, drop_returns=False) != Reading()):
        raise typer.BadParameter("--period, --map and the like say how a file is read: name the file too.")


def _interval(table: "DemandTable", lead_time: float, review: float) -> "Interval":
    """Days as whole periods of the table. Stock is looked at once a period at most."""
    from tools.lookback.rolling_origin import Interval

    return Interval(round(lead_time / table.period_days), max(1, round(review / table.period_days)))


def _tell(notes: "Sequence[str]") -> None:
    for note in notes:
        typer.echo(note, err=True)


@with_options
def backtest(
    how: Reading,
    file: Annotated[
        Path | None, typer.Argument(help="As for `scan`; without it your catalogue, or the sample.")
    ] = None,
    report: Annotated[Path, typer.Option("--report", "--out", help="Where the report goes.")] = Path("backtest.html"),
    period: Period = None,
    lead_time: LeadTime = 7,
    review: Review = 1,
    late: Annotated[list[int] | None, typer.Option(help="Periods an order is late; repeat for equal shares.")] = None,
    service: Annotated[list[float] | None, typer.Option(help="Level to ask for; repeatable. [.9 .95 .98 .99]")] = None,
    step: Annotated[int | None, typer.Option(help="Periods between two past moments. [60 moments]")] = None,
    minimum_order: Annotated[float, typer.Option(help="Smallest order.")] = 0.0,
    multiple: Annotated[float, typer.Option(help="Orders are multiples of this.")] = 1.0,
    lost_sales: Annotated[bool, typer.Option("--lost-sales", help="Unmet demand is lost instead of waiting.")] = False,
    holding_rate: Annotated[float, typer.Option(help="Share of the price, per year.")] = 0.2,
    order_cost: Annotated[float, typer.Option(help="Cost of an order.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Look back on your own demand, as FILE --report out.html: achieved and asked service, stock, cost, confidence."""
    from api.pages.report import write_report
    from tools.lookback.backtest import backtest as look_back
    from tools.lookback.coverage import SERVICE_LEVELS
    from tools.lookback.progress import progress_bar
    from tools.lookback.report import figures, summary
    from tools.lookback.simulation import OrderTerms

    terms = OrderTerms(
        minimum_order_quantity=minimum_order,
        order_multiple=multiple,
        backorders=not lost_sales,
        lead_time_spread=tuple(late or [0]),
        holding_rate=holding_rate,
        order_cost=order_cost,
    )
    with refusals():
        table, name = _demand(file, period, how)
        asked = tuple(service) if service else SERVICE_LEVELS
        interval = _interval(table, lead_time, review)
        found = look_back(table, interval, terms=terms, asked=asked, step=step, progress=progress_bar)
        write_report(found, report, name=name)
    typer.echo(json.dumps(figures(found) | {"report": str(report)}) if as_json else f"{summary(found)}report: {report}")


@with_options
def scan(
    how: Reading,
    file: DemandFile = None,
    products: Annotated[Path | None, typer.Option(help="CSV, Excel or Parquet with each product's terms.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write all rows and columns here, .csv or .parquet.")] = None,
    top: Annotated[int, typer.Option(help="Products to show.")] = 20,
    period: Period = None,
    lead_time: Annotated[float, typer.Option(help="Days, where the terms do not say.")] = 7.0,
    review: Annotated[float, typer.Option(help="Review period in days, where the terms do not say.")] = 0.0,
    service: Annotated[float, typer.Option(help="Cycle service level, where the terms do not say.")] = 0.95,
    terms_columns: Annotated[
        list[str] | None, typer.Option("--map-products", help="As --map, for TERMS; repeatable.")
    ] = None,
    pooled: Annotated[bool, typer.Option("--pooled", help="Ask for what similar products had to ask for.")] = False,
    as_json: AsJson = False,
) -> None:
    """Plan every product, as FILE --products TERMS --out plans.csv; without FILE those of your own catalogue.

    The largest lost revenue a day comes first. Each location is planned by itself; `restock today` finds transfers.

    TERMS has a row for each product: product_id and any of lead_time_days, on_hand, on_order, unit_price,
    minimum_order_quantity and the like. Without TERMS every product of FILE is planned with nothing in stock, and your
    catalogue with the terms, stock and open orders that it has.
    """
    from tools.sweep.scan_table import listing, scan_demand, write_plans

    _require_file(file, how, period, products, terms_columns)
    with refusals():
        if file is None:
            found = _own_plans(pooled=pooled)
        else:
            files: list[tuple[Path, Kind, list[str] | None]] = [(file, "sales", how.columns)]
            if products is not None:
                files.append((products, "products", terms_columns))
            table, terms = _demand_and_terms(how.read(*files), period)
            found = scan_demand(
                table,
                products=terms,
                pooled=pooled,
                lead_time_days=lead_time,
                review_period_days=review,
                service_level=service,
            )
        if out is not None:
            write_plans(found, out)
    typer.echo(found.head(top).to_json(orient="records", lines=True).strip() if as_json else listing(found, top))


def _own_plans(*, pooled: bool) -> "pd.DataFrame":
    """The plans of your own catalogue. What has none is named."""
    from tools.catalog.own import NoCatalogue, OwnCatalog
    from tools.sweep.scan_table import scan_catalogue

    async def plans(book: "OrderBook") -> "tuple[pd.DataFrame, list[str]]":
        own = OwnCatalog(book.database)
        if not await own.has_products():
            raise NoCatalogue(
                "There is no catalogue of your own yet: bring one in with `restock import`, or name a file of sales."
            )
        return scan_catalogue(await own.snapshot(), await book.stock.of_catalogue("database"), pooled=pooled)

    found, notes = with_book(plans)
    _tell(notes)
    return found


def _demand_and_terms(
    readings: "Sequence[FileReading]", period: PeriodName | None
) -> "tuple[DemandTable, pd.DataFrame | None]":
    """Past demand and terms of the files. What was assumed, and what does not match, is shown."""
    from tools.catalog.demand_table import demand_table
    from tools.sweep.scan_table import unmatched

    sales, *others = readings
    terms = others[0].frame if others else None
    table = demand_table(sales, period=period, by_location=terms is None or "location" in terms)
    _tell([*table.notes, *([] if terms is None else unmatched(table, terms))])
    return table, terms


@with_options
def calibrate(
    how: Reading,
    out: Annotated[Path, typer.Option(help="Where the table goes (JSON).")],
    file: Annotated[Path | None, typer.Argument(help="As for `scan`; without it your catalogue.")] = None,
    lead_time: LeadTime = 7,
    review: Review = 1,
    period: Period = None,
    as_json: AsJson = False,
) -> None:
    """Fit the confidence on your own demand and recorded outcomes, as FILE --out TABLE; then set CALIBRATION_TABLE."""
    from tools.lookback.calibration import fitted_on_origins, moved_by_outcomes, write
    from tools.lookback.progress import progress_bar
    from tools.lookback.rolling_origin import rolling_origins

    recorded = with_book(lambda book: book.outcomes.latest(limit=None))
    with refusals():
        table, name = _demand(file, period, how)
        interval = _interval(table, lead_time, review)
        origin = f"{name}, lead time {lead_time:g}, review {review:g} ({table.period})"
        origins = rolling_origins(table, interval, progress=progress_bar)
        fitted = moved_by_outcomes(fitted_on_origins(origins, origin=origin), recorded)
        write(fitted, out)
    if as_json:
        done = {"table": str(out.resolve()), "curves": len(fitted.curves), "products": len(table.products)}
        outcomes = {"past_proposals": fitted.proposals, "recorded_outcomes": fitted.recorded_outcomes}
        typer.echo(json.dumps(done | outcomes))
        return
    typer.echo(
        f"wrote {out}: {len(fitted.curves)} curves from {len(table.products)} products, {fitted.proposals:,} "
        f"past proposals and {fitted.recorded_outcomes} of {len(recorded)} recorded outcomes\n"
        f"use it: CALIBRATION_TABLE={out.resolve()}"
    )
