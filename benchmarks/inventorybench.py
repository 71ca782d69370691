"""What the calculator earns on InventoryBench: `python -m benchmarks.inventorybench --data FOLDER_OR_PARQUET`.

Plays `plan()` by InventoryBench's rules (Baek, Fu, Ma & Peng, 2025, "AI Agents for Inventory Control") on the
benchmark's own folder of instances (`…/lead_time_0/…/train.csv` and `test.csv`) or on pairs of Parquet files
(`…_train.parquet`, `…_test.parquet`). Every period sends what a planner could send to `POST /debug`, and orders what
that answers: past demand (five samples first), stock, the orders on the way with their dates, receipts, the promised
lead time, a review period of one week, unit profit and holding cost, and that unmet demand is lost (service type
`profit`). The true lead time, the length of the game, the product and the date are not sent. A lost order is not
announced: it only fails to arrive.

`--service ADDRESS --key KEY` plays twenty of the games through `POST /debug` of a running service too, period by
period, and says whether the orders are the same. `--submission OUT` writes the folder that the benchmark's evaluator
reads. `--trend N` also plays N made games of demand that rises, and N of demand that falls, by 3 % a period at lead
time 4.

A score is reward ÷ (profit × demand), not below nil. It is lost in two ways, shown beside it: sales not made (as a
share of demand) and holding cost (as a share of the profit on all demand).
"""

import argparse
import csv
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import numpy as np
import pandas as pd

from api.bodies.triggers import InlineTrigger
from tools.planning.replenishment import plan

PROMISED = {"lead_time_0": 0, "lead_time_4": 4, "lead_time_stochastic": 2}
WEEK, YEAR = 7, 365
MATCHED_ORDERS = 10
"""Youngest open orders among which those of a receipt are looked for: at most 2^10 sets."""
SERVED_GAMES = 20
GROWTH = 0.03
"""Of made games, a period."""
METHOD = """# Orders by a restocking service's calculator

Demand: a Bayesian filter over level, motion and noise (a hidden Markov model on a grid of levels), with jumps and
returns to earlier levels. Lead times: a Dirichlet belief started at the promise and learned from receipts and open
orders; an order that stays away is written off by degrees. Decision: over sampled courses of demand and arrivals, the
largest order whose last unit is expected to earn in saved sales, before a later order could replace it, what it costs
to hold until it is sold. Nothing is fitted to an instance; dates, descriptions and the horizon are not used.
"""

Facts = dict[str, Any]
Decide = Callable[[Facts], float]
"""From the body of a request for a plan to the quantity that is recommended."""


@dataclass(frozen=True)
class Economics:
    """What a sold unit earns and what a unit left at the end of a period costs, in the same currency."""

    unit_profit: float
    holding_cost: float


@dataclass(frozen=True)
class Instance:
    """One game: what the policy is told beforehand, and what it is not. A lead time of inf is a lost order."""

    name: str
    past_demand: tuple[float, ...]
    promised_lead_time: int
    demand: tuple[float, ...]
    lead_times: tuple[float, ...]
    economics: tuple[Economics, ...]

    @property
    def family(self) -> str:
        parts = PurePosixPath(self.name).parts
        return parts[2] if len(parts) > 3 else parts[0]

    @property
    def supply(self) -> str:
        """How lead times behave, as the benchmark names it."""
        named = (part for part in PurePosixPath(self.name).parts if part in PROMISED)
        return next(named, f"promised {self.promised_lead_time}").removeprefix("lead_time_")


@dataclass(frozen=True)
class Result:
    """One game played: the orders, and where the profit on all demand went, as shares of it."""

    orders: tuple[int, ...]
    score: float
    sales_lost: float
    holding: float
    seconds: float


