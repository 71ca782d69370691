"""Plants small faults in the code, one at a time, and counts those that the module's own tests notice.

The faults are mutmut's. mutmut itself leaves out every decorated function and takes no sample; here a seed chooses, and
each kind of fault gets its turn. Nothing on disk changes: a process of its own imports the faulty source. Words, logs,
errors' texts and annotations are left alone. `equivalent_mutants.toml` lists faults that change nothing, with reasons.
"""

import argparse
import os
import random
import sys
import tomllib
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import unified_diff
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import Any

import hypothesis
import libcst as cst
import pytest
from mutmut.mutation import mutators

ROOT = Path(__file__).parents[1]
LEAST_NOTICED, MOST_EQUIVALENT = 0.92, 0.03
NOTHING_COLLECTED, NEVER_IMPORTED = int(pytest.ExitCode.NO_TESTS_COLLECTED), 99
PLANNING, BOOK = "tests/tools/planning", "tests/tools/book"
MODULES: dict[str, tuple[tuple[str, ...], str]] = {
    "gate": (("tools/planning/gate.py",), f"{PLANNING}/test_gate.py"),
    "placing": (("tools/book/placing.py",), f"{BOOK}/test_transactions.py"),
    "orders": (("tools/book/orders.py",), f"{BOOK}/test_transactions.py"),
    "reviews": (("tools/book/reviews.py",), f"{BOOK}/test_transactions.py {BOOK}/test_review_order.py"),
    "spending": (("tools/book/spending.py",), f"{BOOK}/test_ledger.py"),
    "nodes": (("agent/nodes.py",), "tests/agent/test_nodes.py"),
    "graph": (("agent/graph.py",), "tests/agent/test_wiring.py"),
    "chain": (("agent/models/chain.py",), "tests/agent/models/test_fallback.py"),
    "idempotency": (
        ("api/door/idempotency.py", "tools/book/idempotency.py"),
        f"tests/api/door/test_attempt.py {BOOK}/test_idempotency.py",
    ),
    "replenishment": (
        ("tools/planning/replenishment.py",),
        f"{PLANNING}/test_replenishment.py {PLANNING}/test_profit.py",
    ),
    "working": (
        ("tools/planning/working.py",),
        " ".join(
            f"{PLANNING}/test_{name}.py" for name in ("working", "replenishment", "profit", "promotion", "learned")
        ),
    ),
    "order_quantity": (("tools/planning/order_quantity.py",), f"{PLANNING}/test_order_quantity.py"),
    "service": (("tools/planning/service.py",), f"{PLANNING}/test_service.py {PLANNING}/test_replenishment.py"),
    "distribution": (("tools/planning/demand_distribution.py",), f"{PLANNING}/test_demand_distribution.py"),
    "confidence": (("tools/planning/confidence.py",), f"{PLANNING}/test_confidence.py"),
}
"""Files of a module, and the fewest tests that cover it."""
CHOSEN = "not postgresql and not killed and not without_the and not fifty and not twenty"
OPTIONS = ["-x", "-q", "-k", CHOSEN, "-W", "ignore::pytest.PytestAssertRewriteWarning", "-p", "no:cacheprovider"]
PHASES = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
PRELOADED = ["pytest", "hypothesis", "numpy", "scipy.stats", "pandas", "sqlalchemy", "alembic.command", "fastapi"]
PRELOADED += [
    "tools.records.orders",
    "tools.storage.database",
    "structlog",
    "procrastinate",
    "langchain_core.language_models",
    "langgraph.graph",
    "langgraph.prebuilt",
    "google.genai",
    "groq",
]
LEFT_ALONE = {"operator_string", "operator_dict_arguments"}


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int
    kind: str
    was: str
    becomes: str
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.kind}\n    - {self.was}\n    + {self.becomes}"


class Planter(cst.CSTVisitor):
    """Collects every fault that may be planted, as (node, replacement, kind)."""

    def __init__(self) -> None:
        self.found: list[tuple[cst.CSTNode, Any, str]] = []
        self._functions = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.BaseString | cst.Raise) or _is_of_no_effect(node):
            return False
        for kind, operator in mutators.mutation_operators:
            if isinstance(node, kind) and operator.__name__ not in LEFT_ALONE:
                self._plant(node, operator)
        self._functions += isinstance(node, cst.FunctionDef)
        return True

    def on_leave(self, node: cst.CSTNode) -> None:
        self._functions -= isinstance(node, cst.FunctionDef)

    def _plant(self, node: cst.CSTNode, operator: Any) -> None:
        if operator is mutators.operator_assignment and not self._functions:
            return
        self.found += [
            (node, replacement, operator.__name__.removeprefix("operator_")) for replacement in operator(node)
        ]


def _is_of_no_effect(node: cst.CSTNode) -> bool:
    """Logs, names of types, and arguments that only state what holds anyway."""
    if isinstance(node, cst.Arg) and node.keyword is not None:
        return node.keyword.value == "strict"
    if isinstance(node, cst.Assign) and isinstance(node.value, cst.Subscript):
        return cst.Module([]).code_for_node(node.value.value) in ("Annotated", "Literal")
    if not isinstance(node, cst.Call):
        return False
    called = cst.Module([]).code_for_node(node.func)
    return called.startswith(("log.", "structlog.")) or called in ("TypeAlias", "cast")


