"""`restock backtest`, `restock scan` and `restock calibrate`: for a file of past demand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.commands.files import Dates, DecimalMark, Map, Reading, Rejects, Sheet, SkipBad, refusals
from api.commands.opening import load_settings, with_book

if TYPE_CHECKING:
    from tools.book.book import OrderBook
    from tools.catalog.demand_table import DemandTable
    from tools.lookback.rolling_origin import Interval
    from tools.records.orders import OrderOutcome

DemandFile = Annotated[
    Path, typer.Argument(help="Sales (CSV, Excel or Parquet): product, date, quantity; or a row per product.")
]
PeriodName = Literal["day", "week", "month"]
Period = Annotated[PeriodName | None, typer.Option(help="Length of a demand period. [as the file counts]")]
LeadTime = Annotated[float, typer.Option(help="Lead time in days.")]
Review = Annotated[float, typer.Option(help="Review period in days.")]
DropReturns = Annotated[bool, typer.Option("--drop-returns", help="Returns never lower demand; kept for old scripts.")]


def _demand(
    file: Path | None, period: PeriodName | None, how: Reading, given: list[str] | None
) -> "tuple[DemandTable, str]":
    """Past demand of the file, else of your catalogue, and its name. What was assumed is shown."""
    from tools.catalog.demand_table import demand_table

    if file is None:
        table, name = _catalogue()
    else:
        (reading,) = how.read((file, "sales", given))
        table, name = demand_table(reading, period=period), file.name
    _tell(table)
    return table, name


def _catalogue() -> "tuple[DemandTable, str]":
    """Past demand of your own catalogue, or of the sample while there is none, and its name."""
    from tools.catalog.demand_table import sample_table
    from tools.catalog.own import OwnCatalog
    from tools.catalog.own_table import own_table

    async def table(book: "OrderBook") -> "tuple[DemandTable, str]":
        own = OwnCatalog(book.database)
        if not await own.has_products():
            return sample_table(), "the sample catalogue"
        return own_table(await own.snapshot()), "your catalogue"

    return with_book(load_settings(), table)


def _interval(table: "DemandTable", lead_time: float, review: float) -> "Interval":
    """Days as whole periods of the table. Stock is looked at once a period at most."""
    from tools.lookback.rolling_origin import Interval

    return Interval(round(lead_time / table.period_days), max(1, round(review / table.period_days)))


def _tell(table: "DemandTable") -> None:
    for note in table.notes:
        typer.echo(note, err=True)


def backtest(
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
    drop_returns: DropReturns = False,
    columns: Map = None,
    sheet: Sheet = None,
    decimal: DecimalMark = None,
    dates: Dates = None,
    skip_bad: SkipBad = False,
    rejects: Rejects = None,
) -> None:
    """Look back on your own demand, as FILE --report out.html: achieved and asked service, stock, cost, confidence."""
    from tools.lookback.backtest import backtest as look_back
    from tools.lookback.coverage import SERVICE_LEVELS
    from tools.lookback.progress import progress_bar
    from tools.lookback.report import summary, write_report
    from tools.lookback.simulation import OrderTerms

    terms = OrderTerms(
        minimum_order_quantity=minimum_order,
        order_multiple=multiple,
        backorders=not lost_sales,
        lead_time_spread=tuple(late or [0]),
        holding_rate=holding_rate,
        order_cost=order_cost,
    )
    how = Reading(sheet, decimal, dates, skip_bad, rejects)
    with refusals():
        table, name = _demand(file, period, how, columns)
        asked = tuple(service) if service else SERVICE_LEVELS
        interval = _interval(table, lead_time, review)
        found = look_back(table, interval, terms=terms, asked=asked, step=step, progress=progress_bar)
        write_report(found, report, name=name)
    typer.echo(f"{summary(found)}report: {report}")


def scan(
    file: DemandFile,
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
    drop_returns: DropReturns = False,
    columns: Map = None,
    sheet: Sheet = None,
    decimal: DecimalMark = None,
    dates: Dates = None,
    skip_bad: SkipBad = False,
    rejects: Rejects = None,
) -> None:
    """Plan every product of a file, as FILE --products TERMS --out plans.csv; `restock today` plans your catalogue.

    The largest lost revenue a day comes first.

    TERMS has a row for each product: product_id and any of lead_time_days, on_hand, on_order, unit_price,
    minimum_order_quantity and the like. Without TERMS every product of FILE is planned with nothing in stock.
    """
    from tools.catalog.demand_table import demand_table
    from tools.sweep.scan_table import listing, scan_demand, unmatched, write_plans

    how = Reading(sheet, decimal, dates, skip_bad, rejects)
    with refusals():
        if products is None:
            (sales,), terms = how.read((file, "sales", columns)), None
        else:
            sales, given = how.read((file, "sales", columns), (products, "products", terms_columns))
            terms = given.frame
        table = demand_table(sales, period=period, by_location=terms is None or "location" in terms)
        _tell(table)
        for note in () if terms is None else unmatched(table, terms):
            typer.echo(note, err=True)
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
    typer.echo(listing(found, top))


def calibrate(
    out: Annotated[Path, typer.Option(help="Where the table goes (JSON).")],
    file: Annotated[Path | None, typer.Argument(help="As for `scan`; without it your catalogue.")] = None,
    lead_time: LeadTime = 7,
    review: Review = 1,
    period: Period = None,
    drop_returns: DropReturns = False,
    columns: Map = None,
    sheet: Sheet = None,
    decimal: DecimalMark = None,
    dates: Dates = None,
    skip_bad: SkipBad = False,
    rejects: Rejects = None,
) -> None:
    """Fit the confidence on your own demand and recorded outcomes, as FILE --out TABLE; then set CALIBRATION_TABLE."""
    from tools.lookback.calibration import fitted_on_origins, moved_by_outcomes, write
    from tools.lookback.progress import progress_bar
    from tools.lookback.rolling_origin import rolling_origins

    async def known(book: "OrderBook") -> "list[OrderOutcome]":
        return await book.outcomes.latest(limit=None)

    recorded = with_book(load_settings(), known)
    with refusals():
        how = Reading(sheet, decimal, dates, skip_bad, rejects)
        table, name = _demand(file, period, how, columns)
        interval = _interval(table, lead_time, review)
        origin = f"{name}, lead time {lead_time:g}, review {review:g} ({table.period})"
        origins = rolling_origins(table, interval, progress=progress_bar)
        fitted = moved_by_outcomes(fitted_on_origins(origins, origin=origin), recorded)
        write(fitted, out)
    typer.echo(
        f"wrote {out}: {len(fitted.curves)} curves from {len(table.products)} products, {fitted.proposals:,} "
        f"past proposals and {fitted.recorded_outcomes} of {len(recorded)} recorded outcomes\n"
        f"use it: CALIBRATION_TABLE={out.resolve()}"
    )
