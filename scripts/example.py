"""Writes a small wholesaler's files: `python -m scripts.example`, up to yesterday, into docs/example.

40 products of 3 suppliers at 2 locations: a year of sales on working days, stock, and what is still on order.
`--next-day` writes what the same systems would export a day later: yesterday's sales, the stock now, and what is open.

Only `Random.random` is drawn from: it is the one method whose numbers Python promises to keep between versions.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp
from pathlib import Path
from random import Random
from typing import Annotated, Any

import typer

TARGET = Path(__file__).parent.parent / "docs" / "example"
SEED, DAYS = 40, 365
SUPPLIERS = (
    ("S1", "Nordhaus Fasteners", "EUR", 10, 250, "mon thu"),
    ("S2", "Lumen Electric", "EUR", 15, 400, "tue"),
    ("S3", "Harbor Tools", "USD", 28, 600, ""),
)
KINDS = ("Hex bolt", "Wood screw", "Cable", "Switch", "Drill bit", "Glove", "Tape", "Lamp")
SIZES = ("M6", "M8", "10 mm", "20 mm", "large")
DAILY = (0.12, 0.4, 1.1, 3.0, 8.0)
"""Units a working day, of one product in five each."""


@dataclass(frozen=True, slots=True)
class Item:
    sku: str
    name: str
    supplier: tuple[str, str, str, int, int, str]
    cost: float
    pack: int
    daily: float


def items(random: Random) -> list[Item]:
    found = []
    for number in range(40):
        kind, size = KINDS[number % len(KINDS)], SIZES[number // len(KINDS)]
        cost, pack = round(0.5 + 30 * random.random() ** 2, 2), (1, 5, 10, 25)[int(4 * random.random())]
        supplier, daily = SUPPLIERS[number % 3], DAILY[number % len(DAILY)] * (0.7 + 0.6 * random.random())
        found.append(Item(f"{kind[:3].upper()}-{100 + number}", f"{kind} {size}", supplier, cost, pack, daily))
    return found


def sold(random: Random, mean: float) -> int:
    """A Poisson draw. (Knuth, 1997, 3.4.1)"""
    product, count = random.random(), 0
    while product > exp(-mean):
        product, count = product * random.random(), count + 1
    return count


def sales(random: Random, of: list[Item], days: Iterable[date]) -> list[list[Any]]:
    lines = []
    for day in days:
        for item in of:
            if day.weekday() < 5 and (quantity := sold(random, item.daily)):
                place = "MAIN" if random.random() < 0.75 else "NORTH"
                lines.append([day.isoformat(), f"SO{len(lines) + 1:05}", item.sku, quantity, place])
    return lines


def stock(random: Random, of: list[Item]) -> dict[tuple[str, str], int]:
    """Between nothing and 40 working days of demand."""
    shares = (("MAIN", 0.75), ("NORTH", 0.25))
    return {(item.sku, place): int(item.daily * share * 40 * random.random()) for item in of for place, share in shares}


def orders(random: Random, of: list[Item], today: date) -> list[list[Any]]:
    """Some of them are late."""
    lines: list[list[Any]] = []
    for item in of:
        if random.random() < 0.2:
            due = today + timedelta(int(25 * random.random()) - 6)
            quantity = item.pack * max(1, round(20 * item.daily / item.pack))
            lines.append([f"PO{700 + len(lines)}", item.supplier[1], item.sku, quantity, due.isoformat()])
    return lines


def write(folder: Path, name: str, columns: str, rows: Iterable[Iterable[Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(columns.split(","))
        lines.writerows(rows)


def write_day(folder: Path, lines: list[list[Any]], levels: dict[tuple[str, str], int], due: list[list[Any]]) -> None:
    write(folder, "sales.csv", "Date,Order no,SKU,Qty,Location", lines)
    write(folder, "stock.csv", "SKU,Location,On hand", ([*place, level] for place, level in levels.items()))
    write(folder, "open_orders.csv", "PO,Supplier,SKU,Qty open,Expected date", due)


def main(
    folder: Annotated[Path, typer.Argument(help="Where the files go.")] = TARGET,
    today: Annotated[str, typer.Option(help="The day on which they were exported. [today]")] = "",
    next_day: Annotated[bool, typer.Option("--next-day", help="What is exported the day after.")] = False,
) -> None:
    """Write the example's files."""
    random, day = Random(SEED), date.fromisoformat(today) if today else date.today()  # noqa: DTZ011  (the reader's day)
    of = items(random)
    levels, due = stock(random, of), orders(random, of, day)
    if not next_day:
        lines = sales(random, of, (day - timedelta(back) for back in range(DAYS, 0, -1)))
        write(
            folder,
            "suppliers.csv",
            "Supplier ID,Supplier name,Currency,Lead time (days),Minimum order value,Order days",
            SUPPLIERS,
        )
        columns = "SKU,Description,Category,Supplier,Unit cost,Currency,Pack size"
        rows = ([i.sku, i.name, i.name.rsplit(" ", 1)[0], i.supplier[1], i.cost, i.supplier[2], i.pack] for i in of)
        write(folder, "products.csv", columns, rows)
        write_day(folder, lines, levels, due)
        return
    lines = sales(random, of, [day])
    came = {line[2]: line[3] for line in due if line[4] <= day.isoformat()}
    for _, _, sku, quantity, place in lines:
        levels[sku, place] = max(0, levels[sku, place] - quantity)
    for sku, quantity in came.items():
        levels[sku, "MAIN"] += quantity
    write_day(folder / "next-day", lines, levels, [line for line in due if line[2] not in came])


if __name__ == "__main__":
    typer.run(main)
