"""What a decision costs: `python -m benchmarks.decision`.

Whole triggers on the rules model, first over HTTP against a real server process, then in this process with a profiler
that shows whose code the CPU time is spent in. A bare loop over the same calculation runs beside it, so that the
figures compare on any machine.
"""

import asyncio
import cProfile
import pstats
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from agent.runtime import Runtime, open_runtime
from agent.settings import Settings
from agent.state import DecisionRequest
from benchmarks.server import KEY, serving
from tools.planning.confidence import assess
from tools.planning.replenishment import plan
from tools.records.facts import (
    DemandHistory,
    Product,
    ProductFacts,
    Stock,
    Supplier,
)

TRIGGERS = 200
WARM_UP = 20
OWNERS = {
    "langgraph": "LangGraph",
    "langchain": "LangChain",
    "langsmith": "LangChain",
    "sqlalchemy": "SQL",
    "sqlite": "SQL",
    "pydantic": "pydantic",
    "structlog": "logging",
    "numpy": "NumPy and SciPy",
    "scipy": "NumPy and SciPy",
    "asyncio": "asyncio",
}


def request(number: int) -> dict[str, object]:
    """A new product each time, so that no trigger meets an earlier one's order."""
    demand = [100 + (day * 37 + number) % 31 for day in range(120)]
    return {
        "product_id": f"BENCH-{number}",
        "mode": "input",
        "current_stock": 150,
        "demand_history": demand,
        "lead_time_days": 7,
        "unit_price": 5,
    }


def facts(number: int) -> ProductFacts:
    body = request(number)
    return ProductFacts(
        product=Product(id=str(body["product_id"]), name=str(body["product_id"]), unit_price=5),
        supplier=Supplier(id="bench", name="bench", promised_lead_time_days=7),
        stock=Stock(location="default", on_hand=150),
        demand=DemandHistory(values=tuple(float(value) for value in body["demand_history"])),
        source="input",
    )


async def over_http(base: str) -> list[float]:
    times = []
    async with httpx.AsyncClient(base_url=base, headers={"X-API-Key": KEY}, timeout=30) as client:
        for number in range(WARM_UP + TRIGGERS):
            began = time.perf_counter()
            answer = await client.post("/inventory-trigger", json=request(number))
            times.append(time.perf_counter() - began)
            assert answer.json()["status"] in ("executed", "pending_review"), answer.text
    return times[WARM_UP:]


async def in_process(runtime: Runtime, start: int, count: int) -> float:
    """CPU seconds of one decision, all threads of this process included."""
    began = time.process_time()
    for number in range(start, start + count):
        product = facts(number)
        await runtime.decide(DecisionRequest(product_id=product.product.id, mode="input", facts=product))
    return (time.process_time() - began) / count


def bare_loop(count: int) -> float:
    """CPU seconds of the calculation and its confidence alone."""
    began = time.process_time()
    for number in range(count):
        chosen = plan(facts(number))
        assess(chosen, chosen.order_quantity)
    return (time.process_time() - began) / count


@contextmanager
def profiled(shares: Counter[str]) -> Iterator[None]:
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    yield
    profiler.disable()
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profiler).stats.items():
        shares[_owner(file, name)] += own


def _owner(file: str, name: str) -> str:
    path = file.replace("\\", "/")
    if "/site-packages/" not in path and any(f"/{part}/" in path for part in ("agent", "tools", "api")):
        return "our code"
    text = f"{path} {name}".lower()
    return next((owner for word, owner in OWNERS.items() if word in text), "Python and the rest")


async def measure(folder: Path) -> None:
    settings = Settings(
        _env_file=None,
        database_url=f"sqlite:///{folder}/book.db",
        checkpoint_path=folder / "checkpoints.db",
        log_level="error",
    )
    async with open_runtime(settings) as runtime:
        await in_process(runtime, 0, WARM_UP)
        cpu = await in_process(runtime, 1_000, TRIGGERS)
        turns = runtime.metrics.registry.get_sample_value("llm_calls_total", {"provider": "rules", "status": "ok"}) or 0
        shares: Counter[str] = Counter()
        with profiled(shares):
            await in_process(runtime, 2_000, TRIGGERS)
    bare = bare_loop(TRIGGERS)
    print(
        f"in process: {cpu * 1000:.1f} ms CPU a decision, {cpu / bare:.0f} x the bare calculation ({bare * 1e3:.2f} ms)"
    )
    print(f"model turns a decision: {turns / (WARM_UP + TRIGGERS):.2f}")
    total = sum(shares.values())
    for owner, seconds in shares.most_common():
        print(f"  {owner:22} {seconds / total:6.1%}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder) as base:
            times = asyncio.run(over_http(base))
        quantiles = statistics.quantiles(times, n=20)
        median, p95 = statistics.median(times) * 1000, quantiles[18] * 1000
        print(f"over HTTP, {TRIGGERS} triggers: median {median:.1f} ms, p95 {p95:.1f} ms")
        asyncio.run(measure(folder))


if __name__ == "__main__":
    sys.exit(main())
