"""`restock learn` for the own catalogue: what is learned of each place, and what it changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.placing import next_value
from tools.book.stock import OwnOrders
from tools.catalog.block import Block, block_of
from tools.catalog.demand_table import DemandTable
from tools.catalog.histories import PERIOD_DAYS, Period
from tools.catalog.importing.changes import upsert
from tools.catalog.own import VERSION
from tools.catalog.snapshot import Place, Snapshot, stated_cuts
from tools.lookback.learning import ClassResult, LearnedTable, Progress, learn
from tools.lookback.rolling_origin import Interval
from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.scan import scan
from tools.records.errors import InvalidInput
from tools.records.facts import LearnedDemand
from tools.storage.catalogue_schema import learned
from tools.storage.database import Store, writes


@dataclass(frozen=True, slots=True)
class LearnedCatalogue:
    """What was learned, and what it does to the levels."""

    learned: Mapping[Place, LearnedDemand]
    results: tuple[ClassResult, ...]
    levels: Mapping[Place, tuple[float, float]]
    """The reorder point without and with what was learned."""
    left_out: int
    """Places that count demand by other periods than most, or know too little of it."""


class LearnedStore(Store):
    """Keeps what was learned, in place of what was there."""

    @writes
    def keep(self, connection: Connection, found: Mapping[Place, LearnedDemand]) -> None:
        connection.execute(sa.delete(learned))
        rows = [
            {"product_id": place[0], "location": place[1], "value": value.model_dump(mode="json")}
            for place, value in found.items()
        ]
        upsert(connection, learned, rows)
        next_value(connection, VERSION)


def learn_catalogue(snapshot: Snapshot, own: OwnOrders, *, progress: Progress = lambda _: None) -> LearnedCatalogue:
    """Learn from all places that count demand by the same period as most do. Nothing is stored.

    Raises InvalidInput where LightGBM is not there, or too little is known.
    """
    block = block_of(snapshot, own)
    if not block.places:
        raise InvalidInput(
            "Your catalogue has no product that can be planned yet; `restock today` says what is missing."
        )
    period_days, lengths = _columns(block)
    values, counts = np.unique(period_days, return_counts=True)
    rows = np.flatnonzero(period_days == values[counts.argmax()])
    table = _table(snapshot, block, rows, float(values[counts.argmax()]))
    whole = np.maximum(1, np.rint(lengths[rows])).astype(int)
    found = learn(table, [Interval(length, 0) for length in whole.tolist()], progress=progress)
    learned_by_place = _by_place(snapshot, block, rows, found, lengths[rows] / whole)
    return LearnedCatalogue(
        learned_by_place,
        found.results,
        _levels(snapshot, own, block, learned_by_place),
        len(block.places) - len(learned_by_place),
    )


def _columns(block: Block) -> tuple[FloatArray, FloatArray]:
    """Of each place: days in a period, and periods in its protection interval."""
    terms = block.terms
    lead, review, days = (
        np.asarray(each) for each in (terms.lead_time_days, terms.review_period_days, terms.period_days)
    )
    return days, (lead + review) / days


def _table(snapshot: Snapshot, block: Block, rows: IntArray, period_days: float) -> DemandTable:
    period: Period = next((name for name, days in PERIOD_DAYS.items() if days == period_days), "day")
    places = [block.places[row] for row in rows.tolist()]
    return DemandTable(
        tuple(product_id for product_id, _ in places),
        block.demand[rows],
        period,
        np.asarray(block.terms.unit_price)[rows],
        locations=tuple(location for _, location in places),
        open_days=round(7 / period_days) if period == "day" else 7,
        promotions=None if block.promotions is None else block.promotions[rows],
        groups=tuple(snapshot.products[product_id]["category"] for product_id, _ in places),
    )


def _by_place(
    snapshot: Snapshot, block: Block, rows: IntArray, found: LearnedTable, scale: FloatArray
) -> dict[Place, LearnedDemand]:
    days, lengths = _columns(block)
    learned_by_place = {}
    columns = (found.rows, found.mean, found.sd, found.share)
    for row, mean, sd, share in zip(*(column.tolist() for column in columns), strict=True):
        place, last = block.places[rows[row]], snapshot.last_period(block.places[rows[row]])
        if share > 0 and last is not None:
            planned = snapshot.promotions_planned(place)
            learned_by_place[place] = LearnedDemand(
                mean=mean * scale[row],
                sd=sd * scale[row] ** 0.5,
                share=share,
                interval_days=float(lengths[rows[row]] * days[rows[row]]),
                last_period=last,
                planned_promotion_periods=frozenset(planned),
                planned_price_cuts=stated_cuts(planned),
            )
    return learned_by_place


def _levels(
    snapshot: Snapshot, own: OwnOrders, block: Block, found: Mapping[Place, LearnedDemand]
) -> dict[Place, tuple[float, float]]:
    plain = scan(block.demand, block.terms, promotions=block.promotions)
    after = block_of(replace(snapshot, learned=found), own)
    taught = scan(after.demand, after.terms, promotions=after.promotions, learned=after.learned)
    pairs = zip(plain.reorder_point.tolist(), taught.reorder_point.tolist(), strict=True)
    return dict(zip(block.places, pairs, strict=True))