@dataclass
class Books:
    """What a planner keeps of the product: its demand, stock, orders and receipts. Ages are in periods."""

    instance: Instance
    demand: list[float]
    on_hand: float = 0.0
    open_orders: list[tuple[int, float, int]] = field(default_factory=list)
    """(number, units, period in which it was placed)."""
    receipts: list[int] = field(default_factory=list)
    """Lead times in periods."""

    @property
    def period(self) -> int:
        return len(self.demand) - len(self.instance.past_demand)

    def facts(self) -> Facts:
        """The body of a request for the plan of the coming period."""
        promised, economics = self.instance.promised_lead_time, self.instance.economics[self.period]
        return {
            "product_id": "PRODUCT",
            "mode": "input",
            "current_stock": self.on_hand,
            "demand_history": list(self.demand),
            "demand_period_days": WEEK,
            "lead_time_days": promised * WEEK,
            "review_period_days": WEEK,
            "open_orders": [
                {
                    "reference": f"ORDER-{number}",
                    "quantity": units,
                    "due_in_days": (placed + promised - self.period) * WEEK,
                    "placed_days_ago": (self.period - placed) * WEEK,
                }
                for number, units, placed in self.open_orders
            ],
            "observed_lead_times_days": [taken * WEEK for taken in self.receipts],
            "service_type": "profit",
            "unit_profit": economics.unit_profit,
            "holding_cost": round(economics.holding_cost * YEAR / WEEK, 6),
        }

    def order(self, units: float) -> None:
        if units > 0:
            self.open_orders.append((self.period, units, self.period))

    def receive(self, units: float) -> None:
        """A receipt says only how much came: it is booked on the orders that add up to it, nearest to the promise."""
        self.on_hand += units
        candidates = self.open_orders[-MATCHED_ORDERS:]
        sets = (chosen for size in range(1, len(candidates) + 1) for chosen in combinations(candidates, size))
        matching = (chosen for chosen in sets if sum(order[1] for order in chosen) == units)
        came = min(matching, key=self._off_promise, default=()) if units > 0 else ()
        self.receipts += [self.period - placed for _, _, placed in came]
        self.open_orders = [order for order in self.open_orders if order not in came]

    def _off_promise(self, orders: Sequence[tuple[int, float, int]]) -> int:
        return sum(abs(self.period - placed - self.instance.promised_lead_time) for _, _, placed in orders)


def planned_quantity(facts: Facts) -> float:
    """What `plan()` recommends for the body of a request."""
    request = InlineTrigger.model_validate(facts).to_request(requested_by="benchmark")
    assert request.facts is not None
    return plan(request.facts).order_quantity


def quantity_over_http(client: httpx.Client, facts: Facts) -> float:
    """What a running service recommends for the same body."""
    answer = client.post("/debug", json=facts)
    answer.raise_for_status()
    return float(answer.json()["recommended_quantity"])


def play(instance: Instance, decide: Decide = planned_quantity) -> Result:
    """One game, each period of which is decided on its facts alone."""
    game = moves(instance)
    facts = next(game)
    while True:
        try:
            facts = game.send(decide(facts))
        except StopIteration as end:
            result: Result = end.value
            return result


def moves(instance: Instance) -> Generator[Facts, float, Result]:
    """One game: order, arrivals, demand, reward; what stock cannot serve is lost.

    Each period's facts are handed out, and the quantity to order is taken in.
    """
    started = time.process_time()
    books = Books(instance, list(instance.past_demand))
    orders: list[int] = []
    due: dict[float, float] = defaultdict(float)
    earned = held = sold = 0.0
    for period, (demand, lead_time) in enumerate(zip(instance.demand, instance.lead_times, strict=True)):
        quantity = int((yield books.facts()))
        orders.append(quantity)
        books.order(quantity)
        due[period + lead_time] += quantity
        books.receive(due.pop(period, 0.0))
        sales = min(books.on_hand, demand)
        books.on_hand -= sales
        economics = instance.economics[period]
        earned += economics.unit_profit * sales
        held += economics.holding_cost * books.on_hand
        sold += sales
        books.demand.append(demand)
    return settle(instance, orders, earned, held, sold, time.process_time() - started)


