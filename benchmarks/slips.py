"""How slips and ordinary days are decided: `python -m benchmarks.slips [--data FOLDER]`.

Plan and gate decide each case of the folder's `cases/slips.json`, on the calculator's own submission and without a
limit of money. Then they decide 300 seeded retail articles day by day over the last 60 days (lead time 7, review 1),
and count the automatic orders that wait only because of a doubt (`tools.planning.doubts`). Every order arrives on time,
whoever places it, so that both counts are of the same days. Ends with status 1 when a case is decided wrongly or more
than 2 in 100 orders wait.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from api.bodies.triggers import InlineTrigger
from benchmarks.real_data import RETAIL_INTERVAL, data_folder, retail
from tools.planning.demand_distribution import FloatArray
from tools.planning.doubts import EarlierOrder
from tools.planning.gate import Circumstances, Limits, Submission, Verdict, judge
from tools.planning.replenishment import plan
from tools.records.facts import DemandHistory, OpenOrder, Product, ProductFacts, Stock, Supplier
from tools.records.plan import Plan

LIMITS = Limits(confidence_threshold=0.6, auto_order_value_limit=None)
ARTICLES, DAYS, FEWEST_DAYS, MOST_NEWLY_WAITING = 300, 60, 8, 0.02
LEAD_DAYS, REVIEW_DAYS = int(RETAIL_INTERVAL.lead_time), int(RETAIL_INTERVAL.review_period)


def decide(planned: Plan, earlier: tuple[EarlierOrder, ...] = ()) -> Verdict:
    submission = Submission(
        product_id=planned.product_id,
        action=planned.recommended_action,
        quantity=planned.order_quantity,
        confidence=1.0,
    )
    return judge(submission, planned, Circumstances(calculated=True, earlier_orders=earlier), LIMITS)


def undoubted(planned: Plan) -> Plan:
    return planned.model_copy(
        update={"notices": tuple(notice for notice in planned.notices if not notice.code.startswith("doubt"))}
    )


def missed(case: dict[str, Any]) -> str | None:
    """How a slip passes, or an ordinary day does not."""
    facts = InlineTrigger.model_validate({"product_id": "CASE", **case["request"]}).to_request(requested_by="").facts
    assert facts is not None
    planned = plan(facts)
    verdict = decide(planned)
    if "clean" not in case:
        before = decide(undoubted(planned)).route
        return None if verdict.route == before else f"{before} before, {verdict.route} now: {verdict.reasons}"
    if verdict.route == "auto":
        return f"{verdict.quantity} placed"
    return "nothing to order, and not named" if verdict.route == "none" and not planned.notices else None


def cases(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    read = json.loads((folder / "cases" / "slips.json").read_text(encoding="utf-8"))
    return [(kind, case) for kind, found in read.items() for case in found]


def days_with_an_order(
    code: str, demand: FloatArray, price: Decimal
) -> Iterator[tuple[Plan, tuple[EarlierOrder, ...]]]:
    """The plans of one article that order something, with the orders before. It begins at its order-up-to level."""
    first = demand.size - DAYS
    held, due, earlier = 0.0, dict[int, int](), list[EarlierOrder]()
    for day in range(first, demand.size):
        held += due.pop(day, 0) - (demand[day] if day > first else 0)
        on_way = [OpenOrder(reference=f"{at}", quantity=units, due_in_days=at - day) for at, units in due.items()]
        planned = plan(
            ProductFacts(
                product=Product(id=code, name=code, unit_price=price, review_period_days=REVIEW_DAYS),
                supplier=Supplier(id="S", name="S", promised_lead_time_days=LEAD_DAYS),
                stock=Stock(location="L", on_hand=max(0, held), backorders=max(0, -held), open_orders=tuple(on_way)),
                demand=DemandHistory(values=tuple(demand[: day + 1].tolist())),
                source="input",
            )
        )
        if day == first:
            held = planned.order_up_to_level
        elif planned.order_quantity:
            yield planned, tuple(earlier)
            due[day + LEAD_DAYS] = planned.order_quantity
            earlier.insert(0, EarlierOrder(f"{day}", planned.order_quantity, price, "USD", LEAD_DAYS))


def newly_waiting(folder: Path, seed: int) -> tuple[int, int, Counter[str]]:
    """Orders that went out, those of them that wait now, and why."""
    table = retail(folder)
    assert table.unit_prices is not None
    known = [row for row, demand in enumerate(table.demand) if np.isfinite(demand).sum() >= DAYS + FEWEST_DAYS]
    went_out, wait, reasons = 0, 0, Counter[str]()
    for row in np.random.default_rng(seed).permutation(known)[:ARTICLES]:
        demand, price = table.demand[row], Decimal(f"{table.unit_prices[row]:.2f}")
        for planned, earlier in days_with_an_order(table.products[row], demand[np.isfinite(demand)], price):
            if decide(undoubted(planned)).route == "auto":
                went_out += 1
                verdict = decide(planned, earlier)
                wait += verdict.route != "auto"
                reasons.update(re.sub(r"\d[\d,.]*", "…", reason) for reason in verdict.reasons)
    return went_out, wait, reasons


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slips", description=__doc__.split("\n")[0])
    parser.add_argument("--data", help="folder with cases/slips.json and data/*.parquet")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    folder = data_folder(options.data)
    wrong = Counter[str]()
    for kind, case in cases(folder.parent):
        fault = missed(case)
        wrong[kind] += fault is not None
        print(f"{kind}: {case['id']}: {fault or 'as it should be'}")
    went_out, wait, reasons = newly_waiting(folder, options.seed)
    print("decided wrongly:", dict(wrong))
    print(f"retail: {went_out} orders went out, {wait} of them wait now ({wait / went_out:.2%})")
    print(*(f"  {count} × {reason}" for reason, count in reasons.most_common()), sep="\n")
    sys.exit(bool(wrong.total() or wait > MOST_NEWLY_WAITING * went_out))


if __name__ == "__main__":
    main()
