"""Past demand of the own catalogue as a table, for looking back."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tools.catalog.block import promotions_of
from tools.catalog.demand_table import DemandTable, right_aligned
from tools.catalog.histories import Period
from tools.catalog.sample.reader import BASE_DATE, read_sample
from tools.catalog.snapshot import Place, Snapshot
from tools.records.errors import InvalidInput
from tools.records.text import several


def own_table(snapshot: Snapshot, places: Sequence[Place] | None = None) -> DemandTable:
    """The histories of these places, or of all, at the locations that count demand as most do: by the same period, and
    as many days a week.

    Histories of other locations are left out, and counted in the notes. Raises InvalidInput where there is no demand.
    """
    known = [place for place in places or snapshot.places if place in snapshot.histories]
    if not known:
        raise InvalidInput("Your catalogue has no demand yet; import sales, or name a file of sales.")
    kinds = {place: _kind(snapshot, place) for place in known}
    usual = period, open_days = Counter(kinds.values()).most_common(1)[0][0]
    chosen = [place for place in known if kinds[place] == usual]
    prices = [snapshot.product(product_id).unit_price for product_id, _ in chosen]
    demand = right_aligned([snapshot.open_days(place).demand() for place in chosen])
    return DemandTable(
        products=tuple(product_id for product_id, _ in chosen),
        demand=demand,
        promotions=promotions_of(snapshot, chosen, demand.shape[1]),
        period=period,
        unit_prices=np.array([np.nan if price is None else float(price) for price in prices]),
        notes=_notes(len(known) - len(chosen), period, open_days),
        locations=tuple(location for _, location in chosen),
        open_days=open_days,
        groups=tuple(snapshot.products[product_id]["category"] for product_id, _ in chosen),
    )


def sample_table() -> DemandTable:
    """The sample catalogue of the package: made-up demand."""
    notes = ("This is the sample catalogue: its demand is made up.",)
    return replace(own_table(read_sample(BASE_DATE)), notes=notes)


def _kind(snapshot: Snapshot, place: Place) -> tuple[Period, int]:
    calendar = snapshot.settings.calendar(place[1])
    return calendar.period, 7 - len(calendar.weekdays)


def _notes(left_out: int, period: Period, open_days: int) -> tuple[str, ...]:
    if not left_out:
        return ()
    counted = f"by {period}" if period != "day" else f"on {open_days} days a week"
    return (f"{several(left_out, 'product')} at locations that do not count demand {counted}: left out.",)