def trending_games(count: int, growth: float, seed: int = 1) -> list[Instance]:
    """Games of 50 periods at lead time 4 whose demand grows by so much a period from 100, with noise of 15 %."""
    random, periods = np.random.default_rng(seed), 50
    games = []
    for number in range(count):
        level = 100 * np.exp(growth * np.arange(-5, periods))
        demand = np.maximum(0.0, np.round(random.normal(level, 0.15 * level))).tolist()
        economics = Economics((1.0, 4.0, 19.0)[number % 3], 1.0)
        name = f"made_trajectory/lead_time_4/{'rising' if growth > 0 else 'falling'}/{number}"
        games.append(Instance(name, tuple(demand[:5]), 4, tuple(demand[5:]), (4.0,) * periods, (economics,) * periods))
    return games


def settle(
    instance: Instance, orders: Sequence[int], earned: float, held: float, sold: float, seconds: float
) -> Result:
    """The benchmark's score: reward over the first period's profit on all demand; nil where there was no demand."""
    demand = sum(instance.demand)
    possible = instance.economics[0].unit_profit * demand
    if possible <= 0:
        return Result(tuple(orders), 0.0, 0.0, 0.0, seconds)
    score = max(0.0, (earned - held) / possible)
    return Result(tuple(orders), score, 1.0 - sold / demand, held / possible, seconds)


def read_instances(source: Path) -> list[Instance]:
    """From a Parquet file, a folder with Parquet pairs, or a folder of the benchmark's instances at any depth."""
    if source.is_file():
        return read_parquet(source)
    tests = sorted(source.glob("inventorybench*_test.parquet"))
    if tests:
        return [instance for test in tests for instance in read_parquet(test)]
    folders = sorted(path.parent for path in source.rglob("test.csv") if (path.parent / "train.csv").exists())
    if not folders:
        raise SystemExit(
            f"No instances in {source}: expected folders with train.csv and test.csv, or "
            "inventorybench…_train.parquet beside inventorybench…_test.parquet."
        )
    return [read_folder(folder, root=source) for folder in folders]


def read_parquet(path: Path) -> list[Instance]:
    """`path` is either of the pair; its name tells the other's."""
    stem = path.name.removesuffix("_test.parquet").removesuffix("_train.parquet")
    train, test = (path.with_name(f"{stem}_{part}.parquet") for part in ("train", "test"))
    missing = [str(file) for file in (train, test) if not file.exists()]
    if missing:
        raise SystemExit(f"{path} is one of a pair; missing: {', '.join(missing)}.")
    samples = dict(list(pd.read_parquet(train).sort_values("sample").groupby("instance")))
    games = pd.read_parquet(test).sort_values("period").groupby("instance")
    return [
        from_frames(str(name), samples[name], game, int(samples[name]["promised_lead_time"].iloc[0]))
        for name, game in games
    ]


def read_folder(folder: Path, *, root: Path) -> Instance:
    """One of the benchmark's folders: columns end in the item's id; the promise is stated by a folder's name."""
    train, test = (without_item(pd.read_csv(folder / f"{part}.csv")) for part in ("train", "test"))
    stated = [part for part in folder.resolve().parts if part in PROMISED]
    if not stated:
        raise SystemExit(
            f"{folder} does not say its promised lead time; expected one of {', '.join(PROMISED)} above it."
        )
    return from_frames(instance_name(folder, root), train, test, PROMISED[stated[-1]])


def instance_name(folder: Path, root: Path) -> str:
    """The path below the folder that holds `…_trajectory`, wherever in the tree the reader was pointed."""
    parts = folder.resolve().parts
    start = next((i for i, part in enumerate(parts) if part.endswith("_trajectory")), None)
    return "/".join(parts[start:]) if start is not None else folder.relative_to(root).as_posix()


def without_item(frame: pd.DataFrame) -> pd.DataFrame:
    """`demand_111586001` becomes `demand`; other columns stay."""
    item = next(column for column in frame.columns if column.startswith("demand_")).removeprefix("demand_")
    return frame.rename(columns=lambda column: column.removesuffix(f"_{item}"))


def from_frames(name: str, train: pd.DataFrame, test: pd.DataFrame, promised: int) -> Instance:
    prices = zip(test["profit"], test["holding_cost"], strict=True)
    return Instance(
        name=name,
        past_demand=tuple(float(value) for value in train["demand"]),
        promised_lead_time=promised,
        demand=tuple(float(value) for value in test["demand"]),
        lead_times=tuple(float(value) for value in test["lead_time"]),
        economics=tuple(Economics(unit_profit=float(p), holding_cost=float(h)) for p, h in prices),
    )


