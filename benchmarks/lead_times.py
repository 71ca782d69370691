"""Does an order come when its plan says? `python -m benchmarks.lead_times --data FOLDER`.

Each order line of `supplier_receipts.parquet` (SCMS delivery history, USAID, public domain) is planned on the day it
was ordered, from what had been received by then: its own promise, with the lateness of its vendor's latest receipts and
the usual lateness of all vendors. Covered is an order whose place in that distribution is at most .5, .8 or .95; of
orders that are as late as others, each place is as likely (a seed draws it). *Raw* replays the vendor's lead times.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.real_data import data_folder
from tools.planning.interval_forecast import FEWEST_TO_REPLAY, lead_time, usual_lateness
from tools.records.facts import Supplier

ASKED = (0.5, 0.8, 0.95)


def orders(lines: pd.DataFrame) -> Iterator[tuple[Supplier, Supplier, float]]:
    """(what is known of the vendor, the same by raw lead times, days that the order took)."""
    received = lines.sort_values("delivered", kind="stable")
    for order in lines.itertuples():
        known = received[received["delivered"] < order.ordered]
        own = known[known["vendor"] == order.vendor]
        promised = float(order.promise)
        late = Supplier(
            id="V",
            name="V",
            promised_lead_time_days=promised,
            observed_lateness_days=tuple(own["late"].tolist()),
            usual_lateness_days=usual_lateness(known["late"].to_numpy()),
        )
        raw = Supplier(
            id="V", name="V", promised_lead_time_days=promised, observed_lead_times_days=tuple(own["took"].tolist())
        )
        yield late, raw, float(order.took)


def place(supplier: Supplier, took: float, random: np.random.Generator) -> float:
    """Where the order lies in the lead times that may come."""
    lead = lead_time(supplier)
    expected = np.array(lead.replayed or (lead.days,))
    return float(((expected < took).sum() + random.random() * (expected == took).sum()) / expected.size)


def line(name: str, places: list[float]) -> str:
    covered = [f"{100 * np.mean(np.array(places) <= asked):.1f}" for asked in ASKED]
    return f"  {name:38}{len(places):7,}  " + " / ".join(covered)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lead_times", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", help="folder with data/*.parquet (default: RESTOCK_DATA)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    lines = pd.read_parquet(data_folder(given.data) / "supplier_receipts.parquet").sort_values("ordered", kind="stable")
    lines["took"] = (lines["delivered"] - lines["ordered"]).dt.days.clip(lower=0).astype(float)
    lines["promise"] = (lines["promised"] - lines["ordered"]).dt.days.clip(lower=0).astype(float)
    lines["late"] = lines["took"] - lines["promise"]
    random = np.random.default_rng(given.seed)
    found: dict[str, list[float]] = {}
    for late, raw, took in orders(lines):
        receipts = len(late.observed_lateness_days)
        many = "ten receipts or more" if receipts >= FEWEST_TO_REPLAY else "fewer receipts"
        if late.usual_lateness_days:
            found.setdefault(f"promise + lateness, {many}", []).append(place(late, took, random))
            if not receipts:
                found.setdefault("promise + lateness, a new vendor", []).append(place(late, took, random))
        if receipts >= FEWEST_TO_REPLAY:
            found.setdefault(f"raw, {many}", []).append(place(raw, took, random))
    print("covered at 50 / 80 / 95 %")
    for name, places in sorted(found.items()):
        print(line(name, places))


if __name__ == "__main__":
    main()