def sample(files: tuple[str, ...], count: int, seed: int) -> list[Mutant]:
    """So many faults, each kind in turn, so that the rarer ones are all there."""
    choose, kinds = random.Random(f"{seed} {files}"), defaultdict(list)
    for file in files:
        module, planter = cst.parse_module((ROOT / file).read_text()), Planter()
        module.visit(planter)
        for node, replacement, kind in planter.found:
            kinds[kind].append((file, module, node, replacement, kind))
    for found in kinds.values():
        choose.shuffle(found)
    chosen: list[Mutant] = []
    while len(chosen) < count and any(kinds.values()):
        chosen += [_planted(*found.pop()) for found in kinds.values() if found]
    return chosen[:count]


def _planted(file: str, module: cst.Module, node: cst.CSTNode, replacement: Any, kind: str) -> Mutant:
    mutated = module.deep_replace(node, replacement).code
    changed = list(unified_diff(module.code.splitlines(), mutated.splitlines(), n=0, lineterm=""))[2:]
    was, becomes = (" ".join(part[1:].strip() for part in changed if part[0] == sign) for sign in "-+")
    return Mutant(file, int(changed[0].split()[1][1:].split(",")[0]), kind, was, becomes, mutated)


def run_tests(mutant: Mutant | None, tests: str) -> None:
    """In a process of its own: import the fault in place of its file, run the tests, and exit as pytest does."""
    os.setsid()
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    name = mutant.file.removesuffix(".py").replace("/", ".") if mutant else ""

    class Loader(SourceFileLoader):
        def get_code(self, fullname: str) -> Any:
            return compile(mutant.source, self.path, "exec")  # type: ignore[union-attr]

    class Finder:
        @staticmethod
        def find_spec(fullname: str, path: Any = None, target: Any = None) -> Any:
            file = str(ROOT / mutant.file) if mutant and fullname == name else None
            return file and spec_from_file_location(name, file, loader=Loader(name, file))

    assert name not in sys.modules
    sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
    hypothesis.settings.register_profile("mutants", database=None, deadline=None, derandomize=True, phases=PHASES)
    hypothesis.settings.load_profile("mutants")
    code = int(pytest.main([*OPTIONS, *tests.split()]))
    os._exit(code if mutant is None or name in sys.modules or code else NEVER_IMPORTED)


def attempt(mutant: Mutant | None, tests: str, seconds: float) -> int | None:
    """The exit code of the tests; None when the time was up, which counts as noticed."""
    process = get_context("forkserver").Process(target=run_tests, args=(mutant, tests))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        os.killpg(process.pid, 9)  # type: ignore[arg-type]
        process.join()
        return None
    return process.exitcode


def examine(name: str, arguments: argparse.Namespace, pool: ThreadPoolExecutor) -> bool:
    """Print how many of a module's faults were noticed, and those that were not. Returns whether they were enough."""
    files, tests = MODULES[name]
    began = monotonic()
    if attempt(None, tests, 600) != 0:
        raise SystemExit(f"The tests of {name} fail without a fault: {tests}")
    patience = 15 + 3 * (monotonic() - began)
    known = {(entry["file"], entry["was"], entry["becomes"]) for entry in arguments.equivalents}
    chosen = sample(files, arguments.count, arguments.seed)
    planted = [mutant for mutant in chosen if (mutant.file, mutant.was, mutant.becomes) not in known]
    codes = list(pool.map(lambda mutant: attempt(mutant, tests, patience), planted))
    if {NOTHING_COLLECTED, NEVER_IMPORTED} & set(codes):
        raise SystemExit(f"The tests of {name} do not import it: {tests}")
    noticed, alike = sum(code != 0 for code in codes) / len(planted), len(chosen) - len(planted)
    took = f"{codes.count(None)} by the time limit, {alike} equivalent, {monotonic() - began:.0f} s"
    print(f"{name:15} {noticed:6.1%} of {len(planted)} noticed ({took})", flush=True)
    for mutant, code in zip(planted, codes, strict=True):
        if code == 0:
            print(f"  lived: {mutant}", flush=True)
    return noticed >= LEAST_NOTICED and alike <= MOST_EQUIVALENT * len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(MODULES), help=f"of {', '.join(MODULES)}")
    parser.add_argument("--count", type=int, default=30, help="faults a module")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    listed = tomllib.loads(Path(__file__).with_name("equivalent_mutants.toml").read_text())
    arguments.equivalents = listed.get("mutant", [])
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    get_context("forkserver").set_forkserver_preload(PRELOADED)
    with ThreadPoolExecutor(arguments.processes) as pool:
        enough = [examine(name, arguments, pool) for name in arguments.modules]
    sys.exit(0 if all(enough) else 1)


if __name__ == "__main__":
    main()
