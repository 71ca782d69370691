"""Writes the sample's data files from the assortment. Run `python -m scripts.sample.generate` after changing it.

Every series is drawn from a seed of its own, so that adding a product leaves all others as they are. Only
`Random.random` is drawn from: it is the one method whose numbers Python promises to keep between versions.
"""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import count
from math import exp, log, pi, sin, sqrt
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Any

from scripts.sample.assortment import ITEMS, SOURCES, Arrival, Item, Pattern, Place, Source
from tools.catalog.sample import reader
from tools.catalog.sample.reader import BASE_DATE

TARGET = Path(reader.__file__).parent
SEED = 20260101
_NORMAL = NormalDist()


def contents() -> dict[str, str]:
    """Every data file of the sample by name."""
    return {
        "suppliers.json": _json_lines(_supplier(source) for source in SOURCES),
        "products.json": _json_lines(_product(item) for item in ITEMS),
        "stock.json": _json_lines(_stock()),
        "demand.csv": "\n".join(_demand()) + "\n",
    }


def _supplier(source: Source) -> dict[str, Any]:
    return {
        "id": source.id,
        "name": source.name,
        "promised_lead_time_days": source.promised,
        "observed_lead_times_days": _lead_times(source),
    }


def _lead_times(source: Source) -> list[int]:
    random = _random(source.id)
    expected = source.promised + source.slip
    return [max(1, round(expected + source.spread * _normal(random))) for _ in range(source.receipts)]


def _product(item: Item) -> dict[str, Any]:
    basics = {"id": item.id, "name": item.name, "category": item.category, "supplier_id": item.supplier}
    return basics | {"unit_price": item.price} | item.terms


def _stock() -> Iterable[dict[str, Any]]:
    numbers = count(10401)
    for item in ITEMS:
        for place in item.places:
            yield {
                "product_id": item.id,
                "location": place.location,
                "on_hand": place.on_hand,
                "backorders": place.backorders,
                "open_orders": [_open_order(f"ERP-{next(numbers)}", arrival) for arrival in place.arrivals],
            }


def _open_order(reference: str, arrival: Arrival) -> dict[str, Any]:
    return {
        "reference": reference,
        "quantity": arrival.quantity,
        "placed": _days_ago(arrival.placed_ago).isoformat(),
        "due": _days_ago(-arrival.due_in).isoformat(),
    }


def _demand() -> Iterable[str]:
    yield "product_id,location,first_date,last_date,out_of_stock,daily_demand"
    for item in ITEMS:
        for place in item.places:
            yield _series(item, place)


def _series(item: Item, place: Place) -> str:
    random = _random(f"{item.series or item.id}/{place.location}")
    quantities = [_sold(random, place, ago) for ago in range(place.days, 0, -1)]
    out = "/".join(_days_ago(ago).isoformat() for ago in place.out_of_stock or ())
    dates = f"{_days_ago(place.days).isoformat()},{_days_ago(1).isoformat()}"
    return f"{item.id},{place.location},{dates},{out},{' '.join(map(str, quantities))}"


def _sold(random: Random, place: Place, ago: int) -> int:
    """One day's sales. Two numbers are drawn whatever becomes of them, so that each day keeps its own."""
    sells, quantile = random.random() < place.pattern.chance, _normal(random)
    if not sells or _out_of_stock(place, ago) or ago <= place.pattern.last_sale_days_ago:
        return 0
    quantity = round(_lognormal(_level(place.pattern, ago, place.days), place.pattern.cv, quantile))
    return max(1, quantity) if place.pattern.chance < 1 else quantity


def _level(pattern: Pattern, ago: int, days: int) -> float:
    trend = 1 + pattern.growth * (days - ago) / days
    season = 1 + pattern.amplitude * sin(2 * pi * (pattern.peak_days_ago - ago) / 365 + pi / 2)
    week = pattern.quiet_share if ago % 7 in (0, 1) else 1.0
    return pattern.mean * trend * season * week


def _lognormal(mean: float, cv: float, normal: float) -> float:
    if mean <= 0:
        return 0.0
    variance = log(1 + cv * cv)
    return exp(log(mean) - variance / 2 + sqrt(variance) * normal)


def _out_of_stock(place: Place, ago: int) -> bool:
    return place.out_of_stock is not None and place.out_of_stock[0] >= ago >= place.out_of_stock[1]


def _random(name: str) -> Random:
    return Random(f"{SEED}/{name}")


def _normal(random: Random) -> float:
    return _NORMAL.inv_cdf(max(random.random(), 1e-12))


def _days_ago(days: int) -> date:
    return BASE_DATE - timedelta(days=days)


def _json_lines(rows: Iterable[dict[str, Any]]) -> str:
    """A JSON array with a line for each row, so that a change shows as the rows that changed."""
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


def main() -> None:
    for name, text in contents().items():
        (TARGET / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
