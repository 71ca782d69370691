"""A million lines of sales, read, checked and written, beside `pandas.read_csv` of the same file in the same run.

    python -m benchmarks.importing                       on SQLite and on PostgreSQL
    python -m benchmarks.importing --lines 100000

Each database has a process of its own, whose peak of memory is shown. Take the ratios: they are of CPU time of this
process, which tells more where others use the machine; what PostgreSQL itself computes is beside it, in the clock's.
"""

import argparse
import asyncio
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.postgres import PostgresServer
from tools.book.audit import Actor
from tools.catalog.importing.sources import read_source
from tools.catalog.imports import ImportStore
from tools.storage.database import Database
from tools.storage.migrations.upgrade import migrate

PRODUCTS, DAYS = 5_000, 365


def write_sales(file: Path, lines: int) -> None:
    """Lines of products at two locations on the days of a year."""
    random = np.random.default_rng(0)
    days = (np.datetime64("2025-11-01") + np.arange(DAYS)).astype(str)
    frame = pd.DataFrame(
        {
            "product_id": "P-" + pd.Series(random.integers(PRODUCTS, size=lines)).astype(str).str.zfill(5),
            "date": days[np.sort(random.integers(DAYS, size=lines))],
            "quantity": random.integers(1, 40, size=lines),
            "location": np.where(random.random(lines) < 0.8, "MAIN", "NORTH"),
        }
    )
    frame.to_csv(file, index=False)


def timed(work: Callable[[], Any]) -> tuple[Any, np.ndarray]:
    """The result, and seconds on the clock and of CPU time."""
    start = np.array([time.perf_counter(), time.process_time()])
    result = work()
    return result, np.array([time.perf_counter(), time.process_time()]) - start


def measure(file: Path, url: str, results: Any) -> None:
    asyncio.run(migrate(url))
    pandas_seconds = min((timed(lambda: pd.read_csv(file))[1] for _ in range(3)), key=lambda took: float(took[1]))
    reading, read = timed(lambda: read_source(file, name=file.name))

    async def bring_in() -> Any:
        async with Database(url) as database:
            return await ImportStore(database).bring_in([reading], Actor(name="benchmark"))

    record, written = timed(lambda: asyncio.run(bring_in()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    results.put((pandas_seconds, read, written, peak, record.counts["demand"].new))


def show(name: str, file: Path, url: str) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=measure, args=(file, url, results))
    process.start()
    pandas_seconds, read, written, peak, histories = results.get()
    process.join()
    whole = read + written
    print(
        f"{name}: {histories:,} histories; pandas {pandas_seconds[0]:.2f} s, read {read[0]:.2f} s, written "
        f"{written[0]:.2f} s; read {read[1] / pandas_seconds[1]:.1f} × pandas, with the write "
        f"{whole[1] / pandas_seconds[1]:.1f} × (clock {whole[0] / pandas_seconds[0]:.1f} ×); peak {peak:,.0f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    lines = parser.parse_args().lines
    with tempfile.TemporaryDirectory(prefix="restock-importing-") as folder:
        file = Path(folder) / "sales.csv"
        write_sales(file, lines)
        print(f"{lines:,} lines, {file.stat().st_size / 1e6:.0f} MB")
        show("SQLite", file, f"sqlite:///{folder}/book.db")
    with tempfile.TemporaryDirectory(prefix="restock-postgres-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder) / "data")
        file = Path(folder) / "sales.csv"
        write_sales(file, lines)
        show("PostgreSQL", file, server.create())
        server.stop()


if __name__ == "__main__":
    main()
