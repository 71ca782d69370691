"""`restock learn` for the own catalogue: what is learned of each place, and what it changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.placing import next_value
from tools.book.stock import OwnOrders
from tools.catalog.block import Block, block_of
from tools.catalog.importing.changes import upsert
from tools.catalog.own import VERSION
from tools.catalog.own_table import own_table
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
    table = own_table(snapshot, block.places)
    chosen = set(zip(table.products, table.locations, strict=True))
    rows = np.flatnonzero([place in chosen for place in block.places])
    lengths = _lengths(block)[rows]
    whole = np.maximum(1, np.rint(lengths)).astype(int)
    found = learn(table, [Interval(length, 0) for length in whole.tolist()], progress=progress)
    learned_by_place = _by_place(snapshot, block, rows, found, lengths / whole)
    return LearnedCatalogue(
        learned_by_place,
        found.results,
        _levels(snapshot, own, block, learned_by_place),
        len(block.places) - len(learned_by_place),
    )


def _lengths(block: Block) -> FloatArray:
    """Periods in the protection interval of each place."""
    terms = block.terms
    lead, review, days = map(np.asarray, (terms.lead_time_days, terms.review_period_days, terms.period_days))
    return np.asarray((lead + review) / days)


def _by_place(
    snapshot: Snapshot, block: Block, rows: IntArray, found: LearnedTable, scale: FloatArray
) -> dict[Place, LearnedDemand]:
    days, lengths = np.asarray(block.terms.period_days), _lengths(block)
    learned_by_place = {}
    columns = (found.rows, found.mean, found.sd, found.share)
    for row, mean, sd, share in zip(*(column.tolist() for column in columns), strict=True):
        place = block.places[rows[row]]
        last = snapshot.open_days(place).last
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
