"""Reads a clean file of a million sales lines, and says what that costs beside `pandas.read_csv`.

Usage: python -m benchmarks.reading [--lines 1000000] [--rounds 3]. Both are timed in turn in one process; the ratio of
the fastest rounds counts. The file is opened, mapped, read and checked: bar 5 ×. Peak memory is of the whole process.
"""

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from tools.catalog.reading import read_file


def write_sales(path: Path, lines: int) -> None:
    """A clean file: product_id, date, quantity; 5,000 products over two years, in the order of days."""
    random = np.random.default_rng(0)
    days = np.datetime64("2024-10-01") + np.sort(random.integers(0, 730, lines))
    products = np.char.add("SKU-", random.integers(10_000, 15_000, lines).astype(str))
    frame = pd.DataFrame({"product_id": products, "date": days, "quantity": random.integers(1, 60, lines)})
    frame.to_csv(path, index=False)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sales.csv"
        write_sales(path, given.lines)
        plain, read = [], []
        for _ in range(given.rounds):
            plain.append(seconds(lambda: pd.read_csv(path)))
            read.append(seconds(lambda: read_file(path, name="sales.csv")))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratio = min(read) / min(plain)
    print(f"{given.lines:,} lines: pandas.read_csv {min(plain):.2f} s, read_file {min(read):.2f} s, ratio {ratio:.1f}")
    print(f"peak memory {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
