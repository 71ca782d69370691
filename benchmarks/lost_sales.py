"""Does demand that stock could not serve stay in view? `python -m benchmarks.lost_sales [--data FOLDER]`.

A closed loop, day by day: the level is set each day from the history so far (lead time 7, review period 1), what is not
in stock is lost, and a day that ends without stock is marked as run out. Four histories are played: of true demand, of
sales with days that ran out as "at least" (`tools.planning.stock_outs`), of sales without those days, and of sales as
they were. Shown is the share of demand served, the others' in points beside that with true demand, and their stock as a
share of its; each product in units of its own demand. Demand is made up by a seed; `--data` adds retail articles.
"""

import argparse
from collections.abc import Callable

import numpy as np

from benchmarks.real_data import data_folder, retail
from tools.planning.demand_distribution import FloatArray
from tools.planning.scan import Terms, scan
from tools.planning.stock_outs import with_lost_demand

LEAD_TIME, REVIEW_PERIOD = 7, 1
KNOWN, SETTLING, FEWEST_SALES = 56, 60, 3
"""Days whose demand is known to all histories, days of play that do not count, and sales in the first that it takes."""
ASKED = (0.8, 0.9, 0.95, 0.98)
BAR = 1.5

History = Callable[[FloatArray, np.ndarray], FloatArray]


def each_with_lost_demand(sold: FloatArray, ran_out: np.ndarray) -> FloatArray:
    """Of many products."""
    demand = sold.copy()
    for row in np.flatnonzero(ran_out.any(axis=1)):
        demand[row] = with_lost_demand(sold[row], ran_out[row])
    return demand


HISTORIES: dict[str, History] = {
    "at least": each_with_lost_demand,
    "left out": lambda sold, ran_out: np.where(ran_out, np.nan, sold),
    "as sold": lambda sold, ran_out: sold,
}


def made_up(products: int, days: int, random: np.random.Generator) -> dict[str, FloatArray]:
    size = (products, days)
    level = random.lognormal(0, 0.5, (products, 1))

    def some(share: float) -> np.ndarray:
        return random.random(size) < np.minimum(share * level, 0.6)

    return {
        "smooth (20 a day)": random.poisson(20 * level, size).astype(float),
        "erratic (σ = 1)": np.ceil(random.lognormal(2, 1, size) * level),
        "slow (.15 a day)": random.poisson(0.15 * level, size).astype(float),
        "intermittent (6 on a day in 5)": some(0.2) * random.poisson(6, size).astype(float),
        "lumpy (σ = 1, a day in 7)": some(0.15) * np.ceil(random.lognormal(1.5, 1, size)),
        "very lumpy (σ = 1.4)": some(0.15) * np.ceil(random.lognormal(1.5, 1.4, size)),
    }


def play(demand: FloatArray, asked: float, history: History | None) -> tuple[float, float]:
    """The share of demand that is served, and mean stock; None is told true demand."""
    terms = Terms(lead_time_days=LEAD_TIME, review_period_days=REVIEW_PERIOD, service_level=asked)
    scale = 1 / demand.mean(axis=1)
    sold, ran_out = demand.copy(), np.zeros(demand.shape, np.bool_)
    pipeline = np.zeros((len(demand), LEAD_TIME + 1))
    stock, totals = np.zeros(len(demand)), np.zeros(3)
    for day in range(KNOWN, demand.shape[1]):
        known = demand[:, :day] if history is None else history(sold[:, :day], ran_out[:, :day])
        level = np.nan_to_num(scan(known, terms).reorder_point)
        stock = level if day == KNOWN else stock
        pipeline[:, LEAD_TIME] = np.maximum(level - stock - pipeline.sum(axis=1), 0)
        stock = stock + pipeline[:, 0]
        pipeline = np.roll(pipeline, -1, axis=1)
        pipeline[:, LEAD_TIME] = 0
        sold[:, day] = np.minimum(stock, demand[:, day])
        stock = stock - sold[:, day]
        ran_out[:, day] = stock <= 0
        if day >= KNOWN + SETTLING:
            totals += [each @ scale for each in (sold[:, day], demand[:, day], stock)]
    return totals[0] / totals[1], totals[2]


def report(name: str, demand: FloatArray) -> None:
    demand = demand[np.count_nonzero(demand[:, :KNOWN], axis=1) >= FEWEST_SALES]
    print(f"{name}: {len(demand)} products × {demand.shape[1]} days")
    for asked in ASKED:
        served, stock = play(demand, asked, None)
        found = {history: play(demand, asked, HISTORIES[history]) for history in HISTORIES}
        told = "; ".join(
            f"{history} {100 * (share - served):+5.1f} (stock {own / stock:.2f})"
            for history, (share, own) in found.items()
        )
        missed = " MISSED" if 100 * (served - found["at least"][0]) > BAR else ""
        print(f"  asked {asked:.0%}: served {served:.1%} with true demand; {told}{missed}", flush=True)


def articles(folder: str, products: int, random: np.random.Generator) -> FloatArray:
    """Retail articles that sold from the start on."""
    demand = retail(data_folder(folder)).demand
    demand = demand[~np.isnan(demand[:, 7])]
    return np.nan_to_num(demand[random.permutation(len(demand))[:products], 7:])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lost_sales", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", help="folder with data/*.parquet: retail articles too")
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    sets = made_up(given.products, given.days, random)
    if given.data:
        sets["retail articles"] = articles(given.data, given.products, random)
    for name, demand in sets.items():
        report(name, demand)


if __name__ == "__main__":
    main()
