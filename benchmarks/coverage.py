"""Does a level cover what was asked? Every origin of two real data sets, no look ahead, the textbook beside it.

python -m benchmarks.coverage --data FOLDER
"""

import argparse

from benchmarks.real_data import CAR_PARTS_INTERVAL, RETAIL_INTERVAL, car_parts, data_folder, retail
from tools.coverage import SERVICE_LEVELS, Coverage, coverage_table
from tools.pooled_factor import pooled_factors
from tools.rolling_origin import Origins, rolling_origins

HEAD = (
    f"  {'group':30}{'asked':>7}{'origins':>10}{'achieved':>10}{'points':>8}{'by product':>12}"
    f"{'textbook':>10}{'points':>8}{'stock':>9}{'cover':>8}"
)


def line(row: Coverage) -> str:
    return (
        f"  {row.group:30}{row.asked:7.0%}{row.origins:10,}{row.achieved:10.2%}{row.points_off:+8.1f}"
        f"{row.achieved_by_product:12.2%}{row.textbook:10.2%}{100 * (row.textbook - row.asked):+8.1f}"
        f"{row.stock_ratio:9.2f}{row.cover_ratio:8.2f}"
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
    parts = rolling_origins(car_parts(folder), CAR_PARTS_INTERVAL)
    report("Car parts, monthly, L = 3, R = 1", coverage_table(parts))
    pooled(parts)


if __name__ == "__main__":
    main()
