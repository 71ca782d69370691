"""A whole catalogue at once: time and memory, beside one pass over the same array and beside other libraries.

    python -m benchmarks.bulk                    1,000,000 products × 365 days in single precision (1.4 GiB)
    python -m benchmarks.bulk --products 100000
    python -m benchmarks.bulk --libraries FOLDER    inventorize beside the others

Times are the best of several runs on however many cores there are, on the clock and in CPU time of all threads, which
tells more where others use the machine; take the ratios. Other libraries are timed on a part of the catalogue and per
product: mean, standard deviation and reorder point by the textbook, nothing more. inventorize is not among the
project's development packages, as it brings 130 MB (scikit-learn, plotly) that nothing else here needs; it is taken
from a folder of its own, behind the project's own packages:

    pip install --no-deps --target FOLDER inventorize==1.2.6 scikit-learn joblib plotly
"""

import argparse
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tools.planning.demand_distribution import z_value
from tools.planning.scan import Terms, scan, scan_textbook

PERIODS = 365
LEAD_TIME, REVIEW, SERVICE = 7.0, 1.0, 0.95
INTERVAL = LEAD_TIME + REVIEW
GENERATED_AT_ONCE = 50_000
PART = 2_000
PAGE = resource.getpagesize()


def catalogue(products: int) -> np.ndarray:
    """Fast, slow, lumpy and wandering demand, in whole units."""
    random = np.random.default_rng(0)
    demand = np.empty((products, PERIODS), dtype=np.float32)
    for start in range(0, products, GENERATED_AT_ONCE):
        part = demand[start : start + GENERATED_AT_ONCE]
        level = random.lognormal(1, 1.5, (len(part), 1)).astype(np.float32)
        sold = random.random(part.shape, dtype=np.float32) < random.uniform(0.05, 1, (len(part), 1))
        np.copyto(part, np.ceil(sold * level * random.standard_exponential(part.shape, dtype=np.float32)))
    return demand


def seconds(work: Callable[[], object], repeats: int) -> np.ndarray:
    """On the clock and of CPU time."""
    best = np.full(2, np.inf)
    for _ in range(repeats):
        start = np.array([time.perf_counter(), time.process_time()])
        work()
        best = np.minimum(best, [time.perf_counter(), time.process_time()] - start)
    return best


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def peak_during(work: Callable[[], object]) -> int:
    """The largest resident size while the work runs."""
    peak, done = [resident()], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    return peak[0]


def by_pandas(part: np.ndarray) -> pd.Series:
    """Long table, grouped by product."""
    long = pd.DataFrame({"product": np.repeat(np.arange(len(part)), PERIODS), "demand": part.ravel()})
    sums = long.groupby("product")["demand"].agg(["mean", "std"])
    return sums["mean"] * INTERVAL + z_value(SERVICE) * sums["std"] * INTERVAL**0.5


def by_stockpyl(part: np.ndarray) -> list[float]:
    from stockpyl.newsvendor import newsvendor_normal

    shortage = SERVICE / (1 - SERVICE)
    return [
        newsvendor_normal(1, shortage, float(row.mean()), float(row.std(ddof=1)), lead_time=INTERVAL - 1)[0]
        for row in part
    ]


def by_inventorize(part: np.ndarray) -> list[object]:
    import inventorize

    return [inventorize.reorderpoint(float(row.mean()), float(row.std(ddof=1)), INTERVAL, SERVICE) for row in part]


def others(part: np.ndarray) -> dict[str, np.ndarray | None]:
    """Microseconds a product, or None where the library is not installed."""
    found: dict[str, np.ndarray | None] = {}
    for name, work in {"pandas groupby": by_pandas, "stockpyl": by_stockpyl, "inventorize": by_inventorize}.items():
        try:
            found[name] = seconds(lambda work=work: work(part), 2) / len(part) * 1e6  # type: ignore[misc]
        except ImportError:
            found[name] = None
    return found


def columns(spent: np.ndarray, one_pass: np.ndarray) -> str:
    clock, cpu = (f"{own:9.3f}{own / sum_of_all:7.1f} ×" for own, sum_of_all in zip(spent, one_pass, strict=True))
    return clock + cpu


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, help="default: one per core")
    parser.add_argument("--libraries", help="folder with libraries that are not among the project's packages")
    given = parser.parse_args()
    sys.path += [given.libraries] if given.libraries else []
    demand = catalogue(given.products)
    terms = Terms(lead_time_days=LEAD_TIME, review_period_days=REVIEW, service_level=SERVICE, unit_price=1.0)
    one_pass = seconds(lambda: np.sum(demand), given.repeats) / len(demand) * 1e6
    print(f"{given.products:,} products × {PERIODS} days, {demand.nbytes / 2**20:,.0f} MiB; µs a product")
    print(f"  {'':28}{'clock':>9}{'ratio':>9}{'CPU':>9}{'ratio':>9}")
    rows: dict[str, np.ndarray | None] = {"one numpy.sum": one_pass}
    for name, work in {"textbook columns": scan_textbook, "whole method": scan}.items():
        spent = seconds(lambda work=work: work(demand, terms, threads=given.threads), given.repeats)  # type: ignore[misc]
        rows[name] = spent / len(demand) * 1e6
    for name, found in (rows | others(demand[:PART])).items():
        print(f"  {name:28}" + ("  not installed (--libraries)" if found is None else columns(found, one_pass)))
    before = resident()
    peak = peak_during(lambda: scan(demand, terms, threads=given.threads))
    print(
        f"  peak memory of the whole method: {peak / 2**20:,.0f} MiB, {peak / demand.nbytes:.2f} × the input "
        f"({before / 2**20:,.0f} MiB before it)"
    )


if __name__ == "__main__":
    main()
