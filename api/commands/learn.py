"""`restock learn`: what the whole of your own catalogue teaches about each of its products."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.files import refusals
from api.commands.opening import AsJson, with_book

if TYPE_CHECKING:
    from tools.book.book import OrderBook
    from tools.lookback.learned_catalogue import LearnedCatalogue
    from tools.lookback.learning import ClassResult

MOST_SHOWN = 10
"""Products whose level changes most."""


def learn(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would change, and store nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Learn from all products of your own catalogue what each needs for its coming interval. Needs the extra `learn`.

    One LightGBM model is trained on past moments and tried on later ones. Plans average it with each product's own
    forecast, by shares that it has earned there. Learn again when demand has come in: after 7 days, or one period, what
    was learned is no longer used.
    """

    async def look(book: "OrderBook") -> "LearnedCatalogue":
        from tools.catalog.own import OwnCatalog
        from tools.lookback.learned_catalogue import LearnedStore, learn_catalogue

        snapshot = await OwnCatalog(book.database).snapshot()
        own = await book.stock.of_catalogue("database")
        found = learn_catalogue(snapshot, own, progress=lambda done: typer.echo(done, err=True))
        if not dry_run:
            await LearnedStore(book.database).keep(found.learned)
        return found

    with refusals():
        found = with_book(look)
    typer.echo(json.dumps(_figures(found, dry_run=dry_run)) if as_json else "\n".join(_words(found, dry_run=dry_run)))


def _figures(found: "LearnedCatalogue", *, dry_run: bool) -> dict[str, Any]:
    levels = [
        {"product_id": product_id, "location": location, "reorder_point": after, "reorder_point_before": before}
        for (product_id, location), (before, after) in found.levels.items()
    ]
    tried = [asdict(result) for result in found.results]
    return {"stored": not dry_run, "classes": tried, "levels": levels, "left_out": found.left_out}


def _words(found: "LearnedCatalogue", *, dry_run: bool) -> list[str]:
    lines = ["On past moments that it had not seen (loss in units of usual demand, at 90, 95, 98 and 99 %):"]
    lines += map(_class_words, found.results)
    moved = {place: (before, after) for place, (before, after) in found.levels.items() if before != after}
    lines.append(f"Learned of {len(found.learned):,} products; the levels of {len(moved):,} change.")
    if found.left_out:
        lines.append(f"{found.left_out:,} keep their own forecast: too short a history, or no share was earned.")
    largest = sorted(moved, key=lambda place: abs(moved[place][1] - moved[place][0]), reverse=True)
    for product_id, location in largest[:MOST_SHOWN]:
        before, after = moved[product_id, location]
        lines.append(f"  {product_id} at {location}: reorder point {before:,g} → {after:,g}")
    lines.append("Nothing was stored." if dry_run else "Stored. Plans, scans and the desk use it from now on.")
    return lines


def _class_words(result: "ClassResult") -> str:
    covered = " / ".join(f"{100 * share:.1f}" for share in result.coverage)
    return (
        f"  {result.demand_class}: own {result.own_loss:.4f}, averaged {result.loss:.4f} "
        f"(× {result.loss / max(result.own_loss, 1e-12):.3f}) on {result.origins:,}; covers {covered} %; "
        f"share from now on {result.share:.0%}"
    )