def write_submission(folder: Path, played: Iterable[tuple[Instance, Result]]) -> None:
    """`results/<instance>/results.csv` with period and order_quantity, as the benchmark's evaluator reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(METHOD, encoding="utf-8")
    for instance, result in played:
        target = folder / "results" / instance.name
        target.mkdir(parents=True, exist_ok=True)
        with (target / "results.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("period", "order_quantity"))
            writer.writerows(enumerate(result.orders, start=1))


def table(instances: Sequence[Instance], columns: dict[str, Sequence[float]]) -> Iterator[str]:
    """Means of every column by family and lead time, then by lead time, then of all."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, instance in enumerate(instances):
        for family in (instance.family, "~ all"):
            for supply in (instance.supply, "~ all"):
                groups[family, supply].append(i)
    yield f"{'family':28}{'lead time':>12}{'n':>6}" + "".join(f"{name:>12}" for name in columns)
    for (family, supply), rows in sorted(groups.items()):
        means = (float(np.mean([values[i] for i in rows])) for values in columns.values())
        label = f"{family.lstrip('~ '):28}{supply.lstrip('~ '):>12}{len(rows):>6}"
        yield label + "".join(f"{mean:12.4f}" for mean in means)


def report(instances: Sequence[Instance], results: Sequence[Result]) -> Iterator[str]:
    columns: dict[str, Sequence[float]] = {
        "score": [result.score for result in results],
        "sales lost": [result.sales_lost for result in results],
        "holding": [result.holding for result in results],
    }
    yield from table(instances, columns)
    decisions = sum(len(result.orders) for result in results)
    yield f"{1000 * sum(result.seconds for result in results) / decisions:.2f} ms of processor time a decision"
    yield f"score {np.mean(columns['score']):.4f} on {len(instances)} instances"


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kept = os.environ.get("RESTOCK_DATA")
    parser.add_argument("--data", type=Path, default=Path(kept) / "data" if kept else None)
    parser.add_argument("--submission", type=Path, help="folder to write for the benchmark's evaluator")
    parser.add_argument("--trend", type=int, default=0, help="made games with rising, and with falling demand")
    parser.add_argument("--service", help="address of a running service: plays twenty games there too, and compares")
    parser.add_argument("--key", default="", help="of that service, with the scope read")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(argv)
    if options.data is None or not options.data.exists():
        parser.error(f"--data is {options.data}; name a folder or a Parquet file, or set RESTOCK_DATA.")
    return options


def compare_with_service(instances: Sequence[Instance], results: Sequence[Result], address: str, key: str) -> str:
    """Plays some games through `POST /debug`, period by period."""
    chosen = range(0, len(instances), max(1, len(instances) // SERVED_GAMES))[:SERVED_GAMES]
    with httpx.Client(base_url=address, headers={"X-API-Key": key}, timeout=60) as client:
        served = [play(instances[game], partial(quantity_over_http, client)) for game in chosen]
    same = sum(own.orders == results[game].orders for own, game in zip(served, chosen, strict=True))
    return f"{same} of {len(served)} games through POST /debug have the same orders"


def progress(results: Iterator[Result], total: int, label: str) -> list[Result]:
    done: list[Result] = []
    for result in results:
        done.append(result)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{label} {len(done)}/{total}" + "\n" * (len(done) == total))
    return done


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    instances = read_instances(options.data)
    made = [game for growth in (GROWTH, -GROWTH) for game in trending_games(options.trend, growth)]
    total = len(instances) + len(made)
    with ProcessPoolExecutor(options.jobs) as pool:
        played = progress(pool.map(play, instances + made, chunksize=4), total, "playing")
    results = played[: len(instances)]
    if options.service:
        print(compare_with_service(instances, results, options.service, options.key))
    if options.submission:
        write_submission(options.submission, zip(instances, results, strict=True))
    if made:
        print(*table(made, {"score": [result.score for result in played[len(instances) :]]}), sep="\n")
    print(*report(instances, results), sep="\n")


if __name__ == "__main__":
    main()
