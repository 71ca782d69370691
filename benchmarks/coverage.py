"""Does a level cover what was asked? Every origin of two real data sets, no look ahead, the textbook beside it.

python -m benchmarks.coverage --data FOLDER
"""

import argparse

import numpy as np

from benchmarks.real_data import CAR_PARTS_INTERVAL, RETAIL_INTERVAL, car_parts, data_folder, retail
from tools.lookback.coverage import SERVICE_LEVELS, Coverage, coverage, coverage_table, groups
from tools.lookback.pooled_service import asked_service, pooled_factors
from tools.lookback.rolling_origin import Origins, rolling_origins
from tools.planning.demand import DEMAND_CLASSES

HEAD = (
    f"  {'group':30}{'asked':>7}{'origins':>10}{'products':>10}{'achieved':>10}{'points':>8}{'±':>6}"
    f"{'by product':>12}{'textbook':>10}{'points':>8}{'stock':>9}{'cover':>8}"
)


def line(row: Coverage) -> str:
    return (
        f"  {row.group:30}{row.asked:7.0%}{row.origins:10,}{row.products:10,}{row.achieved:10.2%}{row.points_off:+8.1f}"
        f"{100 * row.standard_error:6.1f}{row.achieved_by_product:12.2%}{row.textbook:10.2%}"
        f"{100 * (row.textbook - row.asked):+8.1f}{row.stock_ratio:9.2f}{row.cover_ratio:8.2f}"
    )


def report(name: str, rows: list[Coverage]) -> None:
    print(name)
    print(HEAD)
    for row in rows:
        print(line(row))
    whole = [row for row in rows if row.group == "all"]
    fast = [row for row in rows if "units an interval" in row.group]
    print(f"  worst of all products: {min(row.points_off for row in whole):+.1f} points")
    mean = sum(row.points_off for row in fast) / len(fast)
    each = sum(100 * (row.achieved_by_product - row.asked) for row in fast) / len(fast)
    print(f"  fast products: {mean:+.1f} points on average over the levels, {each:+.1f} as the mean over products")


def pooled(origins: Origins) -> None:
    """What factors learned from all products, and from each class of them, achieve on origins they have not seen."""
    for level in SERVICE_LEVELS:
        for factor in pooled_factors(origins, level):
            print(
                f"  pooled factor for {level:.0%}, {factor.stratum}: ask for {factor.ask:.2%}; on later origins "
                f"{factor.held_out_pooled:.2%} (without it {factor.held_out_plain:.2%})"
            )
    print()


def learned(origins: Origins, *, every: int, first: int) -> None:
    """The factors of each class as a user has them: learned anew every so often from what had come by then."""
    print(f"  by class, learned every {every} periods from the {first}th on, and without")
    print(HEAD)
    later = origins.where(origins.moment >= first)
    for asked in SERVICE_LEVELS:
        asks = learned_asks(origins, later, every=every, wanted=asked)
        for name, chosen in groups(later).items():
            part = later.where(chosen)
            print(line(coverage(name, part, part.levels(asked), asked)))
            print(line(coverage(f"{name}, learned", part, part.levels(asks[chosen]), asked)))
    print()


def learned_asks(origins: Origins, later: Origins, *, every: int, wanted: float) -> np.ndarray:
    asks = np.full(len(later), wanted)
    for moment in range(int(later.moment.min()), int(later.moment.max()) + 1, every):
        known = origins.where(origins.moment + origins.interval.length <= moment)
        factors = pooled_factors(known, wanted)
        now = (later.moment >= moment) & (later.moment < moment + every)
        for code, name in enumerate(DEMAND_CLASSES):
            asks[now & (later.demand_class == code)] = asked_service(factors, name, wanted)
    return asks


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--data", help="folder with data/*.parquet (default: RESTOCK_DATA)")
    parser.add_argument("--step", type=int, default=1, help="days between two origins in retail (default 1)")
    given = parser.parse_args()
    folder = data_folder(given.data)
    print("points: percentage points achieved above what was asked")
    print("stock, cover: left over at the interval's end, of the textbook's at equal achieved service, in units and in")
    print("each product's own intervals of demand; below 1 is less stock\n")
    sales = rolling_origins(retail(folder), RETAIL_INTERVAL, step=given.step)
    report("UCI retail, daily, L = 7, R = 1", coverage_table(sales))
    pooled(sales)
    learned(sales, every=28, first=120)
    parts = rolling_origins(car_parts(folder), CAR_PARTS_INTERVAL)
    report("Car parts, monthly, L = 3, R = 1", coverage_table(parts))
    pooled(parts)
    learned(parts, every=4, first=24)


if __name__ == "__main__":
    main()
