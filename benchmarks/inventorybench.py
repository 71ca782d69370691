"""What periodic replenishment earns on InventoryBench: `python -m benchmarks.inventorybench --data FOLDER_OR_PARQUET`.

Plays `benchmarks.periodic` by InventoryBench's rules (Baek, Fu, Ma & Peng, 2025, "AI Agents for Inventory
Control") on the benchmark's own folder of instances (`…/lead_time_0/…/train.csv` and `test.csv`) or on pairs of
Parquet files (`…_train.parquet`, `…_test.parquet`). The policy is told on-hand stock, last period's demand, order and
arrivals, unit profit and holding cost, five past samples and the promised lead time; never the true lead time, the
length of the game, the product or the date. A lost order is not announced: it only fails to arrive.

`--submission OUT` writes the folder that the benchmark's evaluator reads. `--foresight` plays every game once more with
a policy that is told the future level of demand (a centred five-period mean) but neither its noise nor the lead times:
what lies between the two is the price of not knowing where demand is going.

A score is reward ÷ (profit × demand), not below nil. It is lost in two ways, shown beside it: sales not made (as a
share of demand) and holding cost (as a share of the profit on all demand).
"""

import argparse
import csv
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from benchmarks.demand_belief import Array, gamma_shape
from benchmarks.lead_time_belief import LeadTimeBelief
from benchmarks.periodic import Economics, LastPeriod, PeriodicPolicy

PROMISED = {"lead_time_0": 0, "lead_time_4": 4, "lead_time_stochastic": 2}
SMOOTHING = 2
"""Periods on either side of the centred mean that foresight is told."""
METHOD = """# Periodic replenishment by marginal holding cost

Demand: a Bayesian filter over level, drift and noise (a hidden Markov model on a grid of levels), with jumps and
returns to earlier levels. Lead times: a Dirichlet belief started at the promise and learned from which open orders add
up to each arrival; an order that stays away is written off by degrees. Decision: over sampled courses of demand and
arrivals, the largest order whose last unit is expected to earn in saved sales, before a later order could replace it,
what it costs to hold until it is sold. Nothing is fitted to an instance; dates, descriptions and the horizon are not
used.
"""


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


class ForeseenDemand:
    """Demand whose level is known to the end of the game, but not its noise."""

    def __init__(self, instance: Instance) -> None:
        level = centred_mean(np.array(instance.past_demand + instance.demand))[len(instance.past_demand) :]
        window = 2 * SMOOTHING + 1
        scatter = (np.array(instance.demand) - level) / np.maximum(level, 1.0)
        noise = float(np.sqrt(np.mean(scatter**2) * window / (window - 1)))
        self._noise = min(max(noise, 0.05), 1.0)
        self._ahead = np.maximum(level, 0.5)

    def observe(self, demand: float) -> None:
        self._ahead = self._ahead[1:] if len(self._ahead) > 1 else self._ahead

    def scenarios(self, *, periods: int, count: int, random: np.random.Generator) -> Array:
        beyond = np.full(max(0, periods - len(self._ahead)), self._ahead[-1])
        level = np.concatenate([self._ahead[:periods], beyond])
        shape = gamma_shape(mean=level, noise=np.full(periods, self._noise))
        demand: Array = np.round(random.standard_gamma(shape, (count, periods)) * level / shape)
        return demand


def centred_mean(values: Array) -> Array:
    """Mean over `SMOOTHING` periods on either side, fewer at the ends."""
    return np.array([values[max(0, i - SMOOTHING) : i + SMOOTHING + 1].mean() for i in range(len(values))])


def learning_policy(instance: Instance) -> PeriodicPolicy:
    return PeriodicPolicy.from_samples(past_demand=instance.past_demand, promised_lead_time=instance.promised_lead_time)


def foreseeing_policy(instance: Instance) -> PeriodicPolicy:
    lead_time = LeadTimeBelief(instance.promised_lead_time)
    return PeriodicPolicy(demand=ForeseenDemand(instance), lead_time=lead_time)


def play(instance: Instance, make_policy: Callable[[Instance], PeriodicPolicy] = learning_policy) -> Result:
    """One game: order, arrivals, demand, reward; what stock cannot serve is lost."""
    started = time.process_time()
    policy = make_policy(instance)
    on_hand, last_period = 0.0, None
    orders: list[int] = []
    due: dict[float, float] = defaultdict(float)
    earned = held = sold = 0.0
    for period, (demand, lead_time) in enumerate(zip(instance.demand, instance.lead_times, strict=True)):
        economics = instance.economics[period]
        quantity = policy.order(on_hand=on_hand, economics=economics, last_period=last_period)
        orders.append(quantity)
        due[period + lead_time] += quantity
        arrived = due.pop(period, 0.0)
        on_hand += arrived
        sales = min(on_hand, demand)
        on_hand -= sales
        earned += economics.unit_profit * sales
        held += economics.holding_cost * on_hand
        sold += sales
        last_period = LastPeriod(demand=demand, ordered=quantity, arrived=arrived)
    return settle(instance, orders, earned, held, sold, time.process_time() - started)


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


def report(instances: Sequence[Instance], results: Sequence[Result], foreseen: Sequence[Result]) -> Iterator[str]:
    columns: dict[str, Sequence[float]] = {
        "score": [result.score for result in results],
        "sales lost": [result.sales_lost for result in results],
        "holding": [result.holding for result in results],
    }
    if foreseen:
        columns["foresight"] = [result.score for result in foreseen]
    yield from table(instances, columns)
    decisions = sum(len(result.orders) for result in results)
    yield f"{1000 * sum(result.seconds for result in results) / decisions:.2f} ms of processor time a decision"
    yield f"score {np.mean(columns['score']):.4f} on {len(instances)} instances"


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kept = os.environ.get("RESTOCK_DATA")
    parser.add_argument("--data", type=Path, default=Path(kept) / "data" if kept else None)
    parser.add_argument("--submission", type=Path, help="folder to write for the benchmark's evaluator")
    parser.add_argument("--foresight", action="store_true", help="play also with the future level known")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(argv)
    if options.data is None or not options.data.exists():
        parser.error(f"--data is {options.data}; name a folder or a Parquet file, or set RESTOCK_DATA.")
    return options


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
    total = len(instances)
    with ProcessPoolExecutor(options.jobs) as pool:
        results = progress(pool.map(play, instances, chunksize=4), total, "playing")
        foreseen: list[Result] = []
        if options.foresight:
            games = pool.map(play, instances, [foreseeing_policy] * total, chunksize=4)
            foreseen = progress(games, total, "with foresight")
    if options.submission:
        write_submission(options.submission, zip(instances, results, strict=True))
    print(*report(instances, results, foreseen), sep="\n")


if __name__ == "__main__":
    main()
